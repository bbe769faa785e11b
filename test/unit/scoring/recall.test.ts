import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createMemoryCache } from '../../../src/cache/memory-cache.ts';
import type { ModelVersion } from '../../../src/core/model.ts';
import type { Tensors } from '../../../src/core/tensor.ts';
import { CacheTrial } from '../../../src/scoring/infer/cache-trial.ts';
import { batchOf, NOON } from '../../support/events.ts';
import { catalogOf, openModel } from '../../support/onnx-model.ts';
import { openScoring } from '../../support/open-scoring.ts';

const SAMPLES = resolve(import.meta.dirname, '../../../samples/models');
const { signal } = new AbortController();
const memory = () => createMemoryCache({ maxEntries: 1000, maxBytes: 1e6, ttlMs: 60_000 });

/** A model whose warm-up said that an instance takes that long; `runs` are the batch sizes it has run. */
async function slow(name: string, instanceUs: number, card = {}): Promise<{ version: ModelVersion; runs: number[] }> {
  const { ...version } = await openModel(join(SAMPLES, name, '1.0.0'), card);
  const { backend } = version;
  const runs: number[] = [];
  const info = { ...backend.info, warmUpMs: (instanceUs * backend.info.maxBatchSize) / 1000 };
  const predict = (inputs: Tensors) => {
    runs.push(Object.values(inputs)[0]?.dims[0] as number);
    return backend.predict(inputs);
  };
  return { version: { ...version, backend: { load: backend.load, close: backend.close, info, predict } }, runs };
}

function scoringOf(version: ModelVersion, cache = memory()) {
  const catalog = catalogOf(version);
  return openScoring(catalog, { clock: () => NOON, cache });
}

async function endingsOf(scoring: ReturnType<typeof scoringOf>, texts: readonly unknown[]) {
  const scored = await scoring.score(batchOf(texts.map((features, i) => ({ request_id: i, features }))), signal);
  return scored.outcomes().map(({ body }) => JSON.parse(body.toString()));
}

/** What the model says, whether or not it was asked. */
const said = ({ prediction, probabilities, predictions, error }: Record<string, unknown>) => ({
  prediction,
  probabilities,
  predictions,
  error,
});

describe('recall', () => {
  const texts = ['My parcel is late', 'Cannot log in', 'My parcel is late', 'I want a refund', 'Cannot log in'];

  it('infers identical instances once, within a batch and after', async () => {
    const { version, runs } = await slow('topic', 50);
    const scoring = scoringOf(version);
    const plain = await endingsOf(scoringOf((await slow('topic', 0)).version), texts);
    const first = await endingsOf(scoring, texts);
    expect(first.map(said)).toEqual(plain.map(said));
    expect(first.map(({ cached }) => cached)).toEqual([undefined, undefined, true, undefined, true]);
    const second = await endingsOf(scoring, [...texts, 'Where is my invoice']);
    expect(second.slice(0, 5).map(said)).toEqual(plain.map(said));
    expect(second.map(({ cached }) => cached)).toEqual([true, true, true, true, true, undefined]);
    expect(runs).toEqual([3, 1]);
  });

  it('tells instances apart by every feature, and takes equal values of other types for the same', async () => {
    const { version, runs } = await slow('diabetes', 50);
    const row = [63, 1, 24.4, 73, 160, 91.4, 48, 3, 4.6347, 78];
    const other = row.with(9, 79);
    const texts = row.map(String);
    const endings = await endingsOf(scoringOf(version), [row, other, texts, [row, other, row]]);
    expect(endings[2].probabilities).toEqual(endings[0].probabilities);
    expect(endings[1].probabilities).not.toEqual(endings[0].probabilities);
    expect(endings[3].predictions.map(said)).toEqual([endings[0], endings[1], endings[0]].map(said));
    expect(endings[3].cached).toBe(true);
    expect(runs).toEqual([2]);
  });

  it('remembers what requests of the usual shape ask too', async () => {
    const { version, runs } = await slow('diabetes', 50);
    const scoring = scoringOf(version);
    const body = { model: 'diabetes', features: [63, 1, 24.4, 73, 160, 91.4, 48, 3, 4.6347, 78] };
    for (let round = 0; round < 3; round++) await scoring.score(batchOf([body, body]), signal);
    expect(runs).toEqual([1]);
  });

  it('leaves alone what the card keeps out and what is quicker than a look-up', async () => {
    for (const { version, runs } of [await slow('topic', 50, { cache: false }), await slow('topic', 1)]) {
      const endings = await endingsOf(scoringOf(version), texts);
      expect(endings.every(({ cached }) => cached === undefined)).toBe(true);
      expect(runs).toEqual([5]);
    }
  });

  it('sits out for a while where next to nothing comes again, then tries anew', async () => {
    const { version } = await slow('topic', 50);
    const trial = new CacheTrial(version);
    const enough = new CacheTrial(version);
    for (let row = 0; row < 4096; row += 64) {
      expect(trial.isWorthIt(64)).toBe(true);
      trial.note(64, 6); // 50 µs for 9 % of them: less than looking all of them up costs
      enough.note(64, 7);
    }
    expect(enough.isWorthIt(64)).toBe(true);
    for (let row = 0; row < 15 * 4096; row += 64) expect(trial.isWorthIt(64)).toBe(false);
    expect(trial.isWorthIt(64)).toBe(true);
  });

  it('keeps apart what cards of the same file make of its outputs', async () => {
    const cache = memory();
    const row = [63, 1, 24.4, 73, 160, 91.4, 48, 3, 4.6347, 78];
    const [likely] = await endingsOf(scoringOf((await slow('diabetes', 50)).version, cache), [row]);
    const outputs = { label: 'label', probabilities: 'probabilities', threshold: 0.99, classes: [0, 1] };
    const [strict] = await endingsOf(scoringOf((await slow('diabetes', 50, { outputs })).version, cache), [row]);
    expect([likely, strict].map(({ prediction, cached }) => ({ prediction, cached }))).toEqual([
      { prediction: 1 },
      { prediction: 0 },
    ]);
  });

  it('does not remember what failed', async () => {
    const { version } = await slow('topic', 50);
    const failing: ModelVersion = {
      ...version,
      backend: { ...version.backend, info: version.backend.info, predict: () => Promise.reject(new Error('no')) },
    };
    const cache = memory();
    const endings = await endingsOf(scoringOf(failing, cache), texts);
    expect(endings.map(({ error }) => error.code)).toEqual(texts.map(() => 'inference_failed'));
    expect((await endingsOf(scoringOf(version, cache), texts)).filter(({ cached }) => cached)).toHaveLength(2);
  });
});
