import type { Prediction } from './prediction.ts';

/** Counts since the process started. */
export interface CacheCounts {
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
  /** Instances that were not looked up, since inferring them costs less. */
  readonly bypassed: number;
}

/** A prediction that was remembered, and when the instance was scored, milliseconds since the epoch. */
export interface Remembered {
  readonly prediction: Prediction;
  readonly scoredAtMs: number;
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
  /** So many instances were not looked up. */
  bypass(instances: number): void;
  readonly counts: CacheCounts;
  close(): Promise<void>;
}
