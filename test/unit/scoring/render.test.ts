import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createDeadLetterRenderer } from '../../../src/codecs/event-json/dead-letter.ts';
import { RequestError } from '../../../src/core/errors.ts';
import type { Event } from '../../../src/core/event.ts';
import type { ModelVersion } from '../../../src/core/model.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import type { Tensors } from '../../../src/core/tensor.ts';
import { batchOf, NOON } from '../../support/events.ts';
import { modelVersion, tensor } from '../../support/model-version.ts';
import { catalogOf } from '../../support/onnx-model.ts';
import { openScoring } from '../../support/open-scoring.ts';
import { randomInputs } from '../../support/seed.ts';

/** Says how probable `yes` is: what it is given. */
const version = modelVersion({
  name: 'churn "2"',
  version: '2.1.3',
  inputs: ['x: float32[?,1]'],
  outputs: ['p: float32[?,2]'],
  card: { outputs: { probabilities: 'p', classes: ['no', 'y"s'] } },
  predict: ({ x }: Tensors) => {
    const values = Array.from(x?.data as Float32Array);
    return {
      p: tensor(
        'float32',
        [values.length, 2],
        values.flatMap(value => [1 - value, value]),
      ),
    };
  },
});

async function score(
  bodies: readonly unknown[],
  event: Partial<Event> = {},
  maxBodyBytes = 1_000_000,
  model: ModelVersion = version,
) {
  const scoring = openScoring(catalogOf(model), { clock: () => NOON + 11.26, maxBodyBytes });
  const scored = await scoring.score(batchOf(bodies, event), new AbortController().signal);
  return scored.outcomes().map(outcome => ({ outcome, json: JSON.parse(outcome.body.toString()) }));
}

async function scoreOne(body: unknown, event: Partial<Event> = {}, maxBodyBytes?: number) {
  const [one] = await score([body], event, maxBodyBytes);
  return one as { outcome: Outcome; json: Record<string, never> };
}

describe('a result', () => {
  it('has the fields of the contract and no others, in order', async () => {
    const { outcome, json } = await scoreOne({ request_id: 'r "1" \u2028\ud800', features: 0.75 });
    expect(Object.entries({ ...json, model_ms: 0 })).toEqual([
      ['request_id', 'r "1" \u2028\ud800'],
      ['result_id', 'inference-requests/2/100'],
      ['model', 'churn "2"'],
      ['model_version', '2.1.3+0123abcd'],
      ['prediction', 'y"s'],
      ['probabilities', { no: 0.25, 'y"s': 0.75 }],
      ['confidence', 0.75],
      ['enqueued_at', '2026-11-21T09:00:00.000Z'],
      ['timestamp', '2026-11-21T09:00:00.011Z'],
      ['latency_ms', 11.3],
      ['model_ms', 0],
    ]);
    expect(json.model_ms).toBeGreaterThanOrEqual(0);
    expect(String(json.model_ms)).toMatch(/^\d+(\.\d{1,3})?$/);
    expect(outcome).toMatchObject({
      kind: 'result',
      resultId: 'inference-requests/2/100',
      requestId: 'r "1" \u2028\ud800',
      model: 'churn "2"',
      modelVersion: '2.1.3+0123abcd',
      latencyMs: 11.3,
      code: undefined,
    });
  });

  it('bears its own id where the request bears none', async () => {
    expect((await scoreOne({ features: 0.5 })).json.request_id).toBe('inference-requests/2/100');
    expect((await scoreOne({ request_id: 0, features: 0.5 })).json.request_id).toBe(0);
    expect((await scoreOne({ request_id: '', features: 0.5 })).json.request_id).toBe('');
  });

  it('took no time where clocks differ', async () => {
    expect((await scoreOne({ features: 0.5 }, { enqueuedAtMs: NOON + 60_000 })).json.latency_ms).toBe(0);
  });

  it('tells seconds apart', async () => {
    const { json } = await scoreOne({ features: 0.5 }, { enqueuedAtMs: NOON - 1 });
    expect(json.enqueued_at).toBe('2026-11-21T08:59:59.999Z');
    expect(json.timestamp).toBe('2026-11-21T09:00:00.011Z');
  });

  it('too large to be sent is a dead letter', async () => {
    const features = Array.from({ length: 100 }, () => [0.5]);
    const { outcome, json } = await scoreOne({ request_id: 'big', features }, {}, 5_000);
    expect(outcome).toMatchObject({
      kind: 'dead-letter',
      code: 'result_too_large',
      model: 'churn "2"',
      modelVersion: '2.1.3+0123abcd',
    });
    expect(json).toMatchObject({
      request_id: 'big',
      error: {
        code: 'result_too_large',
        stage: 'send',
        message: expect.stringMatching(
          /^the result has \d+ bytes; at most 5000 can be sent; 63 of its 100 instances would fit$/,
        ),
      },
    });
  });
});

