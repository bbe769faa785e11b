import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createDecoder } from '../../../src/codecs/decoder.ts';
import { eventJson } from '../../../src/codecs/event-json/event-json.ts';
import { WaitedTooLong } from '../../../src/core/backend.ts';
import type { Catalog } from '../../../src/core/catalog.ts';
import type { Codec } from '../../../src/core/codec.ts';
import { InfrastructureError, RequestError } from '../../../src/core/errors.ts';
import type { Event } from '../../../src/core/event.ts';
import type { ModelVersion } from '../../../src/core/model.ts';
import type { Tensors } from '../../../src/core/tensor.ts';
import type { ScoringOptions } from '../../../src/scoring/scoring.ts';
import { batchOf, NOON, quiet } from '../../support/events.ts';
import { modelVersion, tensor } from '../../support/model-version.ts';
import { catalogOf, openModel } from '../../support/onnx-model.ts';
import { openScoring } from '../../support/open-scoring.ts';

const FIXTURES = resolve(import.meta.dirname, '../../fixtures/models');
const fixture = (name: string, change = {}) => openModel(join(FIXTURES, name, '1.0.0'), change);
const { signal } = new AbortController();

function scoringOf(catalog: Catalog, change: Partial<ScoringOptions> = {}) {
  return openScoring(catalog, { clock: () => NOON + 5, ...change });
}

/** Endings as JSON, by event. */
async function score(catalog: Catalog, bodies: readonly unknown[], change: Partial<ScoringOptions> = {}) {
  const scored = await scoringOf(catalog, change).score(batchOf(bodies), signal);
  return { slices: scored.slices, endings: scored.outcomes().map(({ body }) => JSON.parse(body.toString())) };
}

/** Doubles its one input; `fails` decides on which values it fails. */
function doubler(
  fails: (values: number[]) => boolean = () => false,
  parts: { version?: string; card?: object; name?: string } = {},
) {
  const seen: number[][] = [];
  const version = modelVersion({
    inputs: ['x: float32[?,1]'],
    ...parts,
    card: { outputs: { value: 'y' }, ...parts.card },
    predict(inputs: Tensors) {
      const values = Array.from(inputs.x?.data as Float32Array);
      seen.push(values);
      if (fails(values)) throw new Error('cannot');
      return {
        y: tensor(
          'float32',
          [values.length, 1],
          values.map(value => value * 2),
        ),
      };
    },
  });
  return { version, seen };
}

describe('order', () => {
  it('is that of the events, whatever model answers and whatever fails', async () => {
    const [a, b] = [doubler(undefined, { name: 'a' }).version, await fixture('lookup')];
    const bodies = Array.from({ length: 200 }, (_, i) =>
      i % 7 === 0
        ? `broken ${i}`
        : i % 3 === 0
          ? { request_id: i, model: 'lookup', features: [i % 12] }
          : { request_id: i, model: 'a', features: i },
    );
    const { endings } = await score(catalogOf(a, b), bodies);
    expect(endings.map(({ result_id: id }) => id)).toEqual(bodies.map((_, i) => `inference-requests/2/${100 + i}`));
    for (const [i, ending] of endings.entries()) {
      if (i % 7 === 0) expect(ending.error.code).toBe('malformed_payload');
      else if (i % 3 !== 0) expect(ending).toMatchObject({ request_id: i, prediction: i * 2 });
      else if (i % 12 < 10) expect(ending).toMatchObject({ request_id: i, model: 'lookup' });
      else expect(ending.error).toMatchObject({ code: 'inference_failed', stage: 'infer' });
    }
  });

  it('of instances is that of the request', async () => {
    const { endings } = await score(catalogOf(doubler().version), [{ features: [[3], [1], [2]] }]);
    expect(endings[0].predictions).toEqual([{ prediction: 6 }, { prediction: 2 }, { prediction: 4 }]);
    expect(endings[0]).not.toHaveProperty('prediction');
  });
});

