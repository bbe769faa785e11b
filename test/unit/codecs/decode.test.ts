import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createDecoder } from '../../../src/codecs/decoder.ts';
import { type Decoded as Carried, isRequest as isWhole } from '../../../src/core/codec.ts';
import type { RequestError } from '../../../src/core/errors.ts';
import type { Event, EventBatch } from '../../../src/core/event.ts';
import { InputTensors } from '../../../src/core/open-inference.ts';
import type { Request } from '../../../src/core/request.ts';
import { toRequest } from '../../../src/scoring/to-request.ts';
import { batchOf, NOON } from '../../support/events.ts';

const ID = 'inference-requests/2/100';

type Decoded = Request & { readonly event: Event; readonly error: RequestError };

const decoder = createDecoder();
const isRequest = (decoded: Decoded) => decoded.error === undefined;

/** As scoring sees them: with what they leave to defaults. */
function decode({ hub, partition, events }: EventBatch, timeoutMs?: number): readonly Decoded[] {
  return events.flatMap(event => {
    const carried = decoder.decode(event) as readonly Carried[];
    const id = `${hub}/${partition}/${event.sequenceNumber}`;
    return carried.map((item, i) => ({
      ...toRequest(item, event, carried.length === 1 ? id : `${id}/${i}`, timeoutMs),
      error: (isWhole(item) ? undefined : item.error) as RequestError,
      event,
    }));
  });
}

function decodeOne(body: unknown, event: Partial<Event> = {}, timeoutMs?: number): readonly Decoded[] {
  return decode(batchOf([body], event), timeoutMs);
}

function requestOf(body: unknown, event: Partial<Event> = {}) {
  const [decoded] = decodeOne(body, event);
  if (decoded === undefined || !isRequest(decoded)) throw decoded?.error ?? new Error('nothing');
  return decoded;
}

function errorOf(body: unknown, event: Partial<Event> = {}) {
  const [decoded, ...others] = decodeOne(body, event);
  expect(others).toEqual([]);
  if (decoded === undefined || isRequest(decoded)) throw new Error('decoded as a request');
  return decoded.error;
}

describe('a request', () => {
  it('of many rows is one all the same', () => {
    const pack = { ids: ['a', 7], features: [[1], [2]], on_error: 'skip' };
    expect(requestOf(pack)).toMatchObject({ resultId: ID, ids: ['a', 7], features: [[1], [2]], onError: 'skip' });
    const columns = { x: [1, 2], y: [null, 4] };
    const rows = [
      { x: 1, y: null },
      { x: 2, y: 4 },
    ]; // as a table of columns says them
    expect(requestOf({ ids: ['a', 7], features: columns })).toMatchObject({ features: rows, onError: undefined });
    expect(decodeOne([pack, pack]).map(({ resultId }) => resultId)).toEqual([`${ID}/0`, `${ID}/1`]);
  });

  it('is read field by field', () => {
    const body = {
      request_id: 'req_1',
      model: 'diabetes',
      model_version: '1.1.0',
      features: [0.03, 0.05],
      priority: 3,
      timeout_ms: 60000,
      routing_key: 'customer-7',
    };
    expect(requestOf(body)).toMatchObject({
      resultId: ID,
      requestId: 'req_1',
      model: 'diabetes',
      modelVersion: '1.1.0',
      features: [0.03, 0.05],
      priority: 3,
      timeoutMs: 60000,
      routingKey: 'customer-7',
      enqueuedAtMs: NOON,
      text: undefined,
    });
  });

  it('has defaults for what is null or absent', () => {
    const defaults = {
      requestId: undefined,
      model: undefined,
      modelVersion: undefined,
      priority: 1,
      timeoutMs: undefined,
    };
    expect(requestOf({ features: 1 })).toMatchObject({ ...defaults, routingKey: ID });
    const nulls = {
      request_id: null,
      model: null,
      model_version: null,
      priority: null,
      timeout_ms: null,
      routing_key: null,
    };
    expect(requestOf({ ...nulls, features: 1 })).toMatchObject({ ...defaults, routingKey: ID });
  });

  it('takes the time-out of the settings where it names none', () => {
    const [own, none] = decode(batchOf([{ features: 1, timeout_ms: 5 }, { features: 1 }]), 1000);
    expect([own, none]).toMatchObject([{ timeoutMs: 5 }, { timeoutMs: 1000 }]);
  });

  it('routes by its key, then the partition key, then its id', () => {
    const key = (body: object, event: Partial<Event>) => requestOf({ features: 1, ...body }, event).routingKey;
    const event = { partitionKey: 'p', properties: { routing_key: 'property' } };
    expect(key({ routing_key: 'k', request_id: 'r' }, event)).toBe('k');
    expect(key({ request_id: 'r' }, event)).toBe('property');
    expect(key({ request_id: 'r' }, { partitionKey: 'p' })).toBe('p');
    expect(key({ request_id: 7 }, {})).toBe('7');
    expect(key({}, {})).toBe(ID);
  });

  it.each(['12345678901234567890', '0.1234567890123456789', '1e400', '-9007199254740993', '7', '1.5'])(
    'echoes the number %s digit by digit',
    id => {
      expect(
        JSON.stringify(requestOf(`{"request_id":${id},"features":{"request_id":1.25,"id":3e400}}`).requestId),
      ).toBe(id);
      const [, second] = decodeOne(`[{"features":1},{"request_id":${id},"features":1}]`);
      expect(JSON.stringify(second?.requestId)).toBe(id);
      const [, line] = decodeOne(`{"features":1}\n{"request_id":${id},"features":1}`);
      expect(JSON.stringify(line?.requestId)).toBe(id);
    },
  );

  it('takes the last of a key that stands there twice', () => {
    expect(requestOf('{"features":1,"features":2}').features).toBe(2);
  });

  it('reads a byte order mark as none', () => {
    expect(requestOf('\uFEFF{"features":1}').features).toBe(1);
  });

  it('keeps U+FFFD that a producer wrote', () => {
    expect(requestOf({ features: 'a\uFFFDb' }).features).toBe('a\uFFFDb');
  });

  it('takes a version as a whole number', () => {
    expect(requestOf({ features: 1, model_version: 2 }).modelVersion).toBe('2');
  });
});

