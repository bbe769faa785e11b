import { describe, expect, it } from 'vitest';
import { createMemoryCache } from '../../../src/cache/memory-cache.ts';
import { createDecoder } from '../../../src/codecs/decoder.ts';
import type { Catalog } from '../../../src/core/catalog.ts';
import type { Event } from '../../../src/core/event.ts';
import type { ModelVersion } from '../../../src/core/model.ts';
import type { Tensors } from '../../../src/core/tensor.ts';
import type { ScoringOptions } from '../../../src/scoring/scoring.ts';
import { batchOf, NOON } from '../../support/events.ts';
import { modelVersion, tensor } from '../../support/model-version.ts';
import { catalogOf } from '../../support/onnx-model.ts';
import { openScoring } from '../../support/open-scoring.ts';

const { signal } = new AbortController();

async function score(catalog: Catalog, bodies: readonly unknown[], change: Partial<ScoringOptions> = {}) {
  const scored = await openScoring(catalog, { clock: () => NOON + 5, ...change }).score(batchOf(bodies), signal);
  return scored.outcomes().map(({ body, rows }) => ({ ...JSON.parse(body.toString()), rows }));
}

/** Adds its two features, `a` and `b`; fails on runs that hold a sum of 13. */
function adder(card: object = {}, version = '1.0.0', failsOn: number | null = 13): ModelVersion {
  const features = [
    { name: 'a', type: 'number' },
    { name: 'b', type: 'number', missing: { fill: 100 } },
  ];
  return modelVersion({
    inputs: ['x: float32[?,2]'],
    version,
    card: { features, outputs: { value: 'y' }, ...card },
    predict(inputs: Tensors) {
      const data = inputs.x?.data as Float32Array;
      const sums = Array.from({ length: data.length / 2 }, (_, i) => Number(data[2 * i]) + Number(data[2 * i + 1]));
      if (failsOn !== null && sums.includes(failsOn)) throw new Error('cannot');
      return { y: tensor('float32', [sums.length, 1], sums) };
    },
  });
}

/** By each reader: what a scanner takes, and the same parsed. */
const roads = [
  ['scanned', {}],
  ['parsed', { priority: 1 }],
] as const;

