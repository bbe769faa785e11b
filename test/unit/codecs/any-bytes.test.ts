import { encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { allCodecs } from '../../../src/codecs/decoder.ts';
import type { SchemaRegistry } from '../../../src/codecs/schema-registry/schema-registry.ts';
import { malformed } from '../../../src/core/errors.ts';
import type { Event } from '../../../src/core/event.ts';
import { scoreMapped } from '../../support/mapped-scoring.ts';

const SCHEMA = {
  type: 'record',
  name: 'R',
  fields: [
    { name: 'a', type: ['null', 'double', 'long', { type: 'array', items: 'null' }] },
    { name: 'next', type: ['null', 'R', { type: 'map', values: { type: 'array', items: 'R' } }, 'string'] },
    { name: 'd', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
  ],
};
const PROTO = 'syntax = "proto3"; message R { double a = 1; R b = 2; repeated R c = 3; map<string, R> d = 4; }';
const registry: SchemaRegistry = {
  kind: 'confluent',
  title: 'test',
  schemaOf(id) {
    if (Number(id) > 3) throw malformed(`no schema ${id}`);
    const type = (['AVRO', 'JSON', 'PROTOBUF', 'AVRO'] as const)[Number(id)] ?? 'AVRO';
    if (type === 'PROTOBUF') return { type, text: PROTO, references: [] };
    return { type, text: id === '3' ? '{' : JSON.stringify(SCHEMA), references: [] };
  },
};
const codecs = allCodecs(registry);

const CONTENT_TYPES = [
  undefined,
  'application/json',
  'application/json; charset=utf-16',
  'application/cloudevents+json',
  'application/cloudevents-batch+json; charset=utf-8',
  'application/msgpack',
  `avro/binary+${'0'.repeat(32)}`,
  'application/gzip',
  'application/x-protobuf',
  'text/plain; charset=utf-32be',
];
const INPUTS = [
  undefined,
  {},
  { preset: 'debezium' },
  { preset: 'azure-monitor', carry: ['$.category', '@key'] },
  { preset: 'capture', fields: { b: '@enqueued.hour' } },
  { format: 'avro', schema: SCHEMA, row: '$.next' },
  { format: 'protobuf', schema: PROTO, message: 'R', records: '$.c[*]' },
  { format: 'msgpack', records: '$.r[*].s[*]', where: { path: '$.a', in: [1, 2] } },
];
const value = fc.oneof(
  fc.record({ a: fc.jsonValue(), b: fc.integer() }, { requiredKeys: [] }),
  fc.record({ payload: fc.record({ op: fc.constantFrom('c', 'd', 1), after: fc.jsonValue() }) }),
  fc.record({ records: fc.array(fc.record({ properties: fc.jsonValue() })) }),
  fc.record({ r: fc.array(fc.record({ s: fc.array(fc.record({ a: fc.nat(3) })) })) }),
  fc.record({
    specversion: fc.constant('1.0'),
    id: fc.jsonValue(),
    data: fc.jsonValue(),
    data_base64: fc.constantFrom(undefined, 'AAAAAAA='),
  }),
  fc.record({ features: fc.jsonValue() }),
  fc.jsonValue(),
);
const body = fc.oneof(
  fc.uint8Array({ maxLength: 120 }).map(bytes => Buffer.from(bytes)),
  fc.tuple(fc.nat(4), fc.uint8Array({ maxLength: 60 })).map(([id, bytes]) => Buffer.from([0, 0, 0, 0, id, ...bytes])),
  value.map(each => Buffer.from(JSON.stringify(each))),
  fc.array(value, { maxLength: 4 }).map(list => Buffer.from(JSON.stringify(list))),
  fc.array(value, { maxLength: 4 }).map(list => Buffer.from(list.map(each => JSON.stringify(each)).join('\n'))),
  value.map(each => Buffer.from(encode(each))),
);
const event: fc.Arbitrary<Partial<Event>> = fc.record({
  contentType: fc.constantFrom(...CONTENT_TYPES),
  contentEncoding: fc.constantFrom(undefined, undefined, 'utf-16', 'utf-32', 'gzip'),
  properties: fc.constantFrom<Record<string, unknown>>(
    {},
    { 'cloudEvents:specversion': '1.0', 'cloudEvents:id': 'ce' },
    { ce_specversion: Buffer.from('1.0'), ce_id: Buffer.from([0xff]) },
    { 'content-type': Buffer.from(`avro/binary+${'0'.repeat(32)}`) },
  ),
});

/** Events of a run; `MANY=100000` tries as many as the issue asks for. */
const EVENTS = Number(process.env.MANY ?? 15_000);
const BODIES = 25;

it('whatever the bytes, the content type and the card: every record ends once, or is passed over', async () => {
  const bodies = fc.array(body, { minLength: BODIES, maxLength: BODIES });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...INPUTS), bodies, event, async (input, each, common) => {
      const { scored, endings } = await scoreMapped(input, each, common, codecs);
      expect(Object.keys(endings)).toHaveLength(scored.length); // none twice
      const ended = new Map<number, number>();
      for (const id of Object.keys(endings)) {
        const place = Number(id.split('/')[0]) - 100;
        ended.set(place, (ended.get(place) ?? 0) + 1);
      }
      each.forEach((_, place) => {
        expect((ended.get(place) ?? 0) + (scored.passedOver.get(place) ?? 0)).toBeGreaterThan(0);
      });
      for (const { error } of Object.values(endings)) if (error) expect(error.code).not.toBe('unexpected');
    }),
    { numRuns: EVENTS / BODIES },
  );
}, 600_000);