describe('application properties', () => {
  it('stand in for missing fields, as text, bytes or numbers', () => {
    const bytes = { model: Buffer.from('churn'), model_version: new Uint8Array([118, 49]), priority: Buffer.from('2') };
    expect(requestOf({ features: 1 }, { properties: bytes })).toMatchObject({
      model: 'churn',
      modelVersion: 'v1',
      priority: 2,
    });
    expect(requestOf({ features: 1 }, { properties: { priority: 5 } }).priority).toBe(5);
  });

  it('give way to the body', () => {
    expect(requestOf({ features: 1, model: 'a' }, { properties: { model: 'b' } }).model).toBe('a');
  });
});

describe('several requests in one event', () => {
  it('are an array', () => {
    const decoded = decodeOne([
      { request_id: 'a', features: 1 },
      { request_id: 'b', features: 2 },
    ]);
    expect(decoded).toMatchObject([
      { resultId: `${ID}/0`, requestId: 'a', features: 1 },
      { resultId: `${ID}/1`, requestId: 'b', features: 2 },
    ]);
    expect(decoded.map(({ text }) => text?.())).toEqual([
      '{"request_id":"a","features":1}',
      '{"request_id":"b","features":2}',
    ]);
  });

  it('are lines', () => {
    const decoded = decodeOne('{"request_id":"a","features":1}\r\n\n{"request_id":"b","features":2}\n');
    expect(decoded).toMatchObject([
      { resultId: `${ID}/0`, requestId: 'a' },
      { resultId: `${ID}/1`, requestId: 'b' },
    ]);
    expect(decoded[1]?.text?.()).toBe('{"request_id":"b","features":2}');
  });

  it('end one by one where some are broken', () => {
    const [first, second, third] = decodeOne('[{"features":1}, 7, {"features":2}]');
    expect([first, third]).toMatchObject([{ features: 1 }, { features: 2 }]);
    expect(second).toMatchObject({ resultId: `${ID}/1`, error: { code: 'malformed_payload', stage: 'decode' } });
    const lines = decodeOne('{"features":1}\n{"features":\n{"features":2}');
    expect(lines.map(isRequest)).toEqual([true, false, true]);
  });

  it('keep the plain id where the array holds one', () => {
    expect(decodeOne([{ features: 1 }])).toMatchObject([{ resultId: ID, text: undefined }]);
  });

  it('are bounded in number', () => {
    expect(decodeOne(new Array(10_000).fill({ features: 1 }))).toHaveLength(10_000);
    expect(errorOf(new Array(10_001).fill({ features: 1 })).message).toBe('the event holds more than 10000 requests');
    expect(errorOf('{"features":1}\n'.repeat(10_001)).message).toBe('the event holds more than 10000 requests');
  });
});

