import { describe, expect, it } from 'vitest';
import { readPath, whyMissing } from '../../../src/core/input-path.ts';
import { parseCard } from '../../../src/models/card.ts';
import { checkSchema } from '../../../src/models/check-schema.ts';
import { compileInput } from '../../../src/models/compile-input.ts';
import { batchOf, NOON } from '../../support/events.ts';

const features = [
  { name: 'a', fill: undefined },
  { name: 'b', fill: 0 },
];
const compile = (input: unknown) =>
  compileInput(parseCard(JSON.stringify({ input }), 'm/1.0.0/model.json').input, 'm/1.0.0/model.json', features);
const [event] = batchOf(['x'], {
  partitionKey: 'k',
  enqueuedAtMs: NOON + 90_000,
  properties: { site: Buffer.from('n1') },
  system: { 'iothub-connection-device-id': 'd7' },
}).events;
const read = (path: string, record: unknown = {}) => {
  const input = compile({ request_id: path });
  return readPath(input?.requestId[0] as never, record, event as never);
};

describe('a path', () => {
  it.each([
    ['$', { x: 1 }, { x: 1 }],
    ['$.a.b', { a: { b: 5 } }, 5],
    ["$.a[1]['c d']", { a: [0, { 'c d': 'é' }] }, 'é'],
    ["$['it\\'s']", { "it's": 1 }, 1],
    ['$.a-b', { 'a-b': 0 }, 0],
    ['$.a', { a: null }, undefined],
    ['$.a.b', { a: 'text' }, undefined],
    ['$.toString', {}, undefined],
    ['$.length', [1], undefined],
    ['@property.Site', {}, 'n1'],
    ['@system.iothub-connection-device-id', {}, 'd7'],
    ['@key', {}, 'k'],
    ['@enqueued', {}, '2026-11-21T09:01:30.000Z'],
    ['@enqueued.hour', {}, 9],
    ['@enqueued.minute', {}, 1],
    ['@enqueued.weekday', {}, 6],
  ])('%s leads into what it names', (path, record, value) => {
    expect(read(path, record)).toEqual(value);
  });

  it('says how far it leads where it leads to nothing', () => {
    const input = compile({ row: "$.body.values['of all']" });
    expect(whyMissing(input?.row?.[0] as never, { body: { values: 3 } })).toBe(
      "$.body.values['of all'] is missing; $.body.values is a number",
    );
  });
});

describe('a mapping that cannot compile', () => {
  it.each([
    [{ row: '$..a' }, 'input.row: "$..a": position 2: expected a name; one with other characters is written [\'c d\']'],
    [{ row: 'a.b' }, 'input.row: "a.b": position 0: expected $, @property, @system, @key or @enqueued'],
    [{ fields: { a: '$.x[' } }, 'input.fields.a: "$.x[": position 3: expected .name, [\'name\'] or [0]'],
    [{ records: '$.records' }, 'input.records: "$.records": position 9: expected [*] at the end'],
    [{ request_id: '$.a[*]' }, 'input.request_id: "$.a[*]": position 3: expected .name, [\'name\'] or [0]'],
    [{ where: { path: '@key.x', in: ['c'] } }, 'input.where.path: "@key.x": position 4: expected nothing more'],
    [{ carry: ['$.a', '@property'] }, 'input.carry[1]: "@property": position 9: expected one name'],
    [{ carry: ['@enqueued.age'] }, 'input.carry[0]: "@enqueued.age": position 10: expected one of ms, year'],
    [{ carry: ['$.a.id', '$.b.id'] }, 'input.carry: two of the name id'],
    [{ fields: { c: '$.c' } }, 'input.fields.c: the model has no such feature'],
    [{ format: 'avro' }, 'input.schema: expected an Avro schema beside format "avro"'],
    [{ preset: 'kafka' }, 'input.preset: expected one of "iot-hub"|"azure-monitor"|'],
    [{ rows: '$.a' }, 'input: Unrecognized key: "rows"'],
  ])('is refused with the position: %j', (input, message) => {
    expect(() => compile(input)).toThrow(`m/1.0.0/model.json: ${message}`);
  });
});

it('an Avro schema that is none is refused before the model is opened', async () => {
  const card = (schema: unknown) => parseCard(JSON.stringify({ input: { format: 'avro', schema } }), 'm');
  await expect(checkSchema(card({ type: 'record', name: 'R' }), 'm/1.0.0/model.json')).rejects.toThrow(
    'm/1.0.0/model.json: input.schema: ',
  );
  await checkSchema(card({ type: 'record', name: 'R', fields: [] }), 'm');
});

it('a preset is a mapping, and what the card says beside it goes before', () => {
  const input = compile({ preset: 'debezium', where: { path: '$.op', in: ['c'] }, carry: ['$.ts_ms'] });
  expect(input?.row?.map(({ text }) => text)).toEqual(['$.payload.after', '$.after']);
  expect(input?.where).toMatchObject([{ paths: [{ text: '$.op' }], in: ['c'] }]);
  expect(input).toMatchObject({ skipEmpty: true, carry: [{ name: 'ts_ms' }] });
});

it('a card without input has none', () => {
  expect(compile(null)).toBeUndefined();
});
