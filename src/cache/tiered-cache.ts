import type { Remembered, ResultCache } from '../core/cache.ts';
import type { MemoryCache } from './memory-cache.ts';
import type { RedisCache } from './redis-cache.ts';

/** A near cache in front of a shared one: the shared one is asked only for what the near one lacks, and fills it. A prediction has one lifetime, from when it was made. */
export function createTieredCache(near: MemoryCache, shared: RedisCache): ResultCache {
  return {
    async lookUp(keys) {
      const found = [...(await near.lookUp(keys))];
      const missing = keys.map((_, i) => i).filter(i => !found[i]);
      if (missing.length === 0) return found;
      const fromShared = await shared.lookUpOlder(missing.map(i => keys[i] as string));
      const older: [string, Remembered][] = [];
      for (const [j, i] of missing.entries()) {
        const remembered = fromShared[j];
        if (!remembered) continue;
        found[i] = remembered.prediction;
        older.push([keys[i] as string, remembered]);
      }
      near.storeOlder(older);
      return found;
    },
    store(entries) {
      near.store(entries);
      shared.store(entries);
    },
    bypass: near.bypass,
    get counts() {
      const [a, b] = [near.counts, shared.counts];
      return { hits: a.hits + b.hits, misses: b.misses, evictions: a.evictions, bypassed: a.bypassed };
    },
    async close() {
      await Promise.all([near.close(), shared.close()]);
    },
  };
}
