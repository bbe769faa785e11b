import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createMemoryCache } from '../../src/cache/memory-cache.ts';
import type { BackendInfo } from '../../src/core/backend.ts';
import type { ModelVersion } from '../../src/core/model.ts';
import { batchOf, NOON } from '../support/events.ts';
import { model, node, tensor, value } from '../support/onnx.ts';
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
  readonly card?: Record<string, unknown>;
  /** What is seen of it. */
  readonly seen?: Partial<BackendInfo>;
  /** One instance. */
  instance(random: SeededRandom): unknown;
}

const numbers = (random: SeededRandom, length: number) =>
  Array.from({ length }, () => Math.round(random.between(-100, 100)) / 8);

/** The mean of those values of `x` whose mask is 1. */
const maskedMean = model({
  nodes: [
    node('Mul', ['x', 'mask'], ['kept']),
    node('ReduceSum', ['kept', 'last'], ['sum']),
    node('ReduceSum', ['mask', 'last'], ['count']),
    node('Div', ['sum', 'count'], ['y']),
  ],
  inputs: [value('x', 'float32', [null, null]), value('mask', 'float32', [null, null])],
  outputs: [value('y', 'float32', [null, 1])],
  initializers: [tensor('last', [1], [1])],
});

/** An input and an output whose batch is second; `batch` as the file names that dimension. */
const stateSecond = (batch: string | null): Shaped => ({
  file: model({
    nodes: [
      node('Transpose', ['h'], ['rows'], { perm: [1, 0, 2] }),
      node('ReduceSum', ['rows', 'all'], ['sum'], { keepdims: 0 }),
      node('Unsqueeze', ['sum', 'last'], ['column']),
      node('Add', ['x', 'column'], ['y']),
      node('Neg', ['h'], ['hn']),
    ],
    inputs: [value('x', 'float32', [batch, 1]), value('h', 'float32', [2, batch, 3])],
    outputs: [value('y', 'float32', [batch, 1]), value('hn', 'float32', [2, batch, 3])],
    initializers: [tensor('all', [2], [1, 2]), tensor('last', [1], [1])],
  }),
  instance: random => ({ x: numbers(random, 1)[0], h: [numbers(random, 3), numbers(random, 3)] }),
});

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
  'a state whose batch is second': stateSecond(null),
  'the same in a file that names no dimension': stateSecond(''),
  'an output [2, N, 3] that says nothing of its shape': {
    file: model({
      nodes: [
        node('Unsqueeze', ['x', 'first'], ['one']),
        node('Neg', ['one'], ['other']),
        node('Concat', ['one', 'other'], ['hn'], { axis: 0 }),
        node('ReduceSum', ['x', 'last'], ['y']),
      ],
      inputs: [value('x', 'float32', [null, 3])],
      outputs: [value('y', 'float32', [null, 1]), value('hn', 'float32', [null, null, 3])],
      initializers: [tensor('first', [1], [0]), tensor('last', [1], [1])],
    }),
    instance: random => numbers(random, 3),
  },
  'an output with the batch last': {
    file: model({
      nodes: [node('Transpose', ['x'], ['y'], { perm: [1, 0] })],
      inputs: [value('x', 'float32', [null, 3])],
      outputs: [value('y', 'float32', [3, null])],
    }),
    instance: random => numbers(random, 3),
  },
  'a table that is the same for all, beside a value': {
    file: model({
      nodes: [node('ReduceSum', ['x', 'last'], ['y']), node('Identity', ['t'], ['table'])],
      inputs: [value('x', 'float32', [null, 2])],
      outputs: [value('y', 'float32', [null, 1]), value('table', 'float32', [3])],
      initializers: [tensor('last', [1], [1]), tensor('t', [3], Float32Array.of(5, 6, 7))],
    }),
    instance: random => numbers(random, 2),
  },
  'the distance from the mean of the batch': {
    file: model({
      nodes: [node('ReduceMean', ['x'], ['m'], { axes: [0], keepdims: 1 }), node('Sub', ['x', 'm'], ['y'])],
      inputs: [value('x', 'float32', [null, 2])],
      outputs: [value('y', 'float32', [null, 2])],
    }),
    instance: random => numbers(random, 2),
  },
  'the sum of the batch': {
    file: model({
      nodes: [node('ReduceSum', ['x'], ['y'], { keepdims: 0 })],
      inputs: [value('x', 'float32', [null, 2])],
      outputs: [value('y', 'float32', [])],
    }),
    instance: random => numbers(random, 2),
  },
  'each of the batch beside each': {
    file: model({
      nodes: [node('Transpose', ['x'], ['t'], { perm: [1, 0] }), node('MatMul', ['x', 't'], ['y'])],
      inputs: [value('x', 'float32', [null, 2])],
      outputs: [value('y', 'float32', [null, null])],
    }),
    instance: random => numbers(random, 2),
  },
  'as many rows as there are numbers above 0': {
    file: model({
      nodes: [node('Greater', ['x', 'zero'], ['is']), node('NonZero', ['is'], ['places'])],
      inputs: [value('x', 'float32', [null, 3])],
      outputs: [value('places', 'int64', [2, null])],
      initializers: [tensor('zero', [1], Float32Array.of(0))],
    }),
    instance: random => numbers(random, 3),
  },
  'a scalar beside rows': {
    file: model({
      nodes: [node('Mul', ['x', 'rate'], ['y'])],
      inputs: [value('x', 'float32', [null, 2]), value('rate', 'float32', [])],
      outputs: [value('y', 'float32', [null, 2])],
    }),
    instance: random => ({ x: numbers(random, 2), rate: random.below(3) }),
  },
  'a mean that is padded, its mask made': {
    file: maskedMean,
    card: { features: [{ name: 'x', pad: { value: 9, mask: 'mask' } }] },
    seen: { pads: true },
    instance: random => numbers(random, 1 + random.below(4)),
  },
  'a mean that is padded, its mask given': {
    file: maskedMean,
    card: { features: [{ name: 'x', pad: { value: 0, mask: 'mask' } }, { name: 'mask' }] },
    seen: { pads: true },
    instance: random => {
      const x = numbers(random, 1 + random.below(4));
      return { x, mask: x.map((_, i) => (i === 0 ? 1 : random.below(2))) };
    },
  },
  'a mean that padding would change, although its card asks for it': {
    file: model({
      nodes: [node('ReduceMean', ['x'], ['y'], { axes: [1], keepdims: 0 })],
      inputs: [value('x', 'float32', [null, null])],
      outputs: [value('y', 'float32', [null])],
    }),
    card: { features: [{ name: 'x', pad: { value: 0 } }] },
    instance: random => numbers(random, 1 + random.below(4)),
  },
  'a batch of three, second in its output': {
    file: model({
      nodes: [node('Transpose', ['x'], ['y'], { perm: [1, 0] })],
      inputs: [value('x', 'float32', [3, 3])],
      outputs: [value('y', 'float32', [3, 3])],
    }),
    instance: random => numbers(random, 3),
  },
};