describe('slices', () => {
  it('are as large as the card and the backend allow', async () => {
    const { version, seen } = doubler(undefined, { card: { batching: { max_batch_size: 4 } } });
    const { slices } = await score(
      catalogOf(version),
      Array.from({ length: 10 }, (_, i) => ({ features: i })),
    );
    expect(seen.map(values => values.length)).toEqual([4, 4, 2]);
    expect(slices.map(({ instances }) => instances)).toEqual([4, 4, 2]);
  });

  it('are filled from several requests, without what does not fit', async () => {
    const { version, seen } = doubler(undefined, { card: { batching: { max_batch_size: 4 } } });
    await score(
      catalogOf(version),
      [1, 'x', 2, [[3], [4], [5], [6], [7]], 8].map(features => ({ features })),
    );
    // What need not be parsed comes first.
    expect(seen).toEqual([
      [3, 4, 5, 6],
      [7, 1, 2, 8],
    ]);
  });

  it('that fail are halved until the bad instances stand alone', async () => {
    const { version, seen } = doubler(values => values.includes(5));
    const { endings } = await score(
      catalogOf(version),
      Array.from({ length: 8 }, (_, i) => ({ features: i })),
    );
    expect(endings.map(({ prediction, error }) => prediction ?? error.code)).toEqual([
      0,
      2,
      4,
      6,
      8,
      'inference_failed',
      12,
      14,
    ]);
    expect(endings[5].error.message).toBe('m 1.0.0 failed: cannot');
    expect(seen.map(values => values.length)).toEqual([8, 4, 4, 2, 1, 1, 2]);
  });

  it('are not halved where the backend is away', async () => {
    const version = modelVersion({
      inputs: ['x: float32[?,1]'],
      predict() {
        calls++;
        throw new RequestError('model_unavailable', 'infer', 'the circuit is open');
      },
    });
    let calls = 0;
    const { endings } = await score(
      catalogOf(version),
      Array.from({ length: 8 }, (_, i) => ({ features: i })),
    );
    expect(calls).toBe(1);
    expect(endings.map(({ error }) => error.code)).toEqual(new Array(8).fill('model_unavailable'));
  });

  it('share a run only where their shapes are equal, in slices of any size', async () => {
    const shapes: (readonly number[])[] = [];
    const version = modelVersion({
      inputs: ['ids: int64[?,?]'],
      card: { outputs: { value: 'y' }, batching: { max_length: 400_000 } },
      predict: ({ ids }) => {
        shapes.push(ids?.dims ?? []);
        return { y: tensor('float32', [ids?.dims[0] ?? 0, 1], new Array(ids?.dims[0]).fill(1)) };
      },
    });
    const bodies = [new Array(400_000).fill(1), ...Array.from({ length: 63 }, () => [1, 2, 3])].map(features => ({
      features,
    }));
    const { endings } = await score(catalogOf(version), bodies);
    expect(endings.map(({ prediction }) => prediction)).toEqual(new Array(64).fill(1));
    expect(shapes).toEqual([
      [1, 400_000],
      [63, 3],
    ]);
  });

  it.each([
    ['in-line', 1],
    ['worker', 4],
  ] as const)('of a model that runs %s are on their way %d at once', async (placement, most) => {
    let [now, peak] = [0, 0];
    const { version } = doubler(undefined, { card: { batching: { max_batch_size: 2 } } });
    const { backend } = version;
    const counting: ModelVersion = {
      ...version,
      backend: {
        ...backend,
        info: { ...backend.info, placement },
        async predict(inputs) {
          peak = Math.max(peak, ++now);
          await new Promise(setImmediate);
          now--;
          return backend.predict(inputs);
        },
      },
    };
    const bodies = Array.from({ length: 20 }, (_, i) => (i === 3 ? 'broken' : { features: i }));
    const { endings } = await score(catalogOf(counting), bodies);
    expect(peak).toBe(most);
    expect(endings.map(({ prediction }) => prediction)).toEqual(bodies.map((_, i) => (i === 3 ? undefined : i * 2)));
  });

  it('fill a fixed batch up', async () => {
    const version = await fixture('targets');
    const { endings } = await score(
      catalogOf(version),
      Array.from({ length: 6 }, (_, i) => ({ features: [i, 1] })),
    );
    const [one] = (await score(catalogOf(version), [{ features: [5, 1] }])).endings;
    expect(endings[5].prediction).toEqual(one.prediction);
    expect(one.prediction).toHaveLength(3);
  });

  it('of a model whose output has no batch hold one instance', async () => {
    const { endings } = await score(catalogOf(await fixture('total')), [{ features: [1, 2] }, { features: [3, 4] }]);
    expect(endings.map(({ prediction }) => prediction)).toEqual([3, 7]);
  });

  it('with what is no number in them lose only the instances it belongs to', async () => {
    const { endings } = await score(
      catalogOf(await fixture('logarithm')),
      [1, -1, 1].map(features => ({ features })),
    );
    expect(endings.map(({ prediction, error }) => prediction ?? error.code)).toEqual([0, 'inference_failed', 0]);
    expect(endings[1].error).toMatchObject({ stage: 'interpret', message: expect.stringContaining('output y') });
  });

  it('of several instances end together', async () => {
    const { version } = doubler(values => values.includes(5));
    const { endings } = await score(catalogOf(version), [{ features: [[1], [5]] }, { features: [[1], [2]] }]);
    expect(endings[0].error.code).toBe('inference_failed');
    expect(endings[1].predictions).toHaveLength(2);
  });
});