describe.each(roads)('a pack that is %s', (_, more) => {
  it('has a result with an answer a row, under the ids as they came', async () => {
    const ids = ['x', 7, '', 'a b'];
    const features = [
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
    ];
    const [result] = await score(catalogOf(adder()), [{ request_id: 'p', ids, features, ...more }]);
    expect(result).toMatchObject({ request_id: 'p', result_id: 'inference-requests/2/100', model: 'm' });
    expect(result.predictions).toEqual([
      { id: 'x', prediction: 3 },
      { id: 7, prediction: 7 },
      { id: '', prediction: 11 },
      { id: 'a b', prediction: 15 },
    ]);
    expect(result).not.toHaveProperty('errors');
    expect(result.rows).toEqual({ answered: 4, skipped: 0 });
  });

  it('of one row is a pack, and has no id of its own where it gives none', async () => {
    const bodies = [
      { ids: ['only'], features: [[1, 2]], ...more },
      { features: [[1, 2]], ...more },
    ];
    const [one, bare] = await score(catalogOf(adder()), bodies);
    expect(one).toMatchObject({
      request_id: 'inference-requests/2/100',
      predictions: [{ id: 'only', prediction: 3 }],
    });
    expect(bare.predictions).toEqual([{ prediction: 3 }]);
  });

  it('is split into slices, shares them with others, and is put together again', async () => {
    const version = adder({ batching: { max_batch_size: 8 } });
    const rows = (from: number, n: number) => Array.from({ length: n }, (_, i) => [from + i, 100]);
    const bodies = [
      { ids: ['u', 'v', 'w'], features: rows(0, 3), ...more },
      { features: [500, 1] },
      { ids: Array.from({ length: 20 }, (_, i) => i), features: rows(200, 20), ...more },
    ];
    const scored = await openScoring(catalogOf(version)).score(batchOf(bodies), signal);
    expect(scored.slices.map(({ instances }) => instances)).toEqual([8, 8, 8]);
    const [first, alone, last] = scored.outcomes().map(({ body }) => JSON.parse(body.toString()));
    expect(first.predictions.map(({ id }: { id: string }) => id)).toEqual(['u', 'v', 'w']);
    expect(alone.prediction).toBe(501);
    expect(last.predictions).toEqual(Array.from({ length: 20 }, (_, i) => ({ id: i, prediction: 300 + i })));
  });

  it('names the row that the model failed on, and is refused', async () => {
    const [letter] = await score(catalogOf(adder()), [
      {
        ids: ['a', 'b'],
        features: [
          [1, 2],
          [6, 7],
        ],
        on_error: 'refuse',
        ...more,
      },
    ]);
    expect(letter.error).toMatchObject({ code: 'inference_failed', index: 1, id: 'b' });
    expect(letter.error.message).toMatch(/^instance 1: m 1\.0\.0 failed: cannot/);
  });

  it('is answered without the rows that the model failed on, where these are skipped', async () => {
    const [result] = await score(catalogOf(adder()), [
      {
        ids: ['a', 'b', 'c'],
        features: [
          [1, 2],
          [6, 7],
          [3, 4],
        ],
        on_error: 'skip',
        ...more,
      },
    ]);
    expect(result.predictions).toEqual([{ id: 'a', prediction: 3 }, null, { id: 'c', prediction: 7 }]);
    expect(result.errors).toEqual([{ index: 1, id: 'b', code: 'inference_failed', message: 'm 1.0.0 failed: cannot' }]);
    expect(result.rows).toEqual({ answered: 2, skipped: 1 });
  });

  it('is refused where none of its rows has an answer', async () => {
    const [letter] = await score(catalogOf(adder()), [
      {
        ids: ['a', 'b'],
        features: [
          [6, 7],
          [7, 6],
        ],
        on_error: 'skip',
        ...more,
      },
    ]);
    expect(letter.error).toMatchObject({ code: 'inference_failed', index: 0, id: 'a' });
    expect(letter.error.message).toContain('none of the 2 instances could be answered');
  });

  it('has its failed rows answered by what stands in, and says so row by row', async () => {
    const pack = {
      ids: ['a', 'b', 'c'],
      features: [
        [1, 2],
        [6, 7],
        [3, 4],
      ],
      on_error: 'skip',
      ...more,
    };
    const withFallback = catalogOf(
      adder({}, '1.0.0', null),
      adder({ fallback: { version: '1.0.0' }, default: { prediction: -1 } }, '2.0.0'),
    );
    const [fallen] = await score(withFallback, [pack]);
    expect(fallen).toMatchObject({ model_version: expect.stringMatching(/^2\.0\.0/) });
    expect(fallen).not.toHaveProperty('fallback');
    expect(fallen).not.toHaveProperty('errors');
    expect(fallen.predictions).toEqual([
      { id: 'a', prediction: 3 },
      { id: 'b', model_version: expect.stringMatching(/^1\.0\.0/), fallback: true, prediction: 13 },
      { id: 'c', prediction: 7 },
    ]);
    const [degraded] = await score(catalogOf(adder({ default: { prediction: -1 } })), [pack]);
    expect(degraded.predictions[1]).toEqual({ id: 'b', degraded: true, prediction: -1 });
    expect(degraded).not.toHaveProperty('errors');
  });

  it('ends whole where its time is up', async () => {
    const [letter] = await score(
      catalogOf(adder()),
      [
        {
          ids: ['a', 'b'],
          features: [
            [1, 2],
            [3, 4],
          ],
          on_error: 'skip',
          ...more,
        },
      ],
      { requestTimeoutMs: 3 },
    );
    expect(letter.error.code).toBe('deadline_exceeded');
  });

  it('whose answer is too large says how many rows would fit', async () => {
    const rows = (n: number) => ({
      ids: Array.from({ length: n }, (_, i) => `row ${i}`),
      features: Array(n).fill([1, 2]),
    });
    const limit = { maxBodyBytes: 5_000 };
    const [letter] = await score(catalogOf(adder()), [{ ...rows(400), ...more }], limit);
    expect(letter.error.code).toBe('result_too_large');
    const fitting = Number(/; (\d+) of its 400 instances would fit/.exec(letter.error.message)?.[1]);
    const [fits, not] = await score(
      catalogOf(adder()),
      [
        { ...rows(fitting), ...more },
        { ...rows(fitting + 2), ...more },
      ],
      limit,
    );
    expect(fits.predictions).toHaveLength(fitting);
    expect(not.error.code).toBe('result_too_large');
  });

  it('is cached where all its rows are', async () => {
    const version = adder();
    const slow = {
      ...version,
      plan: undefined,
      backend: { ...version.backend, info: { ...version.backend.info, warmUpMs: 1e6 } },
    };
    const cache = createMemoryCache({ maxEntries: 100, maxBytes: 1e6, ttlMs: 60_000 });
    const pack = {
      ids: ['a', 'b', 'c'],
      features: [
        [1, 2],
        [6, 7],
        [1, 2],
      ],
      on_error: 'skip',
      ...more,
    };
    const good = {
      ids: ['d', 'e'],
      features: [
        [1, 2],
        [1, 2],
      ],
      ...more,
    };
    const [first] = await score(catalogOf(slow), [pack], { cache });
    expect(first.predictions).toEqual([{ id: 'a', prediction: 3 }, null, { id: 'c', prediction: 3 }]);
    expect(first).not.toHaveProperty('cached');
    const [again] = await score(catalogOf(slow), [good], { cache });
    expect(again).toMatchObject({
      cached: true,
      predictions: [
        { id: 'd', prediction: 3 },
        { id: 'e', prediction: 3 },
      ],
    });
  });
});

