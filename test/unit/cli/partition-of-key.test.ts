import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { partitionOfKey } from '../../../src/cli/partition-of-key.ts';

it('agrees with the mapper that the SDK keeps to itself', async () => {
  const folder = dirname(createRequire(import.meta.url).resolve('@azure/event-hubs/package.json'));
  const file = join(folder, 'dist/esm/impl/partitionKeyToIdMapper.js');
  const { mapPartitionKeyToId } = await import(pathToFileURL(file).href);
  for (let i = 0; i < 3000; i++) {
    const key = `${'schlüssel-'.repeat(i % 4)}${i * 7919}`.slice(0, i % 41);
    const count = 1 + (i % 32);
    expect([key, count, partitionOfKey(key, count)]).toEqual([key, count, mapPartitionKeyToId(key, count)]);
  }
});