describe('every element type', () => {
  it('comes back from the model as it went in', async () => {
    const features = {
      float: 1.5,
      double: 0.1,
      float16: 0.333251953125,
      int8: -128,
      int16: 32767,
      int32: -2147483648,
      int64: '9007199254740993',
      uint8: 255,
      uint16: 65535,
      uint32: 4294967295,
      uint64: '18446744073709551615',
      bool: true,
      string: 'žluťoučký 🐎',
    };
    const { endings } = await score(catalogOf(await fixture('echo')), [{ features }]);
    const { error, prediction, outputs } = endings[0];
    expect(error).toBeUndefined();
    const came = { float_out: prediction, ...outputs };
    for (const [name, value] of Object.entries(features)) expect([came[`${name}_out`]].flat(), name).toEqual([value]);
  });
});

describe('deadlines', () => {
  it('end a request that waited longer, from when it was enqueued', async () => {
    const { version, seen } = doubler();
    const bodies = [{ features: 1, timeout_ms: 4 }, { features: 2, timeout_ms: 5 }, { features: 3 }];
    const { endings } = await score(catalogOf(version), bodies);
    expect(endings[0].error).toEqual({
      code: 'deadline_exceeded',
      message: 'timeout_ms is 4; the request waited 5 ms',
      stage: 'infer',
      see: 'docs/operate.md#deadline_exceeded',
    });
    expect(seen).toEqual([[2, 3]]);
    const byDefault = await score(catalogOf(version), bodies.slice(2), { requestTimeoutMs: 4 });
    expect(byDefault.endings[0].error.code).toBe('deadline_exceeded');
  });

  it('are looked at before every slice', async () => {
    let now = NOON;
    const { version } = doubler(
      () => {
        now += 10;
        return false;
      },
      { card: { batching: { max_batch_size: 1 } } },
    );
    const { endings } = await score(
      catalogOf(version),
      Array.from({ length: 4 }, () => ({ features: 1, timeout_ms: 15 })),
      { clock: () => now },
    );
    expect(endings.map(({ prediction, error }) => prediction ?? error.message)).toEqual([
      2,
      'timeout_ms is 15; the answer was there after 20 ms',
      'timeout_ms is 15; the request waited 20 ms',
      'timeout_ms is 15; the request waited 20 ms',
    ]);
  });

  it.each([
    ['of one instance', 7, 'a'],
    ['of several', [[7], [8]], 'b'],
  ])('that pass during the run end what was answered, and not its neighbours: %s', async (_, features, id) => {
    let now = NOON;
    const { version } = doubler(() => {
      now += 10;
      return false;
    });
    const bodies = [{ features: 1, timeout_ms: 10 }, { request_id: id, features, timeout_ms: 9 }, { features: 3 }];
    const { endings } = await score(catalogOf(version), bodies, { clock: () => now });
    expect(endings.map(({ prediction, error }) => prediction ?? error)).toEqual([
      2,
      {
        code: 'deadline_exceeded',
        message: 'timeout_ms is 9; the answer was there after 10 ms',
        stage: 'infer',
        see: 'docs/operate.md#deadline_exceeded',
      },
      6,
    ]);
    expect(endings[1]).toMatchObject({ request_id: id, model: 'm', model_version: '1.0.0+0123abcd' });
    expect(endings[0].latency_ms).toBe(10);
  });

  it('that pass while a fallback or a default answers are past too', async () => {
    let now = NOON;
    const slow = (values: number[]) => {
      now += 10;
      return values.includes(5);
    };
    const older = doubler(slow).version;
    const fallen = doubler(slow, { version: '2.0.0', card: { fallback: { version: '1.0.0' } } }).version;
    const bodies = [
      { features: 5, timeout_ms: 15 },
      { features: 5, timeout_ms: 100 },
    ];
    const byFallback = await score(catalogOf(older, fallen), bodies.slice(0, 1), { clock: () => now });
    expect(byFallback.endings[0].error.code).toBe('inference_failed');
    now = NOON;
    const given = doubler(slow, { card: { default: { prediction: -1 } } }).version;
    const { endings } = await score(catalogOf(given), bodies, { clock: () => now });
    expect(endings.map(({ prediction, error }) => prediction ?? error.code)).toEqual(['deadline_exceeded', -1]);
  });

  describe('that will pass before the answer is there', () => {
    /** A model that was seen to take this long for a full slice when it was warmed up. */
    const warm = (warmUpMs: number, maxBatchSize: number) => {
      const { version, seen } = doubler();
      const info = { ...version.backend.info, warmUpMs, maxBatchSize };
      return { seen, version: { ...version, plan: undefined, backend: { ...version.backend, info } } };
    };

    it('are told before anything is scored', async () => {
      const { version, seen } = warm(400, 4);
      const bodies = [{ features: 1, timeout_ms: 104 }, { features: 2, timeout_ms: 105 }, { features: 3 }];
      const { endings } = await score(catalogOf(version), bodies);
      expect(endings.map(({ prediction, error }) => prediction ?? error.message)).toEqual([
        'timeout_ms is 104; the request waited 5 ms, and its answer takes 100 ms or more',
        4,
        6,
      ]);
      // Together the two would take 200 ms: the one with a deadline goes ahead.
      expect(seen).toEqual([[2], [3]]);
    });

    it('hold nobody else up, and no model for ever that was slow once', async () => {
      const { version, seen } = warm(400, 4);
      const catalog = catalogOf(version);
      const hasty = [{ features: 1, timeout_ms: 80 }];
      let refused = 0;
      while ((await score(catalog, hasty)).endings[0].error) refused++;
      expect(refused).toBe(3);
      expect(seen).toEqual([[1]]);
      // One run has shown how quick it is.
      expect((await score(catalog, [{ features: 1, timeout_ms: 6 }])).endings[0].prediction).toBe(2);
    });
  });

  it('end what waits too long for its turn; what still has time gets in line again', async () => {
    let now = NOON;
    const { version, seen } = doubler();
    const { predict } = version.backend;
    const busy: typeof predict = async (inputs, options = {}) => {
      const { maxWaitMs = 0 } = options;
      now += maxWaitMs < 20 ? maxWaitMs + 1 : 20;
      if (maxWaitMs < 20) throw new WaitedTooLong('busy');
      return predict(inputs);
    };
    const { endings } = await score(
      catalogOf({ ...version, backend: { ...version.backend, predict: busy } }),
      [
        { features: 1, timeout_ms: 100 },
        { features: 2, timeout_ms: 10 },
        { features: 3, timeout_ms: 15 },
        { features: 4 },
      ],
      { clock: () => now },
    );
    expect(endings.map(({ prediction, error }) => prediction ?? error.code)).toEqual([
      2,
      'deadline_exceeded',
      'deadline_exceeded',
      8,
    ]);
    expect(seen).toEqual([[1, 4]]);
  });

  it('that ends at the very moment in which it was waited for is past', async () => {
    const { version } = doubler();
    const { predict } = version.backend;
    const busy: typeof predict = async (inputs, { maxWaitMs = 0 } = {}) => {
      if (maxWaitMs === 0) throw new WaitedTooLong('busy');
      return predict(inputs);
    };
    const { endings } = await score(
      catalogOf({ ...version, backend: { ...version.backend, predict: busy } }),
      [{ features: 1, timeout_ms: 5 }, { features: 2 }],
      { clock: () => NOON + 5 },
    );
    expect(endings.map(({ prediction, error }) => prediction ?? error.code)).toEqual(['deadline_exceeded', 4]);
  });
});

