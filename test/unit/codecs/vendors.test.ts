import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allCodecs } from '../../../src/codecs/decoder.ts';
import { fromAzure } from '../../../src/codecs/schema-registry/azure.ts';
import { fromConfluent } from '../../../src/codecs/schema-registry/confluent.ts';
import { createSchemaRegistry } from '../../../src/codecs/schema-registry/schema-registry.ts';
import { scoreMapped } from '../../support/mapped-scoring.ts';
import { type RegistryServer, startRegistry } from '../../support/schema-registry.ts';

interface VendorEvent {
  readonly by: string;
  /** Of a CloudEvent, whose data has no id. */
  readonly id?: string;
  readonly body: string;
  readonly contentType?: string;
  readonly properties?: Readonly<Record<string, string | number | { readonly hex: string }>>;
}
/** What the vendors' libraries wrote: test/fixtures/inputs/make_vendors.py. */
const file = new URL('../../fixtures/inputs/vendors.json', import.meta.url);
const { rows, avro, confluent, azure, events } = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly rows: readonly { readonly request_id: string; readonly a: number; readonly b: number }[];
  readonly avro: object;
  readonly confluent: readonly object[];
  readonly azure: Readonly<Record<string, string>>;
  readonly events: readonly VendorEvent[];
};
const makers = [...new Set(events.map(({ by }) => by))];
const bytes = (hex: string) => Buffer.from(hex, 'hex');

describe("what the vendors' own libraries write is read as they meant it", () => {
  let server: RegistryServer;
  beforeAll(async () => {
    const of = (id: string) => `/$schemaGroups/$schemas/${id}?api-version=2023-07-01`;
    server = await startRegistry({
      ...Object.fromEntries(confluent.map((schema, i) => [`/schemas/ids/${i + 1}`, { body: JSON.stringify(schema) }])),
      ...Object.fromEntries(
        Object.entries(azure).map(([id, body]) => [of(id), { body, type: 'application/json; serialization=Avro' }]),
      ),
    });
  });
  afterAll(() => server.close());

  it('by Confluent, Azure, the CloudEvents SDK and Spark', () => {
    for (const vendor of [/^confluent-kafka /, /^azure-/, /^cloudevents amqp /, /^cloudevents kafka /, /^spark /])
      expect(makers.some(maker => vendor.test(maker))).toBe(true);
  });

  it.each(makers)('%s', async maker => {
    const isAzure = maker.startsWith('azure');
    const registry = createSchemaRegistry(
      { kind: isAzure ? 'azure' : 'confluent', title: 'registry' },
      isAzure ? fromAzure(server.url, undefined) : fromConfluent(server.url, undefined),
      Date.now,
    );
    const input = maker === 'spark to_avro' ? { format: 'avro', schema: avro } : {};
    const mine = events.filter(({ by }) => by === maker);
    expect(mine).toHaveLength(rows.length);
    for (const [i, { id, body, contentType, properties = {} }] of mine.entries()) {
      const given = Object.entries(properties).map(([name, value]) => [
        name,
        typeof value === 'object' ? bytes(value.hex) : value,
      ]);
      const common = { contentType, properties: Object.fromEntries(given) as Record<string, unknown> };
      const { endings } = await scoreMapped(input, [bytes(body)], common, allCodecs(registry));
      const { request_id, a, b } = rows[i]!;
      expect(endings[100]).toMatchObject({ request_id: id ?? request_id, prediction: 10 * a + b });
    }
  });
});
