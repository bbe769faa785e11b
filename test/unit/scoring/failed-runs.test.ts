import { describe, expect, it } from 'vitest';
import type { Catalog } from '../../../src/core/catalog.ts';
import { RequestError } from '../../../src/core/errors.ts';
import type { StoredEvent } from '../../../src/core/hub-reader.ts';
import type { Tensors } from '../../../src/core/tensor.ts';
import { Fold } from '../../../src/sweep/fold.ts';
import { Recent } from '../../../src/sweep/recent.ts';
import { Seen } from '../../../src/sweep/seen.ts';
import { batchOf, NOON } from '../../support/events.ts';
import { modelVersion, tensor } from '../../support/model-version.ts';
import { catalogOf } from '../../support/onnx-model.ts';
import { openScoring } from '../../support/open-scoring.ts';

const { signal } = new AbortController();

/** Dead letters of a batch of numbers, and what the sweep counts of them. @param fails on which values a run fails, and how */
async function letters(
  values: readonly number[],
  fails: (values: readonly number[]) => Error | undefined,
  card = {},
  change: Partial<Catalog> = {},
) {
  let nowMs = NOON;
  const version = modelVersion({
    inputs: ['x: float32[?,1]'],
    card: { outputs: { value: 'y' }, ...card },
    predict(inputs: Tensors) {
      const seen = Array.from(inputs.x?.data as Float32Array);
      const error = fails(seen);
      if (error !== undefined) throw error;
      return { y: tensor('float32', [seen.length, 1], seen) };
    },
  });
  // Every look at the clock is a millisecond later: times that are the same are meant to be.
  const scoring = openScoring({ ...catalogOf(version), ...change }, { clock: () => nowMs++ });
  const scored = await scoring.score(batchOf(values.map(value => ({ features: value }))), signal);
  const dead = scored.outcomes().filter(({ kind }) => kind === 'dead-letter');
  const fold = new Fold({ kind: 'dead-letters', seen: new Seen(), runs: new Recent(512), weightOf: () => 5 });
  for (const { body, event, resultId } of dead) {
    const properties = { source_sequence_number: event.sequenceNumber, source_partition: '2' };
    fold.add({ ...event, body, messageId: resultId, properties, enqueuedAtMs: NOON } as StoredEvent);
  }
  const [delta] = [...fold.deltas.values()];
  return { dead: dead.map(({ body }) => JSON.parse(body.toString())), counts: delta?.counts };
}

const among = (bad: readonly number[]) => (values: readonly number[]) =>
  values.some(value => bad.includes(value)) ? new Error('cannot') : undefined;
const eight = Array.from({ length: 8 }, (_, i) => i);
const runOf = ({ error, failed_at }: { error: { run: object }; failed_at: string }) => ({ ...error.run, failed_at });

describe('dead letters of one run', () => {
  it('say how many rows it had when it was first run, how many of them failed after halving, and one time', async () => {
    const { dead, counts } = await letters(eight, among([2, 5]));
    expect(dead).toHaveLength(2);
    expect(runOf(dead[0])).toEqual({ rows: 8, failed: 2, failed_at: dead[0].failed_at });
    expect(runOf(dead[1])).toEqual(runOf(dead[0]));
    expect([counts?.trials, counts?.bad, counts?.failedRuns]).toEqual([2, 2, 0]); // rows that failed by themselves
  });

  it('that failed whole are one failed run', async () => {
    const { dead, counts } = await letters(eight, among(eight));
    expect(dead).toHaveLength(8);
    for (const letter of dead) expect(runOf(letter)).toEqual({ rows: 8, failed: 8, failed_at: dead[0].failed_at });
    expect([counts?.requests, counts?.trials, counts?.bad, counts?.runs, counts?.failedRuns]).toEqual([8, 1, 1, 1, 1]);
  });

  it('of another slice are of another run', async () => {
    const { dead, counts } = await letters(eight, among([0, 1, 2, 3, 6]), { batching: { max_batch_size: 4 } });
    expect(dead.map(({ error }) => error.run)).toEqual([
      ...Array.from({ length: 4 }, () => ({ rows: 4, failed: 4 })),
      { rows: 4, failed: 1 },
    ]);
    expect(dead[4].failed_at).not.toBe(dead[0].failed_at);
    expect([counts?.trials, counts?.bad, counts?.failedRuns]).toEqual([2, 2, 1]);
  });

  it('of a model that does not load are one failed run', async () => {
    const broken = () => Promise.reject(new RequestError('model_unavailable', 'route', 'broken'));
    const { dead, counts } = await letters(eight, () => undefined, {}, { routing: broken });
    expect(dead[0].error.code).toBe('model_unavailable');
    expect(new Set(dead.map(({ failed_at }) => failed_at)).size).toBe(1);
    expect([counts?.requests, counts?.trials, counts?.failedRuns]).toEqual([8, 1, 1]);
  });

  it('of a model that is away are one failed run, too, whenever each was refused', async () => {
    const { dead, counts } = await letters(eight, () => new RequestError('model_unavailable', 'infer', 'away'));
    expect(new Set(dead.map(({ failed_at }) => failed_at)).size).toBe(1);
    expect([counts?.requests, counts?.trials, counts?.failedRuns]).toEqual([8, 1, 1]);
  });
});