describe('stand-ins', () => {
  const failing = (card: object) => doubler(values => values.includes(5), { version: '2.0.0', card }).version;

  it('the fallback that the card declares answers what the version fails on', async () => {
    const older = doubler().version;
    const catalog = catalogOf(older, failing({ fallback: { version: '1.0.0' } }));
    const { endings } = await score(catalog, [
      { features: 4 },
      { features: 5 },
      { features: 5, model_version: '2.0.0' },
    ]);
    expect(endings[0]).toMatchObject({ prediction: 8, model_version: '2.0.0+0123abcd' });
    expect(endings[0]).not.toHaveProperty('fallback');
    expect(endings[1]).toMatchObject({
      prediction: 10,
      model_version: '1.0.0+0123abcd',
      requested_version: '2.0.0',
      fallback: true,
    });
    expect(endings[2]).toMatchObject({ requested_version: '2.0.0', fallback: true });
  });

  it('may be another model', async () => {
    const other = doubler(undefined, { name: 'other' }).version;
    const catalog = catalogOf(failing({ fallback: { model: 'other', version: '1.0.0' } }), other);
    expect((await score(catalog, [{ features: 5 }])).endings[0]).toMatchObject({
      model: 'other',
      prediction: 10,
      fallback: true,
    });
  });

  it('the default of the card answers where nothing else can', async () => {
    const card = { default: { prediction: 'Unknown', confidence: 0 }, fallback: { version: '1.0.0' } };
    const alsoFailing = doubler(() => true).version;
    const { endings } = await score(catalogOf(alsoFailing, failing(card)), [{ features: 5 }, { features: [[1], [5]] }]);
    expect(endings[0]).toMatchObject({
      prediction: 'Unknown',
      confidence: 0,
      degraded: true,
      model_version: '2.0.0+0123abcd',
    });
    expect(endings[0]).not.toHaveProperty('fallback');
    expect(endings[1].predictions).toEqual([
      { prediction: 'Unknown', confidence: 0 },
      { prediction: 'Unknown', confidence: 0 },
    ]);
  });

  it('are not asked where the request is to blame', async () => {
    const card = { default: { prediction: 0 }, fallback: { version: '1.0.0' } };
    const { endings } = await score(catalogOf(doubler().version, failing(card)), [{ features: 'x' }]);
    expect(endings[0].error.code).toBe('schema_mismatch');
  });

  it('leave the first error where they fail too', async () => {
    const catalog = catalogOf(doubler(() => true).version, failing({ fallback: { version: '1.0.0' } }));
    expect((await score(catalog, [{ features: 5 }])).endings[0].error.message).toBe('m 2.0.0 failed: cannot');
  });
});

