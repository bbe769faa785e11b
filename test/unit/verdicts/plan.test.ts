import { describe, expect, it } from 'vitest';
import { DEFAULT_TRIGGERS } from '../../../src/rollouts/triggers.ts';
import { labelsToDetect, planRollout, trafficOf, trialsToDetect, trialsToProve } from '../../../src/verdicts/plan.ts';
import { NINE } from '../../support/endings.ts';

const LN_100 = Math.log(100);

describe('what a rollout can detect', () => {
  it.each([
    [1, 4],
    [0.1, 47],
    [0.05, 130],
    [0.03, 385],
    [0.02, 1_433],
    [0.015, 4_712],
  ])('an error rate of %d in about as many events as simulations take in the median', (rate, median) => {
    const trials = trialsToDetect(0.01, rate, LN_100) ?? 0;
    expect(trials / median).toBeGreaterThan(0.7);
    expect(trials / median).toBeLessThan(1.45);
  });

  it('proves what never fails in 566 runs at ln 60 and in 600 at ln 80', () => {
    expect(trialsToProve(0.01, 0, Math.log(60))).toBe(566);
    expect(trialsToProve(0.01, 0, Math.log(80))).toBe(600);
  });

  it('finds drops of accuracy from a hundred labels on', () => {
    const labels = (drop: number) => labelsToDetect(0.05, drop, 0.05, Math.log(60)) ?? 0;
    expect(labels(0.3)).toBe(100);
    expect(labels(0.15)).toBeGreaterThan(150);
    expect(labels(0.15)).toBeLessThan(280);
    expect(labels(0.1)).toBeGreaterThan(labels(0.15));
  });

  it('says in what time, and what cannot pass within the duration', () => {
    const traffic = { requestsPerSecond: 10, runsPerSecond: 1, labelsPerSecond: 0 };
    const options = { traffic, weight: 5, alpha: 0.05, triggers: DEFAULT_TRIGGERS };
    const [errors, latency, accuracy, runs] = planRollout({ ...options, durationMs: 1_000_000 });
    expect(errors).toMatchObject({
      of: 'requests',
      perSecond: 0.5,
      proves: { trials: 600, seconds: 1200 },
      isInTime: false,
    });
    expect(errors?.detects.find(({ rate }) => rate === 0.05)?.trials).toBeLessThan(200);
    expect(runs?.perSecond).toBeCloseTo(1 - 0.95 ** 10, 12);
    expect(latency?.isInTime).toBe(true);
    expect(accuracy?.detects[0]?.seconds).toBeUndefined();
  });

  it('knows the traffic by the windows of the last hour', () => {
    const window = (atMs: number, requests: number, model = 'churn') => ({ atMs, model, requests });
    const windows = [window(NINE, 300), window(NINE + 50_000, 300), window(NINE, 9, 'other'), window(NINE - 9e6, 7)];
    expect(trafficOf('churn', windows, 0.1, 0, NINE + 60_000)).toEqual({
      requestsPerSecond: 10,
      runsPerSecond: 1,
      labelsPerSecond: 0,
    });
    expect(trafficOf('none', windows, 0.1, 0, NINE).requestsPerSecond).toBe(0);
  });
});
