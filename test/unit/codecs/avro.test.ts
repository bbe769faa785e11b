import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { loadAvro } from '../../../src/codecs/avro/read-avro.ts';
import { allCodecs, createDecoder } from '../../../src/codecs/decoder.ts';
import { fromAzure } from '../../../src/codecs/schema-registry/azure.ts';
import { fromConfluent } from '../../../src/codecs/schema-registry/confluent.ts';
import { createSchemaRegistry } from '../../../src/codecs/schema-registry/schema-registry.ts';
import { batchOf } from '../../support/events.ts';
import { scoreMapped } from '../../support/mapped-scoring.ts';
import { type RegistryServer, startRegistry } from '../../support/schema-registry.ts';

/** What fastavro wrote: test/fixtures/inputs/make.py. */
const file = new URL('../../fixtures/inputs/avro.json', import.meta.url);
const { schema, bodies } = JSON.parse(readFileSync(file, 'utf8')) as { schema: object; bodies: string[] };
const written = bodies.map(body => Buffer.from(body, 'hex'));
const [first, second] = written as [Buffer, Buffer];
const id = (number: number) => Buffer.from([0, 0, 0, 0, number]);
const framed = (number: number, body = first) => Buffer.concat([id(number), body]);

describe('Avro', () => {
  it('is read as its writer meant it', async () => {
    const read = (await loadAvro())(schema);
    expect(JSON.parse(JSON.stringify(read(first)))).toMatchObject({
      request_id: 'é1',
      a: 1.5,
      b: null,
      count: '9007199254740993',
      kind: 'COLD',
      either: 'text',
      price: '-12.05',
      day: 2,
      at: 1000,
      tags: ['x', '\u{1F600}'],
      more: { m: { x: true } },
      inner: { x: false },
    });
    expect(JSON.parse(JSON.stringify(read(second)))).toMatchObject({
      count: '-9223372036854775808',
      either: 2 ** 40,
      price: '0.00',
      day: -1,
      at: -1000,
      tags: [],
      more: {},
      inner: null,
    });
  });

  it.each([
    ['cut short', first.subarray(0, 20)],
    ['too long', Buffer.concat([first, Buffer.from([1])])],
    ['nothing', Buffer.alloc(0)],
    ['of a list longer than the body', Buffer.from('0200000000000000ff3f', 'hex')],
  ])('ends as malformed where it is %s', async (_, body) => {
    const list = { type: 'record', name: 'L', fields: [{ name: 'a', type: { type: 'array', items: 'long' } }] };
    const own = body[0] === 2 ? list : schema;
    const { endings } = await scoreMapped({ format: 'avro', schema: own }, [body]);
    expect(endings[100].error.code).toBe('malformed_payload');
    expect(endings[100].error.message).toMatch(/^the body is no Avro of the card's schema: /);
  });

  it('of no items and a length without end is refused at once', async () => {
    const read = (await loadAvro())({ type: 'array', items: 'null' });
    expect(() => read(Buffer.from('fcffffffffffff1f', 'hex'))).toThrow('a block is longer than the body');
  });

  it('of a card with a schema is a row, mapped as the card says', async () => {
    const input = { format: 'avro', schema, fields: { b: '$.more.m.x' }, carry: ['$.kind', '$.price', '$.either'] };
    const { endings } = await scoreMapped(input, [first, second]);
    expect(endings[100]).toMatchObject({
      request_id: 'é1',
      prediction: 16,
      carried: { kind: 'COLD', price: '-12.05', either: 'text' },
    });
    expect(endings[101]).toMatchObject({ request_id: '2', prediction: -22.5 });
  });
});

describe('a schema registry', () => {
  let server: RegistryServer;
  afterEach(() => server.close());
  let nowMs = 0;
  const clock = () => nowMs;
  const confluent = (auth?: string) =>
    createSchemaRegistry({ kind: 'confluent', title: 'test' }, fromConfluent(server.url, auth), clock);
  const known = (type: string, text: unknown, more: object = {}) => ({
    body: JSON.stringify({ schema: typeof text === 'string' ? text : JSON.stringify(text), schemaType: type, ...more }),
  });

  it('is asked once for what many bodies are of, by key', async () => {
    server = await startRegistry({ '/schemas/ids/7': known('AVRO', schema) });
    const codecs = allCodecs(confluent('key:secret'));
    const { endings } = await scoreMapped({}, [framed(7), framed(7, second)], {}, codecs);
    expect(endings).toMatchObject({ 100: { request_id: 'é1', prediction: 15 }, 101: { request_id: '2' } });
    await scoreMapped(undefined, [framed(7)], {}, codecs);
    expect(server.asked).toEqual(['/schemas/ids/7']);
    expect(server.authorizations).toEqual([`Basic ${Buffer.from('key:secret').toString('base64')}`]);
  });

  it('is asked for what schemas refer to, that first', async () => {
    const inner = { type: 'record', name: 'Inner', namespace: 'n', fields: [{ name: 'a', type: 'n.Deep' }] };
    const deep = { type: 'fixed', name: 'Deep', namespace: 'n', size: 1 };
    const outer = {
      type: 'record',
      name: 'O',
      fields: [
        { name: 'row', type: 'n.Inner' },
        { name: 'a', type: 'int' },
      ],
    };
    const refers = (subject: string) => ({ references: [{ name: 'n', subject, version: 3 }] });
    server = await startRegistry({
      '/schemas/ids/9': known('AVRO', outer, refers('in ner')),
      '/subjects/in%20ner/versions/3': known('AVRO', inner, refers('deep')),
      '/subjects/deep/versions/3': known('AVRO', deep),
    });
    const { endings } = await scoreMapped({}, [framed(9, Buffer.from([65, 4]))], {}, allCodecs(confluent()));
    expect(endings[100].prediction).toBe(20);
  });

  it('holds the batch while it is away, and is not asked again at once', async () => {
    server = await startRegistry({ '/schemas/ids/7': known('AVRO', schema) });
    server.away = true;
    const codecs = allCodecs(confluent());
    for (let i = 0; i < 3; i++) {
      const scoring = scoreMapped({}, [framed(7)], {}, codecs);
      await expect(scoring).rejects.toThrow('schema registry test: GET /schemas/ids/7 was answered 503');
    }
    expect(server.asked).toHaveLength(1);
    server.away = false;
    nowMs += 1_000;
    expect((await scoreMapped({}, [framed(7)], {}, codecs)).endings[100].prediction).toBe(15);
  });

  it('that does not know an id is named with it, and asked again later', async () => {
    server = await startRegistry({});
    const codecs = allCodecs(confluent());
    const { endings } = await scoreMapped({}, [framed(99), framed(99)], {}, codecs);
    for (const place of [100, 101]) {
      expect(endings[place].error).toMatchObject({
        code: 'malformed_payload',
        message: 'the schema registry test has no schema 99',
      });
    }
    expect(server.asked).toHaveLength(1);
    nowMs += 30_000;
    await scoreMapped({}, [framed(99)], {}, codecs);
    expect(server.asked).toHaveLength(2);
  });

  it.each([
    ['JSON', '{"features":[1,2]}', 12],
    ['PROTOBUF', '\0', 'the body is no Protobuf of schema 5 of test: '],
    ['AVRO', '', 'the body is no Avro of schema 5 of test: a block is longer than the body'],
  ])('may say that the frame holds %s', async (type, body, ending) => {
    server = await startRegistry({ '/schemas/ids/5': known(type, schema) });
    const { endings } = await scoreMapped(undefined, [framed(5, Buffer.from(body))], {}, allCodecs(confluent()));
    const { error, prediction } = endings[100];
    expect(String(prediction ?? error.message)).toContain(String(ending));
  });

  it('is asked for data of CloudEvents, of which a bad one ends alone', async () => {
    server = await startRegistry({ '/schemas/ids/7': known('AVRO', schema) });
    const of = (number: number) => ({
      ...{ specversion: '1.0', id: `ce${number}`, type: 't', source: 's' },
      data_base64: framed(number).toString('base64'),
    });
    const event = { contentType: 'application/cloudevents-batch+json' };
    const { endings } = await scoreMapped({}, [[of(7), of(9)]], event, allCodecs(confluent()));
    expect(endings).toMatchObject({
      '100/0': { request_id: 'é1', prediction: 15 },
      '100/1': { request_id: 'ce9', error: { message: 'the schema registry test has no schema 9' } },
    });
  });

  it('of Azure is asked by the id in the content type, with the token of the identity', async () => {
    const hex = '0123456789abcdef0123456789ABCDEF';
    const path = `/$schemaGroups/$schemas/${hex.toLowerCase()}?api-version=2023-07-01`;
    server = await startRegistry({
      [path]: { body: JSON.stringify(schema), type: 'application/json; serialization=Avro' },
    });
    const fetchSchema = fromAzure(server.url, async () => 'token');
    const codecs = allCodecs(createSchemaRegistry({ kind: 'azure', title: 'ns' }, fetchSchema, clock));
    const contentType = `avro/binary+${hex}`;
    const { endings } = await scoreMapped({}, [first], { contentType }, codecs);
    expect(endings[100]).toMatchObject({ request_id: 'é1', prediction: 15 });
    const properties = { 'content-type': Buffer.from(contentType) };
    expect((await scoreMapped({}, [first], { properties }, codecs)).endings[100].prediction).toBe(15);
    expect(server.asked).toEqual([path]);
    expect(server.authorizations).toEqual(['Bearer token']);
  });

  it('that no setting names is missed', async () => {
    server = await startRegistry({});
    const [event] = batchOf([framed(7)]).events;
    const decoded = await createDecoder().decode(event as never);
    expect(decoded).toMatchObject([
      { error: { message: 'the body is of schema 7 of a schema registry; the setting SCHEMA_REGISTRY names none' } },
    ]);
  });
});