describe('routes', () => {
  it('are asked for once for each model and version', async () => {
    const asked: unknown[] = [];
    const catalog = catalogOf(doubler().version);
    const counting: Catalog = {
      ...catalog,
      routing(...question) {
        asked.push(question);
        return catalog.routing(...question);
      },
    };
    const bodies = [{}, {}, { model: 'm' }, {}, { model: 'nope' }, { model: 'm' }, { model: 'nope' }].map(body => ({
      features: 1,
      ...body,
    }));
    const { endings } = await score(counting, bodies);
    expect(asked).toEqual([
      [undefined, undefined],
      ['m', undefined],
      ['nope', undefined],
    ]);
    expect(endings[4].error).toMatchObject({ code: 'unknown_model', stage: 'route' });
  });

  it('are asked for request by request where a rollout chooses by key', async () => {
    const [one, two] = [doubler().version, doubler(undefined, { version: '2.0.0' }).version];
    const catalog: Catalog = {
      ...catalogOf(one),
      routing: () => ({
        production: { version: one, requestedVersion: undefined, fallback: false, variant: undefined },
        choose: key => ({
          route: {
            version: key === 'b' ? two : one,
            requestedVersion: undefined,
            fallback: false,
            variant: key === 'b' ? 'treatment' : 'control',
          },
          bucket: 1,
        }),
      }),
    };
    const { endings } = await score(
      catalog,
      ['a', 'b', 'a'].map(key => ({ features: 1, routing_key: key })),
    );
    expect(endings.map(({ variant, model_version: version }) => [variant, version])).toEqual([
      ['control', '1.0.0+0123abcd'],
      ['treatment', '2.0.0+0123abcd'],
      ['control', '1.0.0+0123abcd'],
    ]);
  });

  it('may take time; a version that another stands in for is named', async () => {
    const version = doubler().version;
    const slow: Catalog = {
      ...catalogOf(version),
      routing: async (_model, asked) => ({
        route: { version, requestedVersion: asked, fallback: asked !== undefined, variant: undefined },
      }),
    };
    const { endings } = await score(slow, [{ features: 1 }, { features: 1, model_version: '9' }]);
    expect(endings[0]).not.toHaveProperty('requested_version');
    expect(endings[1]).toMatchObject({ prediction: 2, requested_version: '9', fallback: true });
  });

  const failingWith = (thrown: unknown, version: ModelVersion): Catalog => ({
    ...catalogOf(version),
    routing: async model => {
      if (model === 'bad') throw thrown;
      return { route: { version, requestedVersion: undefined, fallback: false, variant: undefined } };
    },
  });

  it('that fail end the requests that need them; infrastructure that is away holds the batch', async () => {
    const { version } = doubler();
    const bodies = [{ features: 1 }, { features: 1, model: 'bad' }];
    const refused = await score(failingWith(new RequestError('model_unavailable', 'route', 'broken'), version), bodies);
    expect(refused.endings.map(({ prediction, error }) => prediction ?? error)).toEqual([
      2,
      { code: 'model_unavailable', message: 'broken', stage: 'route', see: 'docs/operate.md#model_unavailable' },
    ]);
    const surprised = await score(failingWith(new TypeError('oops'), version), bodies);
    expect(surprised.endings[1].error).toMatchObject({ code: 'unexpected', message: 'oops', stage: 'route' });
    const away = new InfrastructureError('storage is away');
    await expect(score(failingWith(away, version), bodies)).rejects.toBe(away);
  });

  it('that fail by a fault of ours tell the log where, and no more than ten a minute', async () => {
    const { version } = doubler();
    const thrown = new TypeError('oops');
    const told: string[] = [];
    let now = NOON + 5;
    const log = { ...quiet, error: (message: string) => void told.push(message) };
    const scoring = scoringOf(failingWith(thrown, version), { log, clock: () => now });
    const bad = Array.from({ length: 25 }, () => ({ features: 1, model: 'bad' }));
    await scoring.score(batchOf(bad), signal);
    expect(told[0]).toBe(`inference-requests/2/100 (route) failed unexpectedly: ${thrown.stack}`);
    expect(thrown.stack).toContain('scoring.test.ts');
    expect(told).toHaveLength(10);
    now += 60_000;
    await scoring.score(batchOf([bad[0], { features: 1 }]), signal);
    expect(told.slice(10)).toEqual(['15 more requests failed unexpectedly meanwhile', told[0]]);
    const codec: Codec = { name: 'broken', takes: () => true, decode: () => Promise.reject(thrown) };
    const broken = scoringOf(catalogOf(version), { log, decoder: createDecoder([codec]) });
    await broken.score(batchOf(['x']), signal);
    expect(told.at(-1)).toBe(`inference-requests/2/100 (decode) failed unexpectedly: ${thrown.stack}`);
  });

  it('to a version whose card does not fit its file are refused', async () => {
    const { version } = doubler();
    const misfit = { ...version, card: { ...version.card, features: [] } };
    const { endings } = await score(catalogOf(misfit), [{ features: 1 }]);
    expect(endings[0].error).toEqual({
      code: 'model_unavailable',
      message: 'm 1.0.0 cannot serve: no feature fills input x',
      stage: 'route',
      see: 'docs/operate.md#model_unavailable',
    });
  });
});