describe('a dead letter', () => {
  it('has the fields of the contract', async () => {
    const properties = {
      attempts: 2,
      text: 'x',
      when: new Date(NOON),
      bytes: Buffer.from('kafka'),
      binary: new Uint8Array([0xff]),
      big: 12345678901234567890n,
    };
    const event = { properties, partitionKey: 'customer-7', contentType: 'application/json' };
    const { outcome, json } = await scoreOne('{"request_id":"req_2","features":"x"}', event);
    expect(Object.entries(json)).toEqual([
      ['request_id', 'req_2'],
      ['result_id', 'inference-requests/2/100'],
      ['model', 'churn "2"'],
      ['model_version', '2.1.3+0123abcd'],
      [
        'error',
        {
          code: 'schema_mismatch',
          message: expect.any(String),
          stage: 'validate',
          see: 'docs/operate.md#schema_mismatch',
        },
      ],
      ['attempts', 2],
      ['failed_at', '2026-11-21T09:00:00.011Z'],
      [
        'source',
        {
          hub: 'inference-requests',
          partition: '2',
          sequence_number: 100,
          enqueued_at: '2026-11-21T09:00:00.000Z',
          partition_key: 'customer-7',
          properties: {
            ...properties,
            when: '2026-11-21T09:00:00.000Z',
            bytes: 'kafka',
            binary: '/w==',
            big: '12345678901234567890',
          },
          content_type: 'application/json',
        },
      ],
      ['body', '{"request_id":"req_2","features":"x"}'],
      ['body_encoding', 'utf-8'],
    ]);
    expect(outcome).toMatchObject({
      kind: 'dead-letter',
      requestId: 'req_2',
      code: 'schema_mismatch',
      latencyMs: 11.3,
    });
  });

  it('says nothing that it does not know', async () => {
    const { json } = await scoreOne('{');
    expect(Object.keys(json)).not.toContain('model');
    expect(json).toMatchObject({
      request_id: 'inference-requests/2/100',
      attempts: 1,
      source: { partition_key: null, properties: {} },
    });
  });

  it.each([
    ['3', 3],
    [Buffer.from('4'), 4],
    ['x', 1],
    [-1, 1],
    [1.5, 1],
    [null, 1],
  ])('reads attempts %j as %d', async (attempts, expected) => {
    expect((await scoreOne('{', { properties: { attempts } })).json.attempts).toBe(expected);
  });

  it('holds what is no text as base64', async () => {
    const bytes = Buffer.from([0x7b, 0xff, 0x00]);
    const { json } = await scoreOne(bytes);
    expect(json).toMatchObject({ body: bytes.toString('base64'), body_encoding: 'base64' });
  });

  it('holds its own part of an event that carried several', async () => {
    const letters = await score(['[{"features":0.5},{"features":"x"},7]'], { contentType: 'application/gzip' });
    expect(letters.map(({ json }) => json.error?.code)).toEqual(['malformed_payload']);
    const [, second, third] = await score(['[{"features":0.5},{"features":"x"},7]']);
    expect(second?.json).toMatchObject({ body: '{"features":"x"}', body_encoding: 'utf-8' });
    expect(third?.json).toMatchObject({ body: '7', result_id: 'inference-requests/2/100/2' });
  });
});