describe('rows of a pack that do not fit', () => {
  const features = [[1, 2], [1], [3, 'x'], [3, 4], [1e39, 0], null];

  it('refuse it, by the first of them', async () => {
    const [letter] = await score(catalogOf(adder()), [{ request_id: 'p', ids: [10, 11, 12, 13, 14, 15], features }]);
    expect(letter.error).toEqual({
      code: 'schema_mismatch',
      message: 'instance 1: features has 1 value; m 1.0.0 takes 2',
      stage: 'validate',
      see: 'docs/operate.md#schema_mismatch',
      index: 1,
      id: 11,
    });
    expect(JSON.parse(letter.body)).toMatchObject({ ids: [10, 11, 12, 13, 14, 15] });
  });

  it('are passed over where it says so, each with what a lone request would be told', async () => {
    const [result] = await score(catalogOf(adder()), [{ features, on_error: 'skip' }]);
    expect(result.predictions).toEqual([{ prediction: 3 }, null, null, { prediction: 7 }, null, null]);
    expect(result.errors).toMatchObject([
      { index: 1, code: 'schema_mismatch', message: 'features has 1 value; m 1.0.0 takes 2' },
      { index: 2, code: 'schema_mismatch' },
      { index: 4, code: 'non_finite_feature' },
      { index: 5, code: 'schema_mismatch' },
    ]);
    expect(result.errors[0]).not.toHaveProperty('id');
  });

  it('and those the model failed on stand under their own indexes', async () => {
    const [result] = await score(catalogOf(adder()), [
      { ids: ['s', 't', 'u', 'v'], features: [[1], [6, 7], [1, 2], [7, 6]], on_error: 'skip' },
    ]);
    expect(result.predictions).toEqual([null, null, { id: 'u', prediction: 3 }, null]);
    expect(result.errors.map(({ index, id, code }: Record<string, unknown>) => [index, id, code])).toEqual([
      [0, 's', 'schema_mismatch'],
      [1, 't', 'inference_failed'],
      [3, 'v', 'inference_failed'],
    ]);
  });

  it('of which none is left make it a dead letter', async () => {
    const [letter] = await score(catalogOf(adder()), [{ ids: ['s', 't'], features: [[1], [2]], on_error: 'skip' }]);
    expect(letter.error).toMatchObject({ code: 'schema_mismatch', index: 0, id: 's' });
  });
});

