import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createMemoryCache } from '../../src/cache/memory-cache.ts';
import type { ModelVersion } from '../../src/core/model.ts';
import { batchOf, NOON } from '../support/events.ts';
import { model, node, value } from '../support/onnx.ts';
import { catalogOf, openModel } from '../support/onnx-model.ts';
import { openScoring } from '../support/open-scoring.ts';
import { randomInputs } from '../support/seed.ts';
import type { SeededRandom } from '../support/seeded-random.ts';

/*
 * What a model says of an instance is the same whatever is scored beside it, in its request or in others of the batch, known to the cache or not. A model for every shape that an answer can have, among
 * them those whose answers would differ: each request of a random mixture is held against the same request alone.
 */

interface Shaped {
  readonly file: Buffer;
  /** One instance. */
  instance(random: SeededRandom): unknown;
}

const numbers = (random: SeededRandom, length: number) =>
  Array.from({ length }, () => Math.round(random.between(-100, 100)) / 8);

const MODELS: Readonly<Record<string, Shaped>> = {
  'the mean of a sequence, which padding would change': {
    file: model({
      nodes: [node('ReduceMean', ['x'], ['y'], { axes: [1], keepdims: 0 })],
      inputs: [value('x', 'float32', [null, null])],
      outputs: [value('y', 'float32', [null])],
    }),
    instance: random => numbers(random, 1 + random.below(4)),
  },
  'a sequence given back': {
    file: model({
      nodes: [node('Neg', ['x'], ['y'])],
      inputs: [value('x', 'float32', [null, null, 2])],
      outputs: [value('y', 'float32', [null, null, 2])],
    }),
    instance: random => Array.from({ length: 1 + random.below(3) }, () => numbers(random, 2)),
  },
};

const folder = await mkdtemp(join(tmpdir(), 'hubscore-neighbours-'));
const opened: ModelVersion[] = [];
afterAll(async () => {
  for (const { backend } of opened) await backend.close();
  await rm(folder, { recursive: true });
});

let made = 0;
async function open(file: Buffer): Promise<ModelVersion> {
  const path = join(folder, `m${++made}`, '1.0.0');
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'model.onnx'), file);
  const version = await openModel(path);
  opened.push(version);
  // Answers are remembered only of models that take long enough.
  const { backend } = version;
  const info = { ...backend.info, warmUpMs: backend.info.maxBatchSize };
  return { ...version, backend: { ...backend, predict: backend.predict, info } };
}

const { signal } = new AbortController();

async function answers(version: ModelVersion, requests: readonly unknown[], cached: boolean): Promise<unknown[]> {
  const cache = cached ? createMemoryCache({ maxEntries: 100, maxBytes: 1e6, ttlMs: 1e6 }) : undefined;
  const scoring = openScoring(catalogOf(version), { clock: () => NOON + 1, ...(cache && { cache }) });
  const batch = batchOf(requests.map((features, i) => ({ request_id: `r${i}`, features })));
  const outcomes = (await scoring.score(batch, signal)).outcomes();
  return outcomes.map(({ body }) => {
    const { prediction, predictions, probabilities, outputs, error } = JSON.parse(body.toString());
    return { prediction, predictions, probabilities, outputs, error };
  });
}

describe('an answer is its own', () => {
  it.each(Object.entries(MODELS))('%s', async (_, { file, instance }) => {
    const random = randomInputs();
    const version = await open(file);
    for (let round = 0; round < 8; round++) {
      const requests = Array.from({ length: 1 + random.below(6) }, () => {
        const several = random.below(3);
        return several === 0 ? instance(random) : Array.from({ length: several + 1 }, () => instance(random));
      });
      const twice = [...requests, random.pick(requests)];
      const alone = await Promise.all(twice.map(async request => (await answers(version, [request], false))[0]));
      expect(alone.filter(answer => (answer as { error?: unknown }).error !== undefined)).toEqual([]);
      expect(await answers(version, twice, false)).toEqual(alone);
      expect(await answers(version, twice, true)).toEqual(alone);
    }
  });
});
