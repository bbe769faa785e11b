import { describe, expect, it } from 'vitest';
import { createDecoder } from '../../../src/codecs/decoder.ts';
import { InfrastructureError, RequestError } from '../../../src/core/errors.ts';
import type { Event } from '../../../src/core/event.ts';
import { batchOf } from '../../support/events.ts';
import { scoreMapped } from '../../support/mapped-scoring.ts';

describe('a mapped event', () => {
  it('is a row where it has no features, and a request where it has', async () => {
    const bodies = [
      { a: 1, b: 2, request_id: 7 },
      { features: [3, 4], request_id: 'r' },
      { a: 5, other: {} },
    ];
    const { endings } = await scoreMapped({}, bodies);
    expect(endings[100]).toMatchObject({ request_id: 7, prediction: 12 });
    expect(endings[101]).toMatchObject({ request_id: 'r', prediction: 34 });
    expect(endings[102]).toMatchObject({ request_id: 'inference-requests/2/102', prediction: 50 });
  });

  it('has its row, its single features, its id and what it carries where the card says', async () => {
    const input = {
      row: '$.body.values',
      fields: { a: "$.first['of all']", b: '@enqueued.hour' },
      request_id: '$.id',
      carry: ['$.device.name', '@system.iothub-connection-device-id', '$.absent'],
    };
    const body = { id: 'é1', first: { 'of all': 2 }, body: { values: { b: 5 } }, device: { name: ['dé', 1] } };
    const { endings } = await scoreMapped(input, [body], { system: { 'iothub-connection-device-id': 'd' } });
    expect(endings[100]).toMatchObject({
      request_id: 'é1',
      prediction: 29,
      carried: { name: ['dé', 1], 'iothub-connection-device-id': 'd' },
    });
    expect(Object.keys(endings[100].carried)).toHaveLength(2);
  });

  it('fans out into its records, numbered before any is passed over', async () => {
    const input = {
      records: '$.records[*]',
      where: { path: '$.op', in: ['c', 1] },
      row: '$.properties',
      carry: ['$.op'],
    };
    const record = (op: unknown, a: number) => ({ op, properties: { a } });
    const event = { records: [record('d', 1), record('c', 2), record(1, 3), record(null, 4)] };
    const { endings, scored } = await scoreMapped(input, [event, { records: [record('d', 5)] }, event]);
    expect(Object.entries(endings).map(([id, { prediction }]) => [id, prediction])).toEqual([
      ['100/1', 20],
      ['100/2', 30],
      ['102/1', 20],
      ['102/2', 30],
    ]);
    expect(endings['100/2'].carried).toEqual({ op: 1 });
    expect([...scored.passedOver]).toEqual([
      [0, 2],
      [1, 1],
      [2, 2],
    ]);
  });

  it('keeps the digits of ids and of what is carried', async () => {
    const big = '12345678901234567890';
    const input = { records: '$.r[*]', request_id: '$.no', carry: ['$.no', '$.at'] };
    const bodies = [`{"r":[{"a":1},{"a":2,"no":${big},"at":-${big}},{"no":${big}}]}`];
    const version = await scoreMapped(input, bodies);
    const texts = version.scored.outcomes().map(({ body }) => body.toString());
    expect(texts[1]).toContain(`{"request_id":${big},`);
    expect(texts[1]).toContain(`"carried":{"no":${big},"at":-${big}}`);
    expect(texts[2]).toContain(`{"request_id":${big},`); // a dead letter
    const plain = await scoreMapped({}, [`{"features":[1,2],"request_id":${big}}\n{"a":1,"request_id":${big}}`]);
    for (const { body } of plain.scored.outcomes()) expect(body.toString()).toContain(`{"request_id":${big},`);
    const one = await scoreMapped({}, [
      `{"features":[1,2],"request_id":${big}}`,
      `{"a":1,"request_id":${big}}`,
      `[{"features":[1,2],"request_id":${big}}]`,
    ]);
    for (const { body } of one.scored.outcomes()) expect(body.toString()).toContain(`{"request_id":${big},`);
  });

  it('may be lines, or a list', async () => {
    const { endings } = await scoreMapped({}, ['{"a":1}\n{"a":2}\nbroken\n', '[{"a":3},{"a":4}]']);
    expect(endings['100/1'].prediction).toBe(20);
    expect(endings['100/2'].error).toMatchObject({ code: 'malformed_payload' });
    expect(endings['101/1'].prediction).toBe(40);
  });

  it('keeps a record that fails as an event by itself, which the mapping reads again', async () => {
    const input = { records: '$.all.records[*]', row: '$.properties' };
    const bad = { properties: { a: 'x' }, at: 1 };
    const { endings } = await scoreMapped(input, [{ all: { records: [{ properties: { a: 1 } }, bad] } }]);
    expect(endings['100/0'].prediction).toBe(10);
    expect(JSON.parse(endings['100/1'].body)).toEqual({ all: { records: [bad] } });
    expect((await scoreMapped(input, [endings['100/1'].body])).endings[100].error.code).toBe('schema_mismatch');
  });

  it.each([
    [
      { fields: { a: '$.body.t' } },
      { body: {} },
      'schema_mismatch',
      'input.fields.a: $.body.t is missing; $.body is an object',
    ],
    [{ row: '$.body' }, { boddy: 1 }, 'malformed_payload', 'input.row: $.body is missing; $ is an object'],
    [{ row: '$.body' }, { body: 5 }, 'malformed_payload', 'input.row: $.body is a number; expected an object'],
    [
      { records: '$.r[*]' },
      { r: 5 },
      'malformed_payload',
      'input.records: $.r[*] leads to no list; the body is an object',
    ],
    [{ records: '$.r[*]' }, { r: [] }, 'malformed_payload', 'the event holds no request'],
    [{ request_id: '$.id' }, { id: {}, a: 1 }, 'malformed_payload', 'request_id takes text or a number; got an object'],
    [{}, '{"a":', 'malformed_payload', 'the body is not JSON (position 5)'],
    [{}, '5', 'malformed_payload', 'the record is a number; expected an object'],
    [{ fields: { a: '$.x' } }, '5', 'schema_mismatch', 'input.fields.a: $.x is missing; $ is a number'],
  ])('that does not fit names the step: %j', async (input, body, code, message) => {
    const { endings } = await scoreMapped(input, [body]);
    expect(endings[100].error.code).toBe(code);
    expect(endings[100].error.message).toContain(message);
  });

  it('leaves a missing field to the card where that fills it', async () => {
    const { endings } = await scoreMapped({ fields: { b: '$.deep.b' } }, [{ a: 1 }]);
    expect(endings[100].prediction).toBe(10);
  });

  it.each(['utf16le', 'utf-32'])('is read in the encoding that it names: %s', async encoding => {
    const text = '{"a":1,"request_id":"\u{1F600}"}';
    const wide = Buffer.from(new Uint32Array([...text].map(point => point.codePointAt(0) as number)).buffer);
    const body = encoding === 'utf16le' ? Buffer.from(text, 'utf16le') : wide;
    const contentEncoding = encoding === 'utf16le' ? 'utf-16' : encoding;
    const { endings } = await scoreMapped({}, [body], { contentEncoding });
    expect(endings[100]).toMatchObject({ request_id: '\u{1F600}', prediction: 10 });
  });
});

