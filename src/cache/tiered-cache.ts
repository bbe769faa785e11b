import type { ResultCache } from '../core/cache.ts';
import type { Prediction } from '../core/prediction.ts';

/** A near cache in front of a shared one: the shared one is asked only for what the near one lacks, and fills it. */
export function createTieredCache(near: ResultCache, shared: ResultCache): ResultCache {
  return {
    async lookUp(keys) {
      const found = [...(await near.lookUp(keys))];
      const missing = keys.map((_, i) => i).filter(i => !found[i]);
      if (missing.length === 0) return found;
      const fromShared = await shared.lookUp(missing.map(i => keys[i] as string));
      const fresh: [string, Prediction][] = [];
      for (const [j, i] of missing.entries()) {
        const prediction = fromShared[j];
        if (!prediction) continue;
        found[i] = prediction;
        fresh.push([keys[i] as string, prediction]);
      }
      near.store(fresh);
      return found;
    },
    store(entries) {
      near.store(entries);
      shared.store(entries);
    },
    get counts() {
      const [a, b] = [near.counts, shared.counts];
      return { hits: a.hits + b.hits, misses: b.misses, evictions: a.evictions };
    },
    async close() {
      await Promise.all([near.close(), shared.close()]);
    },
  };
}
