import { deserialize, serialize } from 'node:v8';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import rhea from 'rhea';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../../bench/models.ts';
import { receiveEndings, sendEndings } from '../../src/apart/wire-endings.ts';
import { createMemoryCache } from '../../src/cache/memory-cache.ts';
import { createDecoder } from '../../src/codecs/decoder.ts';
import type { Catalog } from '../../src/core/catalog.ts';
import type { Decoder } from '../../src/core/codec.ts';
import { RequestError } from '../../src/core/errors.ts';
import type { Event, EventBatch } from '../../src/core/event.ts';
import type { ModelVersion } from '../../src/core/model.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import type { Route } from '../../src/core/routing.ts';
import { ScoredBatch } from '../../src/core/scored-batch.ts';
import type { Tensor, TensorSpec, Tensors } from '../../src/core/tensor.ts';
import { BatchEncoder } from '../../src/hubs/encode-message.ts';
import { writeEndings } from '../../src/hubs/write-endings.ts';
import { planEndings } from '../../src/ledger/plan-endings.ts';
import { OWN_FAULTS, readLetter, readResult } from '../../src/sweep/read-ending.ts';
import { expectAlike } from '../support/alike.ts';
import { openScoring } from '../support/open-scoring.ts';

/*
 * One road: whatever stands beside a request in its batch, and whichever way its bytes are read, it ends as it would alone. Rows of every kind are mixed (usual ones, others that have to
 * be parsed, malformed, oversized, late, several instances or requests in one, other models, two and three arms of a rollout) and each ending is held against that of the same row in a batch of its own,
 * parsed: a content type with parameters is all it takes to keep an event from being scanned.
 */

const PARSED = 'application/json; charset=utf-8';
const NOW = Date.parse('2026-11-21T09:00:00.131Z');
const MAX_BODY_BYTES = 4_000;
const { signal } = new AbortController();

/** What an event says beside its body. */
interface Row {
  readonly body: string;
  readonly key?: string | undefined;
  readonly gzip?: boolean;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly correlationId?: string | undefined;
}