describe('a preset reads what its vendor writes', () => {
  it('iot-hub: telemetry alone', async () => {
    const system = { 'iothub-message-source': 'Telemetry', 'iothub-connection-device-id': 'd1' };
    const { endings } = await scoreMapped({ preset: 'iot-hub' }, [{ a: 1 }], { system });
    expect(endings[100]).toMatchObject({ prediction: 10, carried: { 'iothub-connection-device-id': 'd1' } });
    const twin = await scoreMapped({ preset: 'iot-hub' }, [{ a: 1 }], {
      system: { 'iothub-message-source': 'twinChangeEvents' },
    });
    expect(twin.endings).toEqual({});
    expect(twin.scored.length).toBe(0);
  });

  it('azure-monitor', async () => {
    const record = (i: number) => ({ time: 't', resourceId: `r${i}`, category: 'c', properties: { a: i } });
    const input = { preset: 'azure-monitor', request_id: '$.resourceId', carry: ['$.category'] };
    const { endings } = await scoreMapped(input, [{ records: [record(1), record(2)] }]);
    expect(endings['100/1']).toMatchObject({ request_id: 'r2', prediction: 20, carried: { category: 'c' } });
  });

  it('debezium: with its envelope or without; deletions and tombstones have no ending', async () => {
    const change = (op: string, after: unknown) => ({ op, before: null, after, ts_ms: 1 });
    const bodies = [
      { payload: change('c', { a: 1, request_id: 'x' }), schema: {} },
      change('r', { a: 2 }),
      { payload: change('d', null) },
      '',
      'null',
      change('u', { a: 3 }),
    ];
    const { endings } = await scoreMapped({ preset: 'debezium' }, bodies);
    expect(Object.entries(endings).map(([id, { prediction }]) => [id, prediction])).toEqual([
      ['100', 10],
      ['101', 20],
      ['105', 30],
    ]);
    expect(endings[100].request_id).toBe('x');
  });

  it('capture: the event that was captured is in Body', async () => {
    const body = { SequenceNumber: 5, Offset: '0', SystemProperties: {}, Properties: {}, Body: '{"a":4}' };
    const { endings } = await scoreMapped({ preset: 'capture' }, [body]);
    expect(endings[100]).toMatchObject({ request_id: 5, prediction: 40 });
  });

  it('spark: nulls are left out', async () => {
    const { endings } = await scoreMapped({ preset: 'spark' }, ['{"a":1.5,"at":"2026-11-25"}']);
    expect(endings[100].prediction).toBe(15);
  });
});

describe('a mapping that is not to be had', () => {
  const decode = (thrown: Error, body: unknown) => {
    const decoder = createDecoder(undefined, { inputOf: () => Promise.reject(thrown) });
    return decoder.decode(batchOf([body], { properties: { model: 'm' } }).events[0] as Event);
  };

  it('holds the event where storage is away', async () => {
    await expect(decode(new InfrastructureError('storage is away'), { a: 1 })).rejects.toThrow('storage is away');
  });

  it('ends the event as its model does, requests aside', async () => {
    const gone = new RequestError('model_unavailable', 'route', 'm is broken');
    expect(await decode(gone, { a: 1, request_id: 'x' })).toMatchObject([{ requestId: 'x', error: gone }]);
    expect(await decode(gone, { features: [1] })).toMatchObject([{ features: [1] }]);
  });
});
