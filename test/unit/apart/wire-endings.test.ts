import { describe, expect, it } from 'vitest';
import { receiveEndings, sendEndings } from '../../../src/apart/wire-endings.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import { ScoredBatch } from '../../../src/core/scored-batch.ts';
import { batchOf } from '../../support/events.ts';

describe('endings between processes', () => {
  it('keep their places where records were passed over, and what became of rows', () => {
    const batch = batchOf(['a', 'b', 'c']);
    const outcome = (event: number, part: string, rows?: Outcome['rows']): Outcome => ({
      kind: 'result',
      event: batch.events[event] as Outcome['event'],
      resultId: `${batch.hub}/${batch.partition}/${batch.events[event]?.sequenceNumber}${part}`,
      requestId: undefined,
      model: 'm',
      modelVersion: '1.0.0',
      variant: undefined,
      body: Buffer.from(`{"of":${event}}`),
      code: undefined,
      latencyMs: 1,
      rows,
    });
    const outcomes = [outcome(0, '/1'), outcome(2, '', { answered: 2, skipped: 1 })];
    const passedOver = new Map([
      [0, 1],
      [1, 1],
    ]);
    const sent = structuredClone(sendEndings(ScoredBatch.of(batch, outcomes, [], passedOver)));
    const received = receiveEndings(batch, { ...sent, bodies: Buffer.from(sent.bodies) });
    expect(received.map(({ resultId, rows, body }) => [resultId, rows, body.toString()])).toEqual(
      outcomes.map(({ resultId, rows, body }) => [resultId, rows, body.toString()]),
    );
    expect(sent.passedOver).toEqual(passedOver);
  });
});