describe('gzip', () => {
  const packed = gzipSync('{"features":1}');
  const declared: Partial<Event>[] = [
    { contentEncoding: 'gzip' },
    { contentType: 'application/gzip' },
    { contentType: 'Application/X-GZIP; q=1' },
  ];

  it.each(declared)('is unpacked by %o', event => {
    expect(requestOf(packed, event).features).toBe(1);
  });

  it('may hold any of the shapes', () => {
    expect(decodeOne(gzipSync('[{"features":1},{"features":2}]'), declared[0])).toHaveLength(2);
  });

  it('is not guessed', () => {
    expect(errorOf(packed).message).toBe('the body is not UTF-8 text');
  });

  it('ends as malformed where it is none, or a bomb', () => {
    expect(errorOf('{"features":1}', declared[0])).toMatchObject({
      code: 'malformed_payload',
      message: expect.stringContaining('is not'),
    });
    expect(errorOf(packed.subarray(0, 12), declared[0]).code).toBe('malformed_payload');
    const bomb = gzipSync(Buffer.alloc(16 * 1024 * 1024 + 1, 32));
    expect(errorOf(bomb, declared[0]).message).toMatch(/more than 16777216 bytes/);
  });
});

describe('Open Inference Protocol v2', () => {
  const input = { name: 'x', shape: [2, 2], datatype: 'FP32', data: [1, 2, 3, 4] };

  it('is read with its id and parameters', () => {
    const parameters = { model: 'iris', model_version: 'v2', priority: 4, timeout_ms: 9, routing_key: 'k' };
    const request = requestOf({ id: 'oip', parameters, inputs: [input] });
    expect(request).toMatchObject({
      requestId: 'oip',
      model: 'iris',
      modelVersion: 'v2',
      priority: 4,
      timeoutMs: 9,
      routingKey: 'k',
    });
    expect(request.features).toBeInstanceOf(InputTensors);
    expect(request.features).toEqual({ inputs: [input] });
  });

  it('takes its model from application properties too', () => {
    expect(requestOf({ inputs: [input] }, { properties: { model: 'iris' } }).model).toBe('iris');
  });

  it('may nest its data', () => {
    const nested = {
      ...input,
      data: [
        [1, 2],
        [3, 4],
      ],
    };
    expect(requestOf({ inputs: [nested] }).features).toEqual({ inputs: [input] });
  });

  it.each([
    [[], 'inputs is empty'],
    [[7], 'inputs[0] is no object'],
    [[{ ...input, name: undefined }], 'inputs[0] has no name'],
    [[{ ...input, shape: [2, -1] }], 'input x: shape takes a list of whole numbers'],
    [[{ ...input, shape: undefined }], 'input x: shape takes a list of whole numbers'],
    [[{ ...input, data: [1, 2, 3] }], 'input x: data has 3 values; shape [2, 2] takes 4'],
    [[input, input], 'input x is there twice'],
    [[{ ...input, shape: new Array(17).fill(1), data: [1] }], 'input x: shape has 17 dimensions; at most 16'],
    [[{ ...input, data: 5 }], 'input x: data takes a list'],
    [[{ ...input, datatype: 'FP99' }], 'input x: datatype takes one of BOOL'],
  ])('says what is wrong with %j', (inputs, message) => {
    const error = errorOf({ inputs });
    expect(error.code).toBe('malformed_payload');
    expect(error.message).toContain(message);
  });
});