const folder = await mkdtemp(join(tmpdir(), 'hubscore-neighbours-'));
const opened: ModelVersion[] = [];
afterAll(async () => {
  for (const { backend } of opened) await backend.close();
  await rm(folder, { recursive: true });
});

let made = 0;
async function open(file: Buffer, card?: Shaped['card']): Promise<ModelVersion> {
  const path = join(folder, `m${++made}`, '1.0.0');
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'model.onnx'), file);
  if (card) await writeFile(join(path, 'model.json'), JSON.stringify(card));
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
  it.each(Object.entries(MODELS))('%s', async (_, { file, card, seen, instance }) => {
    const random = randomInputs();
    const version = await open(file, card);
    expect({ pads: false, ...version.backend.info }).toMatchObject({ pads: false, ...seen });
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

describe('a first dimension of one size whose rows are compared', () => {
  const compared = model({
    nodes: [node('ReduceMax', ['x'], ['m'], { axes: [0], keepdims: 1 }), node('Sub', ['x', 'm'], ['y'])],
    inputs: [value('x', 'float32', [3, 2])],
    outputs: [value('y', 'float32', [3, 2])],
  });

  it('is no batch: a request gives all of it, or is refused in words', async () => {
    const version = await open(compared);
    const scoring = openScoring(catalogOf(version), { clock: () => NOON + 1 });
    const inputs = [{ name: 'x', shape: [3, 2], datatype: 'FP32', data: [1, 20, 3, 10, 2, 30] }];
    const outcomes = (await scoring.score(batchOf([{ inputs }, { features: [1, 20] }]), signal)).outcomes();
    const [answered, refused] = outcomes.map(({ body }) => JSON.parse(body.toString()));
    expect(answered.prediction).toEqual([
      [-2, -10],
      [0, -20],
      [-1, 0],
    ]);
    expect(refused.error.message).toMatch(/^features is no Open Inference request; .* takes tensors: x \[3,2\]$/);
  });

  it('is one where the card names its columns: each row is then answered alone', async () => {
    const version = await open(compared, { features: [{ name: 'a' }, { name: 'b' }] });
    expect(version.backend.info).toMatchObject({ apart: true });
    const rows = [
      [1, 20],
      [3, 10],
    ];
    expect(await answers(version, rows, false)).toMatchObject([{ prediction: [0, 0] }, { prediction: [0, 0] }]);
  });
});

describe('a model whose inputs share no batch', () => {
  it('is one instance a request, given as tensors; anything else is refused in words', async () => {
    const version = await openModel(join(import.meta.dirname, '../fixtures/cases/no-common-batch-axis'));
    opened.push(version);
    const scoring = openScoring(catalogOf(version), { clock: () => NOON + 1 });
    const tensors = (first: number) => [
      { name: 'a', shape: [3, 4, 5], datatype: 'FP32', data: new Array(60).fill(first) },
      { name: 'b', shape: [5], datatype: 'FP32', data: [1, 2, 3, 4, 5] },
    ];
    const bodies = [{ inputs: tensors(10) }, { features: [[1], [2]] }, { inputs: tensors(20) }];
    const outcomes = (await scoring.score(batchOf(bodies), signal)).outcomes();
    const [one, refused, other] = outcomes.map(({ body }) => JSON.parse(body.toString()));
    const rows = (first: number) => new Array(3).fill(new Array(4).fill([1, 2, 3, 4, 5].map(b => first + b)));
    expect([one.prediction, other.prediction]).toEqual([rows(10), rows(20)]);
    expect(refused.error).toMatchObject({
      code: 'schema_mismatch',
      message: expect.stringMatching(/^features is no Open Inference request; .* takes tensors: a \[3,4,5\], b \[5\]$/),
    });
  });
});

describe('models whose first run needs some thought', () => {
  it.each([
    ['numbers-as-text-refused', ['12.5', '-3'], [12.5, -3]],
    [
      'scalar-input-unservable',
      [
        { x_0: 1, x_1: 2, rate: 10 },
        { x_0: 1, x_1: 2, rate: 100 },
      ],
      [
        [10, 20],
        [100, 200],
      ],
    ],
  ])('serve: %s', async (name, instances, expected) => {
    const version = await openModel(join(import.meta.dirname, '../fixtures/cases', name));
    opened.push(version);
    const given = (await answers(version, instances, false)) as { prediction: unknown }[];
    expect(given.map(({ prediction }) => prediction)).toEqual(expected);
  });
});
