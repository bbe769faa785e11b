import { describe, expect, it } from 'vitest';
import { Latencies } from '../../../../src/cli/load/latencies.ts';

describe('latencies', () => {
  it('give every percentile within 0.1 %, over all sizes', () => {
    const latencies = new Latencies();
    for (let i = 1; i <= 100_000; i++) latencies.add(i / 10);
    const { count, p50, p95, p99, p999, max, mean } = latencies.summary();
    expect(count).toBe(100_000);
    for (const [found, expected] of [
      [p50, 5000],
      [p95, 9500],
      [p99, 9900],
      [p999, 9990],
      [max, 10_000],
      [mean, 5000.05],
    ] as const) {
      expect(Math.abs(found / expected - 1)).toBeLessThan(0.001);
    }
  });

  it('tell a tenth of a millisecond from another, and an hour too', () => {
    const latencies = new Latencies();
    latencies.add(0.1);
    latencies.add(3_600_000);
    expect(latencies.percentile(50)).toBe(0.1);
    expect(latencies.summary().max).toBeCloseTo(3_600_000, -4);
  });

  it('take what lies below zero for zero, and nothing for nothing', () => {
    const latencies = new Latencies(2);
    expect(latencies.summary()).toEqual({ count: 0, mean: 0, p50: 0, p95: 0, p99: 0, p999: 0, max: 0 });
    expect(latencies.curve()).toEqual([]);
    latencies.add(-3);
    expect(latencies.summary()).toMatchObject({ count: 1, max: 0 });
  });

  it('merge', () => {
    const [all, some] = [new Latencies(2), new Latencies(2)];
    all.add(1);
    some.add(100);
    all.merge(some);
    expect(all.count).toBe(2);
    expect(all.percentile(100)).toBeCloseTo(100, 0);
  });

  it('draw a curve that rises, as far as their number can tell', () => {
    const latencies = new Latencies();
    for (let i = 1; i <= 1000; i++) latencies.add(i);
    const curve = latencies.curve();
    expect(curve[0]?.[0]).toBe(0);
    expect(curve.at(-1)?.[0]).toBeCloseTo(99.9, 5);
    for (let i = 1; i < curve.length; i++) expect(curve[i]?.[1]).toBeGreaterThanOrEqual(curve[i - 1]?.[1] as number);
  });
});
