import { describe, expect, it } from 'vitest';
import { confidenceSequence, evidenceAbove, evidenceBelow } from '../../../src/evidence/binomial.ts';
import {
  accuracyDrop,
  errorIncrease,
  evidenceDifferent,
  evidenceNegative,
  evidencePositive,
} from '../../../src/evidence/difference.ts';
import { evidenceOfShift, evidenceOfSplit, pairedTrials, splitThreshold } from '../../../src/evidence/split.ts';
import { evidenceWorse } from '../../../src/evidence/worse-than-production.ts';

/** The vectors of the design, of other people's arithmetic: six decimals. */
const EXACTLY = 6;
const of = (bad: number, trials: number) => ({ bad, trials });

describe('evidence above a limit', () => {
  it.each([
    [0.01, 3, 3, 4.302795],
    [0.01, 5, 100, 3.226581],
    [0.01, 20, 1000, 2.804077],
    [0.01, 12, 1000, -1.080784],
    [0.05, 80, 1000, 6.226531],
    [0.05, 60, 1000, -0.901251],
    [0.05, 50, 1000, -2.485663],
    [0.01, 1, 40, 0.162289],
    [0.01, 4, 40, 4.013881],
    [0.05, 3, 240, -3.070014],
  ])('p0 %d, %d of %d', (limit, bad, trials, expected) => {
    expect(evidenceAbove(limit, of(bad, trials))).toBeCloseTo(expected, EXACTLY);
  });

  it.each([
    [30, 10, 4.146746],
    [60, 40, 0.578891],
    [12, 12, -1.393644],
  ])('paired, %d : %d', (one, other, expected) => {
    expect(evidenceAbove(0.5, pairedTrials(one, other))).toBeCloseTo(expected, EXACTLY);
  });

  it('is nothing without a trial, and far below every threshold where the tail underflows', () => {
    expect(evidenceAbove(0.01, of(0, 0))).toBeCloseTo(0, 12);
    expect(evidenceAbove(0.5, of(0, 100_000))).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe('evidence below a limit', () => {
  it.each([
    [0.01, 10, 1000, -1.254122],
    [0.01, 9, 2914, 8.356502],
    [0.05, 3, 240, 4.080681],
  ])('p0 %d, %d of %d', (limit, bad, trials, expected) => {
    expect(evidenceBelow(limit, of(bad, trials))).toBeCloseTo(expected, EXACTLY);
  });
});

describe('the split', () => {
  it.each([
    [52, 1000, -1.193225],
    [90, 1000, 11.228652],
    [60, 900, 0.882809],
    [498, 9900, -2.312485],
  ])('%d of %d buckets at 5 %', (bad, trials, expected) => {
    expect(evidenceOfSplit(0.05, of(bad, trials))).toBeCloseTo(expected, EXACTLY);
  });

  it('asks more of each further stage', () => {
    expect(splitThreshold(1, 0.05)).toBeCloseTo(Math.log(40), 9);
    expect(splitThreshold(3, 0.05)).toBeCloseTo(Math.log(240), 9);
  });

  it.each([
    [[30, 20], [760, 190], 1.959527],
    [[250, 250], [7600, 1900], 97.72242],
  ])('shifts of classes, %j against %j', (candidate, production, expected) => {
    expect(evidenceOfShift(0.05, candidate, production)).toBeCloseTo(expected, EXACTLY);
  });
});

describe('worse than production', () => {
  const stage = (share: number, candidateBad: number, productionBad: number) => ({
    share,
    candidateBad,
    productionBad,
  });

  it.each([
    [5, 20, 2.294823],
    [12, 60, 4.925802],
    [3, 57, -2.0101],
  ])('%d bad of the candidate against %d', (x, y, expected) => {
    expect(evidenceWorse([stage(0.05, x, y)])).toBeCloseTo(expected, EXACTLY);
  });

  it('adds stages within each odds ratio', () => {
    expect(evidenceWorse([stage(0.05, 6, 20), stage(0.25, 10, 12)])).toBeCloseTo(4.696054, EXACTLY);
  });
});

describe('differences of accuracy', () => {
  it.each([
    [400, 0.05, 2.958049],
    [425, 0, 3.776528],
  ])('%d of 500 right against 8550 of 9500, by more than %d', (right, drop, expected) => {
    const difference = accuracyDrop(of(500 - right, 500), of(950, 9500), drop);
    expect(evidencePositive(difference ?? { estimate: 0, variance: 1 })).toBeCloseTo(expected, EXACTLY);
  });

  it('judges an arm that is always wrong, and none below a hundred labels', () => {
    expect(accuracyDrop(of(99, 99), of(10, 1000), 0.05)).toBeUndefined();
    const hopeless = accuracyDrop(of(100, 100), of(10, 1000), 0.05);
    expect(hopeless?.variance).toBeGreaterThan(0);
    expect(evidencePositive(hopeless ?? { estimate: 0, variance: 1 })).toBeGreaterThan(Math.log(80));
  });

  it('proves the opposite by the mirror, and either by two sides', () => {
    const same = accuracyDrop(of(400, 4000), of(400, 4000), 0.05) ?? { estimate: 0, variance: 1 };
    expect(evidenceNegative(same)).toBeGreaterThan(Math.log(80));
    expect(evidencePositive(same)).toBeLessThan(0);
    expect(evidenceDifferent({ estimate: 0.1, variance: 1e-4 })).toBe(
      evidenceDifferent({ estimate: -0.1, variance: 1e-4 }),
    );
  });

  it('takes sample variances of a regressor’s errors', () => {
    // errors 0 and 2 in turn: mean 1, variance 200/199
    const production = { count: 200, sum: 200, squares: 400 };
    const candidate = { count: 200, sum: 300, squares: 650 };
    const difference = errorIncrease(candidate, production, 0.1);
    expect(difference?.estimate).toBeCloseTo(0.4, 12);
    expect(difference?.variance).toBeCloseTo(200 / 199 / 200 + 200 / 199 / 200, 12);
  });
});

describe('the 95 % confidence sequence', () => {
  it.each([
    [5, 100, 0.007149, 0.155794],
    [20, 1000, 0.007819, 0.040635],
  ])('%d of %d', (bad, trials, low, high) => {
    const [lower, upper] = confidenceSequence(of(bad, trials), 0.05);
    expect(lower).toBeCloseTo(low, EXACTLY);
    expect(upper).toBeCloseTo(high, EXACTLY);
  });

  it('is everything without a trial, and reaches the end that the counts do', () => {
    expect(confidenceSequence(of(0, 0), 0.05)).toEqual([0, 1]);
    expect(confidenceSequence(of(0, 100), 0.05)[0]).toBe(0);
    expect(confidenceSequence(of(100, 100), 0.05)[1]).toBe(1);
  });
});
