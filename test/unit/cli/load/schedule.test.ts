import { describe, expect, it } from 'vitest';
import { planPace } from '../../../../src/cli/load/load-command.ts';
import { constantRate, rampedRate } from '../../../../src/cli/load/schedule.ts';

const OPTIONS = { wait: 30, consumerGroup: '$Default' };

describe('constant rate', () => {
  it('spaces requests evenly, and counts as many as the time holds', () => {
    const schedule = constantRate(200);
    expect([0, 1, 200].map(n => schedule.timeOf(n))).toEqual([0, 5, 1000]);
    expect([0, 0.1, 5, 5.1, 30_000].map(ms => schedule.dueBefore(ms))).toEqual([0, 1, 1, 2, 6000]);
  });
});

describe('ramp', () => {
  const cases = [
    { from: 0, to: 1000, seconds: 10 },
    { from: 100, to: 5000, seconds: 30 },
    { from: 1000, to: 50, seconds: 7 },
    { from: 300, to: 300, seconds: 5 },
  ];

  it.each(cases)('$from → $to in $seconds s: the n-th is due when n are', ramp => {
    const schedule = rampedRate(ramp);
    const total = schedule.dueBefore(ramp.seconds * 2000);
    expect(total).toBe(Math.ceil(((ramp.from + ramp.to) / 2) * ramp.seconds + ramp.to * ramp.seconds));
    let before = -1;
    for (let n = 0; n < total; n += 97) {
      const at = schedule.timeOf(n);
      expect(at).toBeGreaterThan(before);
      expect(schedule.dueBefore(at - 0.001)).toBeLessThanOrEqual(n);
      expect(schedule.dueBefore(at + 0.001)).toBeGreaterThan(n);
      before = at;
    }
  });

  it('keeps its last rate after the ramp', () => {
    const schedule = rampedRate({ from: 100, to: 1000, seconds: 10 });
    expect(schedule.dueBefore(11_000) - schedule.dueBefore(10_000)).toBe(1000);
    expect(schedule.dueBefore(1000)).toBe(145); // 100 + 90 / 2
    expect([0, 5000, 99_000].map(ms => schedule.rateAt(ms))).toEqual([100, 550, 1000]);
  });
});

describe('what is asked for', () => {
  it('is 100 a second for 30 s, unless options say otherwise', () => {
    expect(planPace(OPTIONS)).toMatchObject({ total: 3000, durationMs: 30_000, says: '100/s for 30 s' });
    expect(planPace({ ...OPTIONS, rate: 50, requests: 10 })).toMatchObject({ total: 10, says: '10 requests at 50/s' });
    expect(planPace({ ...OPTIONS, rate: 10, requests: 900, duration: 2 }).total).toBe(20);
    expect(planPace({ ...OPTIONS, ramp: { from: 0, to: 10, seconds: 60 } })).toMatchObject({
      total: 300,
      says: '0 → 10/s over 60 s for 60 s',
    });
  });

  it('has no schedule where only a number of requests is asked for', () => {
    const pace = planPace({ ...OPTIONS, requests: 10_000 });
    expect(pace).toMatchObject({ schedule: undefined, total: 10_000, says: '10,000 requests, as fast as they go' });
  });

  it('is refused where it contradicts itself or would not fit in memory', () => {
    expect(() => planPace({ ...OPTIONS, rate: 1, ramp: { from: 1, to: 2, seconds: 3 } })).toThrow(/two paces/);
    expect(() => planPace({ ...OPTIONS, rate: 100_000, duration: 3600 })).toThrow(/360,000,000 requests; 5,000,000/);
  });
});
