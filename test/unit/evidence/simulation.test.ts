import { describe, expect, it } from 'vitest';
import { evidenceAbove } from '../../../src/evidence/binomial.ts';
import { evidenceOfSplit, splitThreshold } from '../../../src/evidence/split.ts';
import { createRandom, type SeededRandom } from '../../support/seeded-random.ts';

/*
 * What the evidence promises, over thousands of simulated canaries with fixed seeds, looked at after every event. Evidence above a limit rises with a bad event and at no
 * other time, so it is asked for at those alone: that is every look.
 */

const EVENTS = 20_000;
const CANARIES = 2_000;
const LIMIT = 0.01;
const THRESHOLD = Math.log(100);
const ALPHA = 0.05;

/** At which event a canary is rolled back; undefined: never. */
function rolledBackAt(random: SeededRandom, errorRate: number): number | undefined {
  let event = 0;
  for (let bad = 1; ; bad++) {
    event += 1 + Math.floor(Math.log(1 - random.next()) / Math.log1p(-errorRate)); // up to the next bad one
    if (event > EVENTS) return undefined;
    if (evidenceAbove(LIMIT, { bad, trials: event }) >= THRESHOLD) return event;
  }
}

function canaries(seed: number, errorRate: number): readonly number[] {
  const random = createRandom(seed);
  const ends = Array.from({ length: CANARIES }, () => rolledBackAt(random, errorRate));
  return ends.filter(at => at !== undefined).sort((one, other) => one - other);
}

describe('2,000 canaries of 20,000 events, looked at after each', () => {
  it.each([1, 2])('rolls back 5 healthy ones at most, seed %d', seed => {
    expect(canaries(seed, 0.005).length).toBeLessThanOrEqual(5);
  });

  it.each([1, 2])('catches all bad ones, the median within 1.3 times of 127 to 132 events, seed %d', seed => {
    const caught = canaries(seed, 0.05);
    expect(caught).toHaveLength(CANARIES);
    const median = caught[CANARIES / 2] ?? 0;
    expect(median).toBeGreaterThan(127 / 1.3);
    expect(median).toBeLessThan(132 * 1.3);
  });
});

/** Whether a healthy canary's split is called failed at any time while requests come. */
function criesWolf(random: SeededRandom, requests: number, nextKey: () => number, weight: number): boolean {
  const buckets = new Map<number, number>();
  const seen = new Set<number>();
  let bad = 0;
  for (let i = 0; i < requests; i++) {
    const key = nextKey();
    const bucket = buckets.get(key) ?? random.below(10_000);
    buckets.set(key, bucket);
    if (seen.has(bucket)) continue;
    seen.add(bucket);
    if (bucket < weight * 10_000) bad++;
    if (evidenceOfSplit(weight, { bad, trials: seen.size }) >= splitThreshold(1, ALPHA)) return true;
  }
  return false;
}

/** Draws of keys whose shares fall as 1 / rank. */
function zipf(random: SeededRandom, keys: number): () => number {
  const sums: number[] = [];
  for (let rank = 1; rank <= keys; rank++) sums.push((sums.at(-1) ?? 0) + 1 / rank);
  const total = sums.at(-1) ?? 1;
  return () => {
    const wanted = random.next() * total;
    let low = 0;
    for (let high = keys - 1; low < high; ) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

describe('the split of healthy canaries with sticky keys', () => {
  const RUNS = 500;
  const REQUESTS = 3_000;

  it.each([
    ['200 keys', 200, false],
    ['2,000 keys', 2_000, false],
    ['2,000 keys by Zipf', 2_000, true],
  ])('cries wolf no more often than it promises: %s', (_name, keys, byZipf) => {
    const random = createRandom(23);
    const nextKey = byZipf ? zipf(random, keys) : () => random.below(keys);
    let alarms = 0;
    for (let run = 0; run < RUNS; run++) if (criesWolf(random, REQUESTS, nextKey, 0.05)) alarms++;
    expect(alarms / RUNS).toBeLessThanOrEqual(ALPHA);
  });

  it('finds a split that is none', () => {
    const random = createRandom(5);
    const buckets = { bad: 0, trials: 0 };
    while (evidenceOfSplit(0.05, buckets) < splitThreshold(1, ALPHA)) {
      buckets.trials++;
      if (random.next() < 0.1) buckets.bad++; // 10 % where 5 % were meant
    }
    expect(buckets.trials).toBeLessThan(2_000);
  });
});