function eventOf(
  { body, key, gzip, properties = {}, correlationId }: Row,
  sequenceNumber: number,
  parsed: boolean,
): Event {
  return {
    body: gzip ? gzipSync(body) : Buffer.from(body),
    sequenceNumber,
    enqueuedAtMs: NOW - (1 + (sequenceNumber % 7)) * 1.5,
    partitionKey: key,
    contentType: parsed ? PARSED : undefined,
    contentEncoding: gzip ? 'gzip' : undefined,
    correlationId,
    properties:
      sequenceNumber % 5 === 4
        ? { ...properties, traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
        : properties,
  };
}

function batchOf(rows: readonly Row[], first: number, parsed = false): EventBatch {
  const events = rows.map((row, i) => eventOf(row, first + i, parsed));
  return { hub: 'inference-requests', consumerGroup: 'inference-consumer', partition: '3', events };
}

/** What an ending says, less what was measured meanwhile, whether it was known, and the content type that told the ways apart. */
function said(outcome: Outcome) {
  checkFacts(outcome);
  const { kind, resultId, model, modelVersion, variant, rollout, bucket, code, latencyMs, body } = outcome;
  // How many digits `model_ms` has counts among the bytes.
  const text = body
    .toString()
    .replace(/the result has \d+ bytes/, 'the result has so many bytes')
    .replace(/; \d+ of its/, '; some of its');
  const json = JSON.parse(text) as { source?: { content_type?: string } };
  const { model_ms: _, cached: __, ...rest } = json as Record<string, unknown>;
  if (json.source?.content_type === PARSED) delete json.source.content_type;
  // How many rows shared its run, no ending alone can say.
  if (isObject(rest.error)) delete rest.error.run;
  return { kind, resultId, model, modelVersion, variant, rollout, bucket, code, latencyMs, ...rest };
}

/** What the sweep reads from an ending's bytes, held against the ending parsed. */
function checkFacts({ kind, body, code }: Outcome): void {
  const json = JSON.parse(body.toString());
  if (kind !== 'result') {
    expect(readLetter(body)).toMatchObject({ code, failedAt: json.failed_at });
    return;
  }
  const { prediction, confidence, errors = [] } = json;
  expect(readResult(body)).toEqual({
    ...{ cached: json.cached === true, fallback: json.fallback === true, degraded: json.degraded === true },
    ...{ enqueuedAt: json.enqueued_at, timestamp: json.timestamp, latencyMs: json.latency_ms, modelMs: json.model_ms },
    confidence,
    label: confidence === undefined ? undefined : JSON.stringify(prediction),
    failedRows: errors.filter((each: { readonly code: string }) => OWN_FAULTS.has(each.code)).length,
  });
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** Messages as an AMQP library reads them, held against the table they were written from. */
function checkMessages(scored: ScoredBatch, lastSequenceNumber: number): void {
  const standing = { log: 17, settledThrough: -1, ended: new Map<string, number>() };
  const plan = planEndings(scored, standing, { partition: '3', lastSequenceNumber });
  const results = scored.outcomes().filter(({ kind }) => kind === 'result');
  expect(plan.results).toHaveLength(results.length);
  expect(plan.deadLetters).toHaveLength(scored.length - results.length);
  if (results.length === 0) return;
  const encoder = new BatchEncoder(1_048_576);
  expect(writeEndings(encoder, plan.results, 0)).toBe(results.length);
  const { message } = rhea;
  const { content } = (
    message.decode(Buffer.from(encoder.bytes())) as unknown as { body: { content: Buffer | Buffer[] } }
  ).body;
  [content].flat().forEach((section, i) => {
    const { message_id, correlation_id, content_type, application_properties, body } = message.decode(section);
    const { resultId, event, model, modelVersion, variant, rollout, bucket, body: bytes } = results[i] as Outcome;
    expect({
      message_id,
      correlation_id,
      content_type,
      text: (body as { content: Buffer }).content.toString(),
    }).toEqual({
      message_id: resultId,
      correlation_id: event.correlationId,
      content_type: 'application/json',
      text: bytes.toString(),
    });
    expect(application_properties).toEqual({
      model,
      model_version: modelVersion,
      ...(variant !== undefined && { variant }),
      ...(rollout !== undefined && { rollout: rollout.id, revision: rollout.revision, bucket }),
      source_partition: '3',
      source_log: 17,
      source_sequence_number: event.sequenceNumber,
      settled_through: (results[i + 1]?.event.sequenceNumber ?? lastSequenceNumber + 1) - 1,
      ...(event.properties.traceparent !== undefined && { traceparent: event.properties.traceparent }),
    });
  });
}

/** As it comes out at the other end of a pipe between processes. */
const across = <T>(value: T): T => deserialize(serialize(value)) as T;

/** What would be appended, byte for byte. */
function wireOf(scored: ScoredBatch, lastSequenceNumber: number): string[] {
  const standing = { log: 17, settledThrough: -1, ended: new Map<string, number>() };
  const { deadLetters, results } = planEndings(scored, standing, { partition: '3', lastSequenceNumber });
  return [deadLetters, results].map(messages => {
    const encoder = new BatchEncoder(1_048_576);
    expect(writeEndings(encoder, messages, 0)).toBe(messages.length);
    return messages.length === 0 ? '' : encoder.bytes().toString('latin1');
  });
}

/** The same endings with what they say when somebody asks. */
const asked = ({ text, requestId, ...outcome }: Outcome) => ({
  ...outcome,
  text: text?.(),
  requestId: JSON.stringify(requestId),
});

const numberText = fc.oneof(
  { weight: 200, arbitrary: fc.double({ min: -300, max: 300, noNaN: true }).map(String) },
  { weight: 50, arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true }).map(String) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '-0',
      '1e308',
      '-1e-308',
      '3.4028236e38',
      '0.1234567890123456789012345',
      '12345678901234567890',
    ),
  },
);
const id = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^[a-z0-9/-]{1,40}$/).map(text => JSON.stringify(text)) },
  { weight: 2, arbitrary: fc.nat().map(String) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 300 }).map(text => JSON.stringify(text)) },
  { weight: 1, arbitrary: fc.constantFrom('9007199254740993', '1.5', '"\\u0041"', '"a\\"b"', '""', 'null', 'true') },
);
const features = (width: number) =>
  fc.oneof(
    { weight: 30, arbitrary: fc.array(numberText, { minLength: width, maxLength: width }) },
    {
      weight: 1,
      arbitrary: fc.array(fc.oneof(numberText, fc.constantFrom('null', '"5"', 'true', '[1]')), {
        maxLength: width + 1,
      }),
    },
  );
