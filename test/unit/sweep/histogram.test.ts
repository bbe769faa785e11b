import { describe, expect, it } from 'vitest';
import { addTo, bucketOf, countAbove, edgeOf, type Histogram, quantile } from '../../../src/sweep/histogram.ts';
import { createRandom } from '../../support/seeded-random.ts';

describe('a histogram of durations', () => {
  it('counts exactly what was longer than a limit of two significant digits', () => {
    const random = createRandom(Number(process.env.TEST_SEED));
    const durations = Array.from({ length: 5_000 }, () => Math.round(10 ** random.between(-3, 5) * 1000) / 1000);
    durations.push(5, 5.001, 500, 500.001, 0.07, 0.071, 0.3);
    const histogram: Histogram = new Map();
    for (const ms of durations) addTo(histogram, bucketOf(ms));
    for (const limit of [0.001, 0.07, 0.3, 1, 5, 12, 99, 100, 500, 25_000])
      expect(countAbove(histogram, limit), `${limit} ms`).toBe(durations.filter(ms => ms > limit).length);
  });

  it('takes the next such limit below for another one', () => {
    const histogram: Histogram = new Map([[bucketOf(511), 3]]);
    expect(countAbove(histogram, 512)).toBe(3);
    expect(countAbove(histogram, 520)).toBe(0);
  });

  it('has edges within a tenth of what they stand for', () => {
    for (const ms of [0, 0.001, 0.4, 3.3, 101, 7_777]) {
      expect(edgeOf(bucketOf(ms))).toBeGreaterThanOrEqual(ms);
      expect(edgeOf(bucketOf(ms))).toBeLessThanOrEqual(ms * 1.1);
    }
  });

  it('tells quantiles', () => {
    const histogram: Histogram = new Map();
    for (let ms = 1; ms <= 100; ms++) addTo(histogram, bucketOf(ms));
    expect(quantile(histogram, 0.95)).toBe(95);
    expect(quantile(new Map(), 0.95)).toBeUndefined();
  });
});
