import { describe, expect, it } from 'vitest';
import { InfrastructureError } from '../../../src/core/errors.ts';
import { ScoredBatch } from '../../../src/core/scored-batch.ts';
import { batchOf, createWorld, request, startProcess } from '../../support/ledger-world.ts';

describe('what is in flight', () => {
  it('is told before it is scored, slice by slice, and when it is settled or has failed', async () => {
    const world = createWorld();
    request(world, 6);
    const told: string[] = [];
    let away = false;
    const { scorer } = startProcess(world, {
      inFlight: {
        begin({ partition, events }) {
          told.push(`${partition}: ${events.map(({ sequenceNumber }) => sequenceNumber).join(' ')}`);
          return settled => void told.push(`${settled ? 'settled' : 'failed'}, ${world.results.events.length} results`);
        },
      },
      score: async batch => {
        told.push(`score ${batch.events.length}`);
        if (away) throw new InfrastructureError('storage is away');
        const outcomes = batch.events.map(event => ({
          kind: 'result' as const,
          event,
          resultId: `requests/0/${event.sequenceNumber}`,
          requestId: undefined,
          model: 'm',
          modelVersion: '1.0.0',
          variant: undefined,
          body: Buffer.from('{}'),
          code: undefined,
          latencyMs: 1,
        }));
        return ScoredBatch.of(batch, outcomes);
      },
      maxSliceBytes: 4, // two events of two bytes
    });
    await scorer.scoreBatch(batchOf(world, 0, 3));
    expect(told).toEqual(['0: 0 1', 'score 2', 'settled, 2 results', '0: 2', 'score 1', 'settled, 3 results']);
    told.length = 0;
    away = true;
    await expect(scorer.scoreBatch(batchOf(world, 3, 2))).rejects.toThrow('storage is away');
    expect(told).toEqual(['0: 3 4', 'score 2', 'failed, 3 results']);
  });
});