const request = fc
  .record({
    id: fc.option(id, { nil: undefined, freq: 8 }),
    features: features(10),
    extra: fc.constantFrom(
      '',
      '',
      '',
      '',
      '',
      '',
      '',
      '',
      '"priority":2',
      '"timeout_ms":60000',
      '"note":{"a":[1]}',
      '"model":"x"',
    ),
    space: fc.constantFrom('', '', ' ', '\n  '),
    order: fc.constantFrom('usual', 'usual', 'usual', 'turned'),
  })
  .map(({ id, features, extra, space, order }) => {
    const fields = [
      ...(id === undefined ? [] : [`"request_id":${space}${id}`]),
      '"model":"diabetes"',
      ...(extra ? [extra] : []),
      `"features":${space}[${features.join(`,${space}`)}]`,
    ];
    return `{${space}${(order === 'usual' ? fields : fields.reverse()).join(`,${space}`)}${space}}`;
  });
/** As a producer sends them: all alike but for ids and numbers. */
const alike = fc
  .record({
    rows: fc.array(
      fc.tuple(fc.stringMatching(/^[a-z0-9-]{1,40}$/), fc.array(numberText, { minLength: 10, maxLength: 10 })),
      { minLength: 1, maxLength: 30 },
    ),
    space: fc.constantFrom('', ' '),
  })
  .map(({ rows, space }) =>
    rows.map(
      ([id, numbers]) =>
        `{"request_id":${space}"${id}",${space}"model":${space}"diabetes",${space}"features":${space}[${numbers.join(`,${space}`)}]}`,
    ),
  );

