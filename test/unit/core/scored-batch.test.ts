import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../../src/core/outcome.ts';
import { ScoredBatch } from '../../../src/core/scored-batch.ts';
import { batchOf } from '../../support/events.ts';

const batch = batchOf(['one', 'two', 'three']);

function outcome(event: number, about: Partial<Outcome> = {}): Outcome {
  const of = batch.events[event] as Outcome['event'];
  const shared = {
    requestId: undefined,
    model: 'm',
    modelVersion: '1',
    variant: undefined,
    bucket: -1,
    code: undefined,
  };
  const rest = { kind: 'result', resultId: `inference-requests/2/${of.sequenceNumber}`, latencyMs: event } as const;
  return { ...shared, ...rest, event: of, body: Buffer.from(`{"event":${event}}`), text: undefined, ...about };
}

describe('a scored batch of objects', () => {
  it('gives the same objects back, in their order, whatever arms they fall into', () => {
    const outcomes = [
      outcome(0, { variant: 'candidate' }),
      outcome(1, { kind: 'dead-letter', code: 'schema_mismatch', model: undefined, modelVersion: undefined }),
      outcome(2, { variant: 'candidate', requestId: 'r' }),
    ];
    const scored = ScoredBatch.of(batch, outcomes);
    expect(scored.outcomes()).toEqual(outcomes);
    expect(scored.arms).toHaveLength(2);
  });

  it('counts the requests of an event that carried several', () => {
    const scored = ScoredBatch.of(
      batch,
      [0, 1, 1, 1, 2].map(event => outcome(event)),
    );
    const ids = Array.from({ length: scored.length }, (_, i) => scored.resultId(i));
    expect(ids.map(id => id.slice('inference-requests/2/'.length))).toEqual(['100', '101/0', '101/1', '101/2', '102']);
  });

  it('leaves out what was passed over, and keeps the places of the rest', () => {
    const left = outcome(1, { resultId: 'inference-requests/2/101/2' });
    const scored = ScoredBatch.of(
      batch,
      [left],
      [],
      new Map([
        [0, 1],
        [1, 3],
        [2, 4],
      ]),
    );
    expect(scored.outcomes()).toEqual([left]);
    const none = ScoredBatch.of({ ...batch, events: batch.events.slice(0, 1) }, [], [], new Map([[0, 1]]));
    expect(none.outcomes()).toEqual([]);
    expect(() => ScoredBatch.of(batch, [left], [], new Map([[2, 4]]))).toThrow('out of step at sequence number 101');
  });

  it.each([
    ['leave an event out', [0, 2], 'the endings are out of step at sequence number 102'],
    ['end too early', [0, 1], 'there are endings for 2 of 3 events'],
    ['turn back', [0, 1, 0, 2], 'the endings are out of step at sequence number 100'],
  ])('is none where they %s', (_, events, message) => {
    expect(() =>
      ScoredBatch.of(
        batch,
        events.map(event => outcome(event)),
      ),
    ).toThrow(message);
  });
});