describe('a codec that has to wait', () => {
  /** Takes events of a content type of its own, whose bytes are single digits. */
  const digits: Codec = {
    name: 'digits',
    takes: ({ contentType }) => contentType === 'text/digits',
    async decode({ body }) {
      await new Promise(resolve => setImmediate(resolve));
      if (!/^\d+$/.test(body.toString())) throw new RequestError('malformed_payload', 'decode', 'no digits');
      const about = { requestId: undefined, model: undefined, modelVersion: undefined, priority: undefined };
      const rest = { timeoutMs: undefined, routingKey: undefined, segments: [] };
      return [...body.toString()].map(digit => ({ ...about, ...rest, features: Number(digit), text: () => digit }));
    },
  };

  it('keeps the order of the events, and its failures to itself', async () => {
    const { version } = doubler();
    const usual = batchOf([
      { request_id: 'first', features: [1] },
      { request_id: 'last', features: [9] },
    ]).events;
    const own = batchOf(['345', 'x'], { contentType: 'text/digits' }).events;
    const events = [usual[0], ...own, usual[1]].map((event, i) => ({ ...(event as Event), sequenceNumber: i }));
    const scoring = scoringOf(catalogOf(version), { decoder: createDecoder([digits, eventJson]) });
    const batch = { ...batchOf([]), events };
    const scored = (await scoring.score(batch, signal)).outcomes();
    expect(scored.map(({ resultId }) => resultId.slice('inference-requests/2/'.length))).toEqual([
      '0',
      '1/0',
      '1/1',
      '1/2',
      '2',
      '3',
    ]);
    const said = scored.map(({ body }) => JSON.parse(body.toString()));
    expect(said.map(({ prediction, error }) => prediction ?? error.message)).toEqual([2, 6, 8, 10, 'no digits', 18]);
  });
});