const FEATURES = `[${Array.from({ length: 10 }, (_, i) => i / 10).join(',')}]`;
const ordinary = `"model":"diabetes","features":${FEATURES}`;
/** Rows that need a closer look, or are no requests. */
const odd = fc.oneof(
  fc
    .constantFrom('', '{', '[]', '[1]', '\ufeff{}', `{${ordinary}} {}`, `{"features":${FEATURES}`)
    .map(body => ({ body })),
  fc
    .constantFrom(
      `{"request_id":"several","model":"diabetes","features":[${FEATURES},${FEATURES}]}`,
      `{"request_id":"one of them bad","model":"diabetes","features":[${FEATURES},[1]]}`,
      `{"request_id":"pack","model":"diabetes","ids":["a", 2],"on_error":"skip","features":[${FEATURES},${FEATURES}]}`,
      `{"model":"diabetes","features":[${FEATURES}, ${FEATURES}, ${FEATURES}],"ids":[1,2,"c"],"request_id":7}`,
      `{"request_id":"skips","model":"diabetes","ids":["a","b"],"on_error":"skip","features":[${FEATURES},[1]]}`,
      `{"request_id":"long pack","model":"diabetes","features":[${Array(12).fill(FEATURES)}]}`,
      `{"request_id":"too long","model":"diabetes","features":[${Array(40).fill(FEATURES)}]}`,
      `{"request_id":"failing pack","model":"fragile","ids":["a","b"],"on_error":"skip","features":[${FEATURES},${FEATURES}]}`,
      `[{"request_id":"a",${ordinary}},{"request_id":7,"model":"nope","features":${FEATURES}},{"request_id":"b","features":"x"}]`,
      `{"request_id":"l1",${ordinary}}\n{"request_id":"l2",${ordinary},"priority":0}\nnonsense`,
      `{"id":"v2","parameters":{"model":"diabetes"},"inputs":[{"name":"features","shape":[2,10],"datatype":"FP32","data":[${'0.5,'.repeat(19)}1]}]}`,
      `{"request_id":"other","model":"nope",${ordinary.slice(19)}}`,
      `{"request_id":"misfit",${ordinary},"model_version":"9.9.9"}`,
      `{"request_id":"failing","model":"fragile","features":${FEATURES}}`,
    )
    .map(body => ({ body })),
  // Over, or far off: between them it counts how quick this machine is.
  fc.constantFrom(0, 1, 1e6).map(ms => ({ body: `{"request_id":"late","timeout_ms":${ms},${ordinary}}` })),
  fc.constantFrom(1_000, 3_500, 5_000).map(n => ({ body: `{"request_id":"${'long'.repeat(n / 4)}",${ordinary}}` })),
  fc.constantFrom('a', 'b', 'c').map(segment => ({ body: `{"segment":["z","${segment}"],${ordinary}}` })),
  fc.constantFrom('a', 'b').map(segment => ({ body: `{${ordinary}}`, properties: { segment } })),
  fc.constant({ body: `{"request_id":"packed",${ordinary}}`, gzip: true }),
  fc.constant({ body: `{"features":${FEATURES}}`, properties: { model: 'diabetes', priority: '3' } }),
);
const keyed = (row: fc.Arbitrary<Row>) =>
  fc
    .tuple(
      row,
      fc.option(fc.stringMatching(/^customer-[0-9]{1,3}$/), { nil: undefined, freq: 2 }),
      fc.option(fc.string({ maxLength: 20 }), { nil: undefined, freq: 12 }),
    )
    .map(([one, key, correlationId]): Row => ({ ...one, key, correlationId }));
const usual = request.map((body): Row => ({ body }));
const mixture = fc.oneof(
  alike.chain(bodies => fc.tuple(...bodies.map(body => keyed(fc.constant({ body }))))),
  fc.array(keyed(fc.oneof({ weight: 12, arbitrary: usual }, { weight: 3, arbitrary: odd })), {
    minLength: 1,
    maxLength: 24,
  }),
);

const hash = (text: string) => [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);

interface Stage {
  readonly versions: readonly ModelVersion[];
  readonly fragile: ModelVersion;
  close(): Promise<void>;
}

/** One to three arms: by routing key; the second also by segment; and some keys take no part. */
function catalogWith({ versions, fragile }: Stage, arms: number): Catalog {
  const [production, ...candidates] = versions.slice(0, arms) as [ModelVersion, ...ModelVersion[]];
  const plain: Route = { version: production, requestedVersion: undefined, fallback: false, variant: undefined };
  const rollout = { id: 'ro_1', revision: 7 };
  const arm = (version: ModelVersion, variant: string): Route => ({ ...plain, version, variant, rollout });
  return {
    routing(model, asked) {
      if (model === 'fragile') return { route: { ...plain, version: fragile } };
      if (model !== undefined && model !== 'diabetes')
        throw new RequestError('unknown_model', 'route', `no model ${model}`);
      if (asked !== undefined) return { route: { ...plain, requestedVersion: asked, fallback: true } };
      if (candidates.length === 0) return { route: plain };
      return {
        production: plain,
        choose(key, segments) {
          const bucket = hash(key) % (arms + 1);
          if (segments.includes('a')) return { route: arm(candidates[0] as ModelVersion, 'candidate'), bucket };
          if (bucket === arms) return { route: plain, bucket: -1 };
          const route =
            bucket === 0
              ? arm(production, 'production')
              : arm(candidates[bucket - 1] as ModelVersion, `candidate ${bucket}`);
          return { route, bucket };
        },
      };
    },
    fallbackFor: async () => undefined,
    list: async () => [],
  };
}