describe('what is no request', () => {
  it.each([
    ['', 'the event is empty'],
    [' \n ', 'the event is empty'],
    ['{', 'the body is not JSON (position 1)'],
    ['[]', 'the event holds no request'],
    ['null', 'expected a request, an object with features; got null'],
    ['{}', 'the request has neither features nor inputs'],
    ['{"features":null}', 'the request has neither features nor inputs'],
    ['[[]]', 'expected a request, an object with features; got a list of 0'],
    ['"text"', 'got text'],
    ['42', 'got a number'],
    ['true', 'got true'],
    ['\u0000\u0001', 'the body is not JSON (position 0)'],
    ['{\n "features": [1,\n}', 'the body is not JSON (position 19)'],
    [Buffer.from([0x7b, 0xff, 0x7d]), 'the body is not UTF-8 text'],
    ['['.repeat(100_000), 'the body is not JSON (position 100000)'],
    ['{"request_id":{},"features":1}', 'request_id takes text or a number; got an object'],
    ['{"model":5,"features":1}', 'model takes text; got a number'],
    ['{"model_version":1.1,"features":1}', 'model_version takes text; got a number'],
    ['{"priority":"high","features":1}', 'priority takes a number; got text'],
    ['{"timeout_ms":"x","features":1}', 'timeout_ms takes a number; got text'],
    ['{"timeout_ms":-1,"features":1}', 'timeout_ms is negative'],
    ['{"routing_key":[],"features":1}', 'routing_key takes text; got a list of 0'],
    [`{"model":"${'m'.repeat(300)}","features":1}`, 'model has 300 characters; at most 256'],
  ])('%j', (body, message) => {
    const error = errorOf(body);
    expect(error).toMatchObject({ code: 'malformed_payload', stage: 'decode' });
    expect(error.message).toContain(message);
  });

  it('or unpacks to a shape of 100,000 dimensions', () => {
    const shape = new Array(100_000).fill(1);
    const body = gzipSync(JSON.stringify({ inputs: [{ name: 'x', shape, datatype: 'FP32', data: [1] }] }));
    expect(body.length).toBeLessThan(1_000);
    expect(errorOf(body, { contentEncoding: 'gzip' })).toMatchObject({
      code: 'malformed_payload',
      message: 'input x: shape has 100000 dimensions; at most 16',
    });
  });

  it.each([
    ['NaN,1', 'NaN is no JSON (position 52); null or the text "NaN" would be understood'],
    ['Infinity,1', 'Infinity is no JSON (position 52); null or the text "Infinity" would be understood'],
    ['1,-Infinity', '-Infinity is no JSON (position 54); null or the text "-Infinity" would be understood'],
    ['1,2,', 'a comma before the end is no JSON (position 55)'],
  ])(
    'or has features [%s], which other languages write: it names the place, and keeps its id and model',
    (features, message) => {
      const body = `{"request_id":"nan1","model":"diabetes","features":[${features}]}`;
      const [decoded, ...others] = decodeOne(body);
      expect(others).toEqual([]);
      expect(decoded).toMatchObject({ requestId: 'nan1', model: 'diabetes' });
      expect(decoded?.error).toMatchObject({ code: 'malformed_payload', message });
      expect(decodeOne(body.replace('"nan1"', '12345678901234567890'))).toMatchObject([
        { requestId: { rawJSON: '12345678901234567890' } },
      ]);
      const [well, line] = decodeOne(`{"request_id":1,"features":1}\n${body}`);
      expect(well?.error).toBeUndefined();
      expect(line).toMatchObject({ requestId: 'nan1', error: { message } });
    },
  );

  it('or has its model, or another field, in a property that is no UTF-8', () => {
    const properties = { model: Uint8Array.of(0x5a, 0xfc) };
    const [decoded] = decodeOne({ request_id: 'r', features: 1 }, { properties });
    expect(decoded).toMatchObject({ requestId: 'r', model: undefined });
    expect(decoded?.error).toMatchObject({
      code: 'malformed_payload',
      message: 'the property model is not UTF-8 text',
    });
    expect(requestOf({ features: 1, model: 'm' }, { properties }).model).toBe('m');
  });

  it('never has its payload in the message', () => {
    expect(errorOf('{"name": secret}').message).not.toContain('secret');
  });

  it('still has its id and model in its dead letter', () => {
    expect(decodeOne({ request_id: 'r', model: 'm', features: 1, priority: 'high' })).toMatchObject([
      { requestId: 'r', model: 'm' },
    ]);
    expect(decodeOne({ request_id: 'r' }, { properties: { model: 'm' } })).toMatchObject([
      { requestId: 'r', model: 'm' },
    ]);
  });

  it('survives nesting deeper than any stack', () => {
    const deep = `{"features":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    expect(decodeOne(deep)).toHaveLength(1);
    expect(decodeOne(`[${deep},{"request_id":1e400,"features":1}]`)).toHaveLength(2);
  });
});