describe('a dead letter that would be too large', () => {
  const limit = 20_000;

  it('has its body packed', async () => {
    const body = JSON.stringify({ request_id: 'big', features: 'x"'.repeat(12_000) });
    const { outcome, json } = await scoreOne(body, {}, limit);
    expect(outcome.body.length).toBeLessThanOrEqual(limit);
    expect(json.body_encoding).toBe('gzip+base64');
    expect(gunzipSync(Buffer.from(String(json.body), 'base64')).toString()).toBe(body);
  });

  it('has its body cut off, and says of what', async () => {
    const body = randomInputs().bytes(30_000);
    const { outcome, json } = await scoreOne(body, {}, limit);
    expect(outcome.body.length).toBeLessThanOrEqual(limit);
    expect(outcome.body.length).toBeGreaterThan(limit - 10);
    const sha256 = createHash('sha256').update(body).digest('hex');
    expect(json).toMatchObject({
      body_encoding: 'base64',
      body_truncated: true,
      body_bytes: 30_000,
      body_sha256: sha256,
    });
    const kept = Buffer.from(String(json.body), 'base64');
    expect(kept.equals(body.subarray(0, kept.length))).toBe(true);
  });

  it('leaves out properties and an id that no dead letter can hold', async () => {
    const { outcome, json } = await scoreOne(
      { request_id: 'r'.repeat(30_000), features: 'x' },
      { properties: { p: 'p'.repeat(30_000) } },
      limit,
    );
    expect(outcome.body.length).toBeLessThanOrEqual(limit);
    expect(json).toMatchObject({
      request_id: 'inference-requests/2/100',
      source: { properties: {}, properties_left_out: true },
    });
  });

  it('stays small where an event of large properties carried thousands of requests', async () => {
    const letters = await score([`[${'1,'.repeat(999)}1]`], { properties: { p: 'p'.repeat(100_000) } });
    expect(letters).toHaveLength(1000);
    expect(letters.reduce((sum, { outcome }) => sum + outcome.body.length, 0)).toBeLessThan(1_000_000);
  });

  it('repeats no more of its event than a few times its own text, but always what tracing needs', async () => {
    const repeated = async (request: object, properties: Record<string, string>) => {
      const letters = await score([[request, request]], { properties });
      expect(letters.map(({ outcome }) => outcome.kind)).toEqual(['dead-letter', 'dead-letter']);
      return letters.map(({ json }) => (json.source as { properties: object }).properties);
    };
    const small = { features: [] };
    const large = { features: [], note: 'n'.repeat(1_000) };
    const [some, many] = [{ p: 'p'.repeat(900) }, { p: 'p'.repeat(3_000) }];
    expect(await repeated(small, some)).toEqual([some, some]);
    expect(await repeated(small, many)).toEqual([{}, {}]);
    expect(await repeated(large, many)).toEqual([many, many]);
    const event = `[${new Array(10_000).fill('{"features":[]}').join()}]`;
    const letters = await score([event], { properties: { p: 'p'.repeat(15_000) } });
    expect(letters.reduce((sum, { outcome }) => sum + outcome.body.length, 0)).toBeLessThan(50 * event.length);
  });

  it.each<[string, number, string, Partial<Event>]>([
    ['of 110 bytes each', 9_000, `{"request_id":"r","features":"${'x'.repeat(78)}"}`, {}],
    [
      'with large properties',
      4_000,
      `{"request_id":"r","features":"${'x'.repeat(220)}"}`,
      { properties: { p: 'p'.repeat(900) } },
    ],
    ['with large ones among them', 2_000, `{"features":"${'x'.repeat(150)}"},{"features":"${'y'.repeat(400)}"}`, {}],
  ])(
    'is brief where the dead letters of its event would be more than four times its bytes: %s',
    async (_, count, one, event) => {
      const body = Buffer.from(`[${new Array(count).fill(one).join()}]`);
      const letters = await score([body], event);
      const bytes = letters.reduce((sum, { outcome }) => sum + outcome.body.length, 0);
      expect(bytes).toBeLessThanOrEqual(4 * body.length);
      expect(letters.map(({ json }) => json.result_id)).toEqual(letters.map((_, i) => `inference-requests/2/100/${i}`));
      expect(new Set(letters.map(({ json }) => json.error.code))).toEqual(new Set(['schema_mismatch']));
      expect(letters.at(-1)?.json).toMatchObject({ source: { sequence_number: 100 } });
      for (const { json } of letters) expect('body' in json).toBe(json.body_left_out !== 'too many');
    },
  );

  it('is never longer than about 450 bytes each, however tiny the requests are', async () => {
    const packed = gzipSync(`[${new Array(10_000).fill('{}').join()}]`);
    const letters = await score([packed], { contentEncoding: 'gzip' });
    expect(letters).toHaveLength(10_000);
    expect(letters.reduce((sum, { outcome }) => sum + outcome.body.length, 0)).toBeLessThan(450 * 10_000);
  });

  it('is whole where there is room: in a small event, and in one of large requests', async () => {
    const small = await score([`[${new Array(100).fill('{"features":"x"}').join()}]`]);
    const large = await score([`[${new Array(1_000).fill(`{"features":"${'x'.repeat(500)}"}`).join()}]`]);
    expect([...small, ...large].filter(({ json }) => json.body_left_out !== undefined)).toEqual([]);
    const packed = gzipSync(`[${new Array(1_000).fill(`{"features":"${'x'.repeat(500)}"}`).join()}]`);
    const letters = await score([packed], { contentEncoding: 'gzip' });
    expect(letters.filter(({ json }) => json.body_left_out !== undefined)).toEqual([]);
  });

  it('says what is mostly control characters in base64: JSON writes six for each', async () => {
    const body = Buffer.alloc(100_000, 1);
    const { outcome, json } = await scoreOne(body);
    expect(json).toMatchObject({ body_encoding: 'base64', body: body.toString('base64') });
    expect(outcome.body.length).toBeLessThan(2 * body.length);
  });

  it('does not grow with the name of the model that is not there', async () => {
    const { outcome } = await scoreOne({ model: 'm'.repeat(500_000), features: 1 });
    expect(outcome.model?.length).toBeLessThanOrEqual(256);
  });
});

describe('a dead letter for what goes wrong outside', () => {
  it('is rendered from an outcome', async () => {
    const { outcome } = await scoreOne({ request_id: 'r', features: 0.5 });
    const render = createDeadLetterRenderer(1_000_000, () => NOON + 20);
    const letter = render(
      { hub: 'h', partition: '0' },
      outcome,
      new RequestError('result_too_large', 'send', 'no room'),
    );
    expect(letter).toMatchObject({
      kind: 'dead-letter',
      code: 'result_too_large',
      resultId: outcome.resultId,
      latencyMs: 20,
    });
    expect(JSON.parse(letter.body.toString())).toMatchObject({
      request_id: 'r',
      result_id: outcome.resultId,
      model_version: '2.1.3+0123abcd',
      error: { code: 'result_too_large', message: 'no room', stage: 'send' },
      source: { hub: 'h', partition: '0' },
      body: '{"request_id":"r","features":0.5}',
    });
  });
});
