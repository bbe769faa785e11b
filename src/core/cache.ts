import type { Prediction } from './prediction.ts';

/** Counts since the process started. */
export interface CacheCounts {
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
}

/**
 * Predictions of identical instances. A key names model, version hash and canonical features; a cache that is away or full
 * knows nothing and never throws.
 */
export interface ResultCache {
  /** In the order of the keys; undefined where a key is not known. Synchronous where nothing is asked over a network. */
  lookUp(keys: readonly string[]): readonly (Prediction | undefined)[] | Promise<readonly (Prediction | undefined)[]>;
  /** Keeps predictions; returns at once. */
  store(entries: readonly (readonly [key: string, prediction: Prediction])[]): void;
  readonly counts: CacheCounts;
  close(): Promise<void>;
}
