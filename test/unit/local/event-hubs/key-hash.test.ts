import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { partitionOfKey } from '../../../../src/local/event-hubs/key-hash.ts';

// The SDK's own, which follows the service; it is not exported, so it is found beside the entry point.
const sdk = dirname(createRequire(import.meta.url).resolve('@azure/event-hubs'));
const { mapPartitionKeyToId } = (await import(pathToFileURL(join(sdk, 'impl/partitionKeyToIdMapper.js')).href)) as {
  mapPartitionKeyToId(key: string, partitions: number): number;
};

it('gives every key the partition that the SDK gives it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 1, max: 32 }), (key, partitions) => {
      expect(partitionOfKey(Buffer.from(key), partitions)).toBe(mapPartitionKeyToId(key, partitions));
    }),
    { numRuns: 2000 },
  );
});

it('has not changed', () => {
  const keys = ['', 'a', 'customer-7', 'exactly12chr', 'thirteen chars', 'Žluťoučký kůň', 'x'.repeat(1000)];
  expect(keys.map(key => partitionOfKey(Buffer.from(key), 32))).toMatchInlineSnapshot(`
    [
      0,
      28,
      18,
      14,
      18,
      29,
      27,
    ]
  `);
});
