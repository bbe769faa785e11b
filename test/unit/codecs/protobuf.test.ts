import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { allCodecs } from '../../../src/codecs/decoder.ts';
import type { RegisteredSchema, SchemaRegistry } from '../../../src/codecs/schema-registry/schema-registry.ts';
import { parseCard } from '../../../src/models/card.ts';
import { checkSchema } from '../../../src/models/check-schema.ts';
import { compileInput } from '../../../src/models/compile-input.ts';
import { scoreMapped } from '../../support/mapped-scoring.ts';

/** What Python's protobuf wrote: test/fixtures/inputs/make.py. */
const read = (name: string) => readFileSync(new URL(`../../fixtures/inputs/${name}`, import.meta.url), 'utf8');
const schema = read('row.proto');
const bodies = (JSON.parse(read('protobuf.json')) as { bodies: string[] }).bodies.map(hex => Buffer.from(hex, 'hex'));
const [first] = bodies as [Buffer];

describe('Protobuf', () => {
  it('by a card with a schema is a row: what is not set has its default, what may be missing is', async () => {
    const carry = ['$.big', '$.kind', '$.counts'];
    const { endings } = await scoreMapped({ format: 'protobuf', schema, message: 'example.Row', carry }, bodies);
    expect(endings[100]).toMatchObject({
      request_id: 'é1',
      prediction: 17,
      carried: { big: '9007199254740993', kind: 'COLD', counts: [1, -2, 300] },
    });
    expect(endings[101]).toMatchObject({
      request_id: '2',
      prediction: 30,
      carried: { big: '0', kind: 'HOT', counts: [] },
    });
  });

  it.each(['0a', '0aff', 'ffffffffffffffffffff', '120100'])('that is none of it ends as malformed: %s', async hex => {
    const input = { format: 'protobuf', schema, message: 'example.Row' };
    const { endings } = await scoreMapped(input, [Buffer.from(hex, 'hex')]);
    expect(endings[100].error.code).toBe('malformed_payload');
    expect(endings[100].error.message).toMatch(/^the body is no Protobuf of the card's schema: /);
  });

  it.each([
    [{ schema }, 'input.message: expected a full name'],
    [{ schema: {}, message: 'example.Row' }, 'input.schema: expected the text of a .proto file'],
  ])('needs a schema and a message in the card: %j', (given, message) => {
    const card = parseCard(JSON.stringify({ input: { format: 'protobuf', ...given } }), 'm');
    expect(() => compileInput(card.input, 'm/1.0.0/model.json')).toThrow(`m/1.0.0/model.json: ${message}`);
  });

  it.each([
    ['message {', 'example.Row'],
    [schema, 'example.Line'],
  ])('that cannot compile is refused before the model is opened', async (text, message) => {
    const card = parseCard(JSON.stringify({ input: { format: 'protobuf', schema: text, message } }), 'm');
    await expect(checkSchema(card, 'm/1.0.0/model.json')).rejects.toThrow('m/1.0.0/model.json: input.schema: ');
  });
});

describe('Protobuf in the frame of a registry', () => {
  const imported = schema.replace(/message Row[\s\S]*$/, '');
  const main = `syntax = "proto3"; package example; import "other.proto"; message First { string s = 1; }
    ${schema.slice(schema.indexOf('message Row'))}`;
  const schemas: Readonly<Record<string, RegisteredSchema>> = {
    1: { type: 'PROTOBUF', text: schema, references: [] },
    2: { type: 'PROTOBUF', text: main, references: [imported] },
    3: { type: 'PROTOBUF', text: 'message {', references: [] },
  };
  const registry: SchemaRegistry = {
    kind: 'confluent',
    title: 'test',
    schemaOf: id => schemas[id] as RegisteredSchema,
  };
  const framed = (id: number, indexes: readonly number[], body = first) =>
    Buffer.concat([Buffer.from([0, 0, 0, 0, id, ...indexes]), body]);
  const score = (event: Buffer) => scoreMapped({}, [event], {}, allCodecs(registry));

  it.each([
    ['the second message of a file', framed(1, [2, 2]), 17],
    ['one beside those that are imported', framed(2, [2, 2]), 17],
    ['one within another', framed(1, [4, 0, 0], Buffer.from('09000000000000f03f', 'hex')), 10],
  ])('is read as %s', async (_, event, prediction) => {
    expect((await score(event)).endings[100].prediction).toBe(prediction);
  });

  it.each([
    ['no such message', framed(1, [2, 8]), 'the schema has no message at 4'],
    [
      'indexes that do not end',
      framed(1, [0xff, 0xff, 0xff, 0xff, 0xff], Buffer.alloc(0)),
      'its message indexes cannot be read',
    ],
    ['too many indexes', framed(1, [0xfe, 0x07]), '511 message indexes'],
    ['a schema that is none', framed(3, [0]), 'illegal'],
  ])('ends as malformed with %s', async (_, event, message) => {
    const { error } = (await score(event)).endings[100];
    expect(error.code).toBe('malformed_payload');
    expect(error.message).toContain(message);
  });
});
