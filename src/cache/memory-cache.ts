import { LRUCache } from 'lru-cache';
import type { Remembered, ResultCache } from '../core/cache.ts';
import type { Prediction } from '../core/prediction.ts';

export interface MemoryCacheOptions {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly ttlMs: number;
}

export interface MemoryCache extends ResultCache {
  /** Keeps predictions for what is left of their lifetime. */
  storeOlder(entries: readonly (readonly [key: string, remembered: Remembered])[]): void;
}

/** Least recently used predictions of this process, bounded by entries and by (estimated) bytes. */
export function createMemoryCache({ maxEntries, maxBytes, ttlMs }: MemoryCacheOptions): MemoryCache {
  let hits = 0;
  let misses = 0;
  let evictions = 0;
  let bypassed = 0;
  const entries = new LRUCache<string, Prediction>({
    max: maxEntries,
    maxSize: maxBytes,
    sizeCalculation: (prediction, key) => estimateBytes(prediction) + 2 * key.length,
    ttl: ttlMs,
    ttlResolution: 1000, // reading the clock for every key would cost more than the look-up
    dispose: (_prediction, _key, reason) => {
      if (reason === 'evict' || reason === 'expire') evictions++;
    },
  });
  return {
    lookUp(keys) {
      const found = keys.map(key => entries.get(key));
      const known = found.reduce((count, prediction) => (prediction ? count + 1 : count), 0);
      hits += known;
      misses += keys.length - known;
      return found;
    },
    store(stored) {
      for (const [key, prediction] of stored) entries.set(key, prediction);
    },
    storeOlder(older) {
      const now = Date.now();
      for (const [key, { prediction, scoredAtMs }] of older) {
        const leftMs = ttlMs - Math.max(0, now - scoredAtMs);
        if (leftMs > 0) entries.set(key, prediction, { ttl: leftMs });
      }
    },
    bypass(instances) {
      bypassed += instances;
    },
    get counts() {
      return { hits, misses, evictions, bypassed };
    },
    close: async () => entries.clear(),
  };
}

/** Rough size of a prediction on the heap: an object, and what its arrays, maps and texts hold. */
function estimateBytes(value: unknown): number {
  if (typeof value === 'string') return 16 + 2 * value.length;
  if (typeof value !== 'object' || value === null) return 8;
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + estimateBytes(item), 32);
  return Object.entries(value).reduce((sum, [key, item]) => sum + 2 * key.length + estimateBytes(item), 64);
}
