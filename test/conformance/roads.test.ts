import fc from 'fast-check';
import rhea from 'rhea';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catalogOf, openModel } from '../../bench/models.ts';
import type { Event, EventBatch } from '../../src/core/event.ts';
import type { ScoredBatch } from '../../src/core/outcome.ts';
import { fill } from '../../src/hubs/amqp-sender.ts';
import { BatchEncoder } from '../../src/hubs/encode-message.ts';
import { planBlock, planEndings } from '../../src/ledger/plan-endings.ts';
import { createFastRoad, type FastRoad, type FastRoadOptions } from '../../src/scoring/fast/fast-road.ts';
import { createPipeline, type Pipeline, type PipelineOptions } from '../../src/scoring/pipeline.ts';

/*
 * The fast ways against the plain one: the same bodies through all of them, and every ending equal, whatever the bodies are.
 * A content type with parameters is all it takes to keep a batch off the fast road, so that it is parsed; one event that is no
 * request at all, and its results are not written as a block either.
 */

const PLAIN = 'application/json; charset=utf-8';
const NOW = Date.parse('2026-11-21T09:00:00.131Z');
const quiet = { info: () => {}, warn: () => {}, error: () => {} };
const MODELS = [
  ['diabetes 1.0.0', '1.0.0', {}],
  ['diabetes 1.1.0', '1.1.0', {}],
  ['diabetes 1.0.0 in a worker thread', '1.0.0', { runtime: { placement: 'worker' }, batching: { max_batch_size: 4 } }],
] as const;

function batchOf(bodies: readonly string[], contentType: string | undefined, firstSequenceNumber: number): EventBatch {
  const events = bodies.map(
    (body, i): Event => ({
      body: Buffer.from(body),
      sequenceNumber: firstSequenceNumber + i,
      enqueuedAtMs: NOW - ((firstSequenceNumber + i) % 7) * 1.5,
      partitionKey: undefined,
      contentType,
      contentEncoding: undefined,
      properties:
        (firstSequenceNumber + i) % 5 === 4
          ? { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
          : {},
    }),
  );
  return { hub: 'inference-requests', consumerGroup: 'inference-consumer', partition: '3', events };
}

/** Without what was measured meanwhile, and without the content type that told the roads apart. */
function withoutMeasured(body: Buffer): string {
  return body
    .toString('utf8')
    .replace(/"model_ms":[\d.e-]+/, '"model_ms":0')
    .replace(`,"content_type":"${PLAIN}"`, '');
}

function endings({ outcomes }: ScoredBatch) {
  return outcomes.map(({ kind, resultId, model, modelVersion, latencyMs, code, body }) => {
    const text = withoutMeasured(body);
    return { kind, resultId, model, modelVersion, latencyMs, code, body: text };
  });
}

/** Messages as an AMQP library reads them. */
function messages(scored: ScoredBatch, lastSequenceNumber: number): unknown[] {
  const standing = { log: 17, settledThrough: -1, ended: new Map<string, number>() };
  const batch = { partition: '3', lastSequenceNumber };
  const plan =
    (scored.block && planBlock(scored.block, standing, batch)) ?? planEndings(scored.outcomes, standing, batch);
  if (plan.results.length === 0) return [];
  const encoder = new BatchEncoder(1_048_576);
  expect(fill(encoder, plan.results, 0)).toBe(plan.results.length);
  const { message } = rhea;
  const sections = (message.decode(Buffer.from(encoder.bytes())) as unknown as { body: { content: Buffer | Buffer[] } })
    .body.content;
  return [sections].flat().map(section => {
    const { message_id, content_type, application_properties, body } = message.decode(section);
    return {
      message_id,
      content_type,
      application_properties,
      text: withoutMeasured((body as { content: Buffer }).content),
    };
  });
}

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
const bodies = fc.oneof(
  alike,
  fc.array(fc.oneof({ weight: 20, arbitrary: request }, fc.constantFrom('', '{', '[]', '[1]')), {
    minLength: 1,
    maxLength: 8,
  }),
);

describe.each(MODELS)('fast and plain roads: %s', (_, version, card) => {
  let options: FastRoadOptions & PipelineOptions;
  let pipeline: Pipeline;
  let fastRoad: FastRoad;
  let close: () => Promise<void>;
  beforeAll(async () => {
    const { model, backends } = await openModel('diabetes', version, card);
    options = {
      catalog: catalogOf(model),
      clock: () => NOW,
      requestTimeoutMs: undefined,
      maxBodyBytes: 100_000,
      log: quiet,
    };
    pipeline = createPipeline(options);
    fastRoad = createFastRoad(options);
    close = async () => {
      await model.backend.close();
      await backends.close();
    };
  });
  afterAll(() => close());

  it('end every batch the same way, as outcomes and as messages', async () => {
    const signal = new AbortController().signal;
    let fast = 0;
    let written = 0;
    await fc.assert(
      fc.asyncProperty(bodies, fc.constantFrom(1, 7, 98, 12_345_678_900), async (bodies, first) => {
        const scanned = await pipeline.score(batchOf(bodies, undefined, first), signal);
        const parsed = await pipeline.score(batchOf(bodies, PLAIN, first), signal);
        const plain = await pipeline.score(batchOf(['', ...bodies], PLAIN, first - 1), signal);
        expect(plain.block).toBeUndefined();
        if (await fastRoad.score(batchOf(bodies, undefined, first), signal)) fast++;
        if (parsed.block) written++;
        const last = first + bodies.length - 1;
        for (const scored of [scanned, parsed]) {
          expect(endings(scored)).toEqual(endings(plain).slice(1));
          expect(messages(scored, last)).toEqual(messages(plain, last));
        }
      }),
      { numRuns: 1500 },
    );
    expect(fast).toBeGreaterThan(400);
    expect(written).toBeGreaterThan(fast);
  });

  it('takes the fast one, whatever slices a batch makes, unless its time is up', async () => {
    const signal = new AbortController().signal;
    const usual = `{"request_id":"a","model":"diabetes","features":[${'1,'.repeat(9)}1]}`;
    const batch = batchOf(new Array(50).fill(usual), undefined, 1);
    expect((await fastRoad.score(batch, signal))?.block?.events).toHaveLength(50);
    const late = createFastRoad({ ...options, requestTimeoutMs: 5 });
    expect(await late.score(batch, signal)).toBeUndefined(); // the oldest has waited for 9 ms
  });
});
