import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Event } from '../../../src/core/event.ts';
import type { ModelVersion } from '../../../src/core/model.ts';
import { batchOf, NOON } from '../../support/events.ts';
import { catalogOf, openModel } from '../../support/onnx-model.ts';
import { openScoring } from '../../support/open-scoring.ts';

const FIXTURES = resolve(import.meta.dirname, '../../fixtures/models');
const NAMES = ['wine-multi', 'tokens', 'image', 'lookup', 'survey-int64', 'targets'];
const CODES = [
  'malformed_payload',
  'schema_mismatch',
  'non_finite_feature',
  'unknown_model',
  'inference_failed',
  'deadline_exceeded',
];

let models: ModelVersion[];
beforeAll(async () => {
  models = await Promise.all(NAMES.map(name => openModel(join(FIXTURES, name, '1.0.0'))));
});

async function score(bodies: readonly unknown[], event: Partial<Event> = {}) {
  const scoring = openScoring(catalogOf(...models), { clock: () => NOON + 1 });
  const scored = await scoring.score(batchOf(bodies, event), new AbortController().signal);
  return scored.outcomes().map(outcome => ({ outcome, json: JSON.parse(outcome.body.toString()) }));
}

/** A request of sorts: fields that may be right, wrong, null or absent. */
const values = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.string(),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom('1.5', '', 'NaN', 1e300, 2 ** 60),
);
const features = fc.oneof(
  { weight: 3, arbitrary: fc.array(values, { maxLength: 15 }) },
  { weight: 2, arbitrary: fc.array(fc.double({ min: -1e3, max: 1e3 }), { minLength: 13, maxLength: 13 }) },
  { weight: 1, arbitrary: fc.array(fc.array(fc.nat(12), { maxLength: 13 }), { maxLength: 4 }) },
  fc.dictionary(
    fc.constantFrom('alcohol', 'ash', 'input_ids', 'attention_mask', 'index', 'x', 'constructor', '__proto__'),
    fc.oneof(values, fc.array(fc.nat(9))),
  ),
  fc.jsonValue(),
);
const request = fc.record(
  {
    request_id: fc.oneof(fc.string(), fc.integer(), fc.double(), fc.constant(null), fc.jsonValue()),
    model: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...NAMES, undefined) }, fc.string(), fc.jsonValue()),
    model_version: fc.constantFrom(undefined, null, '1.0.0', '9', 5, []),
    features,
    priority: fc.constantFrom(undefined, null, 1, 'high'),
    timeout_ms: fc.constantFrom(undefined, 1000, 0, 'x'),
  },
  { requiredKeys: ['features'] },
);
const inference = fc.record({
  id: fc.string(),
  parameters: fc.record({ model: fc.constantFrom(...NAMES) }),
  inputs: fc.array(
    fc.record({
      name: fc.constantFrom('x', 'features', 'image', 'input_ids', 'index'),
      shape: fc.array(fc.nat(4), { maxLength: 4 }),
      datatype: fc.constantFrom('FP32', 'INT64', 'BYTES'),
      data: fc.array(values, { maxLength: 16 }),
    }),
    { maxLength: 3 },
  ),
});
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map(array => Buffer.from(array)),
  fc.string({ unit: 'binary', maxLength: 100 }).map(text => Buffer.from(text)),
  fc.json().map(text => Buffer.from(text)),
);

describe('whatever an event holds', () => {
  it('it ends, and does not hinder its neighbours', async () => {
    const good = { request_id: 'good', model: 'lookup', features: [3] };
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(bytes, request, inference), { maxLength: 8 }), async bodies => {
        const endings = await score([...bodies, good]);
        const ids = endings.map(({ outcome }) => Number(outcome.resultId.split('/')[2]) - 100);
        expect([...new Set(ids)]).toEqual(Array.from({ length: bodies.length + 1 }, (_, i) => i));
        expect(endings.at(-1)?.json).toMatchObject({
          request_id: 'good',
          model: 'lookup',
          prediction: expect.any(Number),
        });
        for (const { outcome, json } of endings) {
          expect(json.result_id).toBe(outcome.resultId);
          if (outcome.kind === 'result') expect('prediction' in json || 'predictions' in json).toBe(true);
          else expect(CODES).toContain(json.error.code);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('n requests have n endings, in order, however they are wrapped', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 2, maxLength: 6 }), fc.boolean(), async (requests, packed) => {
        const event: Partial<Event> = packed ? { contentEncoding: 'gzip' } : {};
        const wrap = (text: string) => (packed ? gzipSync(text) : text);
        const lines = requests.map(one => JSON.stringify(one));
        for (const body of [wrap(`[${lines.join(',')}]`), wrap(lines.join('\n'))]) {
          const endings = await score([body], event);
          expect(endings.map(({ outcome }) => outcome.resultId)).toEqual(
            requests.map((_, i) => `inference-requests/2/100/${i}`),
          );
        }
      }),
      { numRuns: 100 },
    );
  });

  it('a request is answered the same alone and among others', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 2, maxLength: 8 }), async requests => {
        const answer = ({ json }: { json: Record<string, unknown> }) => [json.prediction, json.predictions, json.error];
        const together = (await score(requests)).map(answer);
        for (const [i, one] of requests.entries()) {
          const [alone] = (await score([one])).map(answer);
          expect(together[i]).toEqual(alone);
        }
      }),
      { numRuns: 100 },
    );
  });
});
