import { murmur3After } from './murmur3.ts';

/** A hundredth of a per cent each. */
export const BUCKETS = 10_000;

/** Which of 10,000 buckets a key falls into. The salt is the rollout's id, the same through its ramp: a larger share only adds keys. */
export function bucketsOf(rolloutId: string): (key: string) => number {
  const hash = murmur3After(`${rolloutId}:`);
  return key => Math.floor((hash(key) * BUCKETS) / 2 ** 32);
}

/** The same of one key. */
export function bucketOf(rolloutId: string, key: string): number {
  return bucketsOf(rolloutId)(key);
}