describe('a table of columns', () => {
  it('of plain numbers is not parsed', async () => {
    const decoder = createDecoder();
    let parsed = 0;
    const counting = {
      ...decoder,
      decode: (event: Event) => {
        parsed++;
        return decoder.decode(event);
      },
    };
    const table = { ids: ['u', 'v', 'w'], features: { b: [2, 3, 4], a: [1, 1, 1] }, on_error: 'skip' };
    const lists = {
      ids: [1, 2],
      features: [
        [1, 2],
        [3, 4],
      ],
    };
    const [result, other] = await score(catalogOf(adder()), [table, lists], { decoder: counting });
    expect(result.predictions).toEqual(['u', 'v', 'w'].map((id, i) => ({ id, prediction: 3 + i })));
    expect(other.predictions).toEqual([
      { id: 1, prediction: 3 },
      { id: 2, prediction: 7 },
    ]);
    expect(parsed).toBe(0);
  });

  it('is read row by row, an absent value filled or refused as in a lone request', async () => {
    const table = { b: [2, null, 4], a: [1, 1, 'x'], more: [0, 0, 0] };
    const [result] = await score(catalogOf(adder()), [{ ids: ['u', 'v', 'w'], features: table, on_error: 'skip' }]);
    expect(result.predictions).toEqual([{ id: 'u', prediction: 3 }, { id: 'v', prediction: 101 }, null]);
    expect(result.errors).toMatchObject([{ index: 2, id: 'w', code: 'schema_mismatch' }]);
  });

  it('without ids is one instance by name, as ever', async () => {
    const [letter] = await score(catalogOf(adder()), [{ features: { a: [1, 2], b: [3, 4] } }]);
    expect(letter.error.code).toBe('schema_mismatch');
  });
});

describe('what is no pack', () => {
  it.each([
    [
      {
        ids: ['a'],
        features: [
          [1, 2],
          [3, 4],
        ],
      },
      'ids has 1, features has 2 rows; an id a row is needed',
    ],
    [{ ids: ['a', 'b'], features: [1, 2, 3] }, 'ids has 2, features has 3 rows'],
    [{ ids: ['a', 'b'], features: { a: [1, 2], b: [1] } }, 'ids has 2, column b has 1 values'],
    [{ ids: ['a'], features: { a: 1, b: 2 } }, 'column a takes a list'],
    [{ ids: ['a'], features: 'text' }, 'features takes a list of instances; got text'],
    [{ ids: 'a', features: [[1, 2]] }, 'ids takes a list'],
    [{ ids: [null], features: [[1, 2]] }, 'ids[0] takes text or a number; got null'],
    [{ on_error: 'ignore', features: [[1, 2]] }, 'on_error takes "refuse" or "skip"'],
    [
      { parameters: { ids: ['a'] }, inputs: [{ name: 'x', shape: [2, 2], datatype: 'FP32', data: [1, 2, 3, 4] }] },
      'ids has 1, inputs have 2 rows',
    ],
  ])('%j', async (body, message) => {
    const [letter] = await score(catalogOf(adder()), [body]);
    expect(letter.error).toMatchObject({ code: 'malformed_payload', message: expect.stringContaining(message) });
  });
});

describe('ids', () => {
  it('come back digit by digit', async () => {
    const text = '{"ids":[12345678901234567890, 1.50, "é\\"", 1e2],"features":[[1,2],[1,2],[1,2],[1,2]]}';
    const scored = await openScoring(catalogOf(adder())).score(batchOf([text]), signal);
    const [outcome] = scored.outcomes();
    const ids = [...(outcome?.body.toString() ?? '').matchAll(/"id":((?:"(?:\\.|[^"])*"|[^,]+)),/g)].map(
      ([, id]) => id,
    );
    expect(ids).toEqual(['12345678901234567890', '1.50', '"é\\""', '100']);
  });

  it('and on_error may stand among the parameters of an Open Inference request', async () => {
    const input = { name: 'x', shape: [3, 2], datatype: 'FP32', data: [1, 2, null, 1, 3, 4] };
    const [result] = await score(catalogOf(adder()), [
      { parameters: { ids: ['a', 'b', 'c'], on_error: 'skip' }, inputs: [input] },
    ]);
    expect(result.predictions).toEqual([{ id: 'a', prediction: 3 }, null, { id: 'c', prediction: 7 }]);
  });
});