describe('an aborted signal', () => {
  it('is thrown, also while a model loads or runs', async () => {
    const { version } = doubler();
    const never: Catalog = { ...catalogOf(version), routing: () => new Promise(() => {}) };
    const loading = new AbortController();
    const scoring = scoringOf(never).score(batchOf([{ features: 1 }]), loading.signal);
    loading.abort(new Error('time is up'));
    await expect(scoring).rejects.toThrow('time is up');

    const running = new AbortController();
    const aborting = doubler(() => {
      running.abort(new Error('time is up'));
      return true;
    }).version;
    await expect(
      scoringOf(catalogOf(aborting)).score(batchOf([{ features: 1 }, { features: 2 }]), running.signal),
    ).rejects.toThrow('time is up');
    await expect(scoringOf(catalogOf(version)).score(batchOf([{ features: 1 }]), running.signal)).rejects.toThrow(
      'time is up',
    );
  });
});

describe('predict', () => {
  it('answers requests that come from no event, as values', async () => {
    const { version } = doubler();
    const request = {
      resultId: 'http-1',
      requestId: undefined,
      model: undefined,
      modelVersion: undefined,
      features: [[1], [2]],
      priority: 1,
      enqueuedAtMs: NOON,
      timeoutMs: undefined,
      routingKey: 'k',
      segments: [],
    };
    const endings = await scoringOf(catalogOf(version)).predict([request, { ...request, features: 'x' }], signal);
    expect(endings).toMatchObject([
      {
        kind: 'answered',
        version,
        several: true,
        predictions: [{ prediction: 2 }, { prediction: 4 }],
        scoredAtMs: NOON + 5,
      },
      { kind: 'refused', version, error: { code: 'schema_mismatch' } },
    ]);
  });
});
