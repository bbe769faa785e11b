import { murmur3 } from './murmur3.ts';

/** A hundredth of a per cent each. */
export const BUCKETS = 10_000;

/** Which of 10,000 buckets a key falls into. The salt is the rollout's id, the same through its ramp: a larger share only adds keys. */
export function bucketOf(rolloutId: string, key: string): number {
  return Math.floor((murmur3(key, `${rolloutId}:`) * BUCKETS) / 2 ** 32);
}