/** Counts events that had to be parsed. */
function counting(): Decoder & { decoded: number } {
  const decoder = createDecoder();
  return {
    decoded: 0,
    createScanner: decoder.createScanner,
    decodeScanned: decoder.decodeScanned,
    mayWait: decoder.mayWait,
    decode(event) {
      this.decoded++;
      return decoder.decode(event);
    },
  };
}

describe('one road', () => {
  let stage: Stage;
  beforeAll(async () => {
    const inLine = await openModel('diabetes', '1.0.0', { batching: { max_batch_size: 7 } });
    const other = await openModel('diabetes', '1.1.0', {});
    const threaded = await openModel('diabetes', '1.0.0', {
      runtime: { placement: 'worker' },
      batching: { max_batch_size: 4 },
    });
    const fragile: ModelVersion = {
      ...inLine.model,
      name: 'fragile',
      plan: undefined,
      card: { ...inLine.model.card, default: { prediction: 'unknown', confidence: 0 } },
      backend: {
        ...inLine.model.backend,
        info: inLine.model.backend.info,
        predict: () => Promise.reject(new Error('cannot')),
      },
    };
    const opened = [inLine, other, threaded];
    stage = {
      versions: opened.map(({ model }) => model),
      fragile,
      async close() {
        for (const { model, backends } of opened) {
          await model.backend.close();
          await backends.close();
        }
      },
    };
  });
  afterAll(() => stage.close());

  const open = (catalog: Catalog, decoder: Decoder, cached = false) =>
    openScoring(catalog, {
      decoder,
      clock: () => NOW,
      maxBodyBytes: MAX_BODY_BYTES,
      cache: cached ? createMemoryCache({ maxEntries: 1000, maxBytes: 1e6, ttlMs: 60_000 }) : undefined,
    });

  it.each([
    [1, false, 'one matrix'],
    [2, false, 'one matrix'],
    [3, false, 'one matrix'],
    [2, true, 'one matrix'],
    [2, false, 'doubles'],
    [2, false, 'columns'],
  ] as const)('ends each row of a mixture as it ends alone: %i arms, cached: %s, %s', async (arms, cached, inputs) => {
    const given =
      inputs === 'one matrix' ? stage.versions : stage.versions.map(inputs === 'doubles' ? ofDoubles : ofColumns);
    const versions = cached ? given.map(slow) : given;
    const catalog = catalogWith({ ...stage, versions }, arms);
    const decoder = counting();
    const together = open(catalog, decoder, cached);
    const alone = open(catalogWith({ ...stage, versions: given }, arms), createDecoder());
    let events = 0;
    await fc.assert(
      fc.asyncProperty(mixture, fc.constantFrom(1, 7, 98, 12_345_678_900), async (rows, first) => {
        const scored = await together.score(batchOf(rows, first), signal);
        const expected: Outcome[] = [];
        for (const [i, row] of rows.entries()) {
          const one = await alone.score(batchOf([row], first + i, true), signal);
          expected.push(...one.outcomes());
        }
        expectAlike(scored.outcomes().map(said), expected.map(said));
        checkMessages(scored, first + rows.length - 1);
        events += rows.length;
      }),
      { numRuns: 300 },
    );
    // The usual ones among them, however many others there were; numbers that only JSON.parse reads as doubles are for it.
    expect(decoder.decoded).toBeLessThan(events * (inputs === 'one matrix' ? 0.5 : 0.9));
  });

  it.each([1, 3])('ends what is scored in another process as here, to the byte: %i arms', async arms => {
    const here = open(catalogWith(stage, arms), createDecoder());
    await fc.assert(
      fc.asyncProperty(mixture, fc.constantFrom(1, 98, 12_345_678_900), async (rows, first) => {
        const batch = batchOf(rows, first);
        const scored = await here.score(across(batch), signal);
        const received = ScoredBatch.of(batch, receiveEndings(batch, across(sendEndings(scored))), scored.slices);
        expect(received.outcomes().map(asked)).toEqual(scored.outcomes().map(asked));
        const last = first + rows.length - 1;
        expect(wireOf(received, last)).toEqual(wireOf(scored, last));
      }),
      { numRuns: 100 },
    );
  });

  it('parses nothing of a usual batch, whatever its slices and arms, unless its time is up', async () => {
    const rows = Array.from({ length: 50 }, (_, i) => ({
      body: `{"request_id":"r-${i}",${ordinary}}`,
      key: `customer-${i}`,
    }));
    const decoder = counting();
    const scored = await open(catalogWith(stage, 3), decoder).score(batchOf(rows, 1), signal);
    expect(decoder.decoded).toBe(0);
    expect(scored.arms.map(({ kind }) => kind)).toEqual(['result', 'result', 'result', 'result']);
    const late = openScoring(catalogWith(stage, 1), { decoder, clock: () => NOW, requestTimeoutMs: 3_500 });
    const usual = batchOf(rows, 1);
    const aged = usual.events.map(event => ({ ...event, enqueuedAtMs: NOW - (event.sequenceNumber % 7) * 1_000 }));
    const codes = (await late.score({ ...usual, events: aged }, signal)).outcomes().map(({ code }) => code);
    // Those enqueued 4, 5 and 6 s ago.
    expect(codes.filter(code => code === 'deadline_exceeded')).toHaveLength(21);
    expect(decoder.decoded).toBe(21);
  });
});

/** Its model is said to take so long that the cache is asked. */
function slow(version: ModelVersion): ModelVersion {
  const { backend } = version;
  const info = { ...backend.info, warmUpMs: 1_000 };
  return { ...version, plan: undefined, backend: { ...backend, info, predict: (...args) => backend.predict(...args) } };
}

/** The same version with an input of doubles. */
function ofDoubles(version: ModelVersion): ModelVersion {
  const { signature } = version;
  const inputs = signature.inputs.map(input => ({ ...input, type: 'float64' as const }));
  return withInputs(version, inputs, given => {
    const [[name, { dims, data }]] = Object.entries(given) as [[string, Tensor]];
    return { [name]: { type: 'float32', dims, data: Float32Array.from(data as Float64Array) } };
  });
}

/** The same version with a column a feature, floats and doubles, and their inputs in another order than the card has its features. */
function ofColumns(version: ModelVersion): ModelVersion {
  const [{ name }] = version.signature.inputs as [TensorSpec];
  const { features } = version.card;
  const specs = features.map(
    (feature, i): TensorSpec => ({ name: feature.name, type: i % 2 === 0 ? 'float32' : 'float64', dims: [null, 1] }),
  );
  const columns = withInputs(version, specs.toReversed(), given => {
    const rows = given[specs[0]?.name as string]?.dims[0] as number;
    const data = new Float32Array(rows * features.length);
    features.forEach(({ name }, i) => {
      for (let row = 0; row < rows; row++) data[row * features.length + i] = given[name]?.data[row] as number;
    });
    return { [name]: { type: 'float32', dims: [rows, features.length], data } };
  });
  const card = { ...version.card, features: features.map(feature => ({ ...feature, input: feature.name })) };
  return { ...columns, card };
}

function withInputs(
  version: ModelVersion,
  inputs: readonly TensorSpec[],
  back: (given: Tensors) => Tensors,
): ModelVersion {
  const { backend } = version;
  const signature = { ...version.signature, inputs };
  const info = { ...backend.info, signature };
  return {
    ...version,
    plan: undefined,
    signature,
    backend: { ...backend, info, predict: (given, options) => backend.predict(back(given), options) },
  };
}
