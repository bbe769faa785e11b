import cdf from '@stdlib/stats-base-dists-normal-cdf';
import type { Trials } from './binomial.ts';

/** A difference between two arms, and the variance of its estimate. */
export interface Difference {
  readonly estimate: number;
  readonly variance: number;
}

/** Sums of values, as integers scaled by whoever counts them, or as they are: count, sum, sum of squares. */
export interface Moments {
  readonly count: number;
  readonly sum: number;
  readonly squares: number;
}

/** Fewer labels an arm say nothing: the evidence is asymptotic. */
export const LEAST_LABELS = 100;
/** Standard deviation of the differences that the mixture looks for, as a share or in units of the error. */
const TAU = 0.05;

/** How much the candidate's share of right answers lies below production's, by more than `drop`; undefined below 100 labels an arm. */
export function accuracyDrop(candidate: Trials, production: Trials, drop: number): Difference | undefined {
  if (candidate.trials < LEAST_LABELS || production.trials < LEAST_LABELS) return undefined;
  const right = ({ bad, trials }: Trials) => (trials - bad) / trials;
  return {
    estimate: right(production) - right(candidate) - drop,
    variance: varianceOfShare(candidate) + varianceOfShare(production),
  };
}

/** With (r + ½)/(n + 1) for the share, so that an arm that is always wrong, or always right, has one. */
function varianceOfShare({ bad, trials }: Trials): number {
  const share = (trials - bad + 0.5) / (trials + 1);
  return (share * (1 - share)) / trials;
}

/** The same of a mean: how much the candidate's error lies above production's, by more than `increase`. */
export function errorIncrease(candidate: Moments, production: Moments, increase: number): Difference | undefined {
  if (candidate.count < LEAST_LABELS || production.count < LEAST_LABELS) return undefined;
  const mean = ({ sum, count }: Moments) => sum / count;
  const variance = ({ count, sum, squares }: Moments) =>
    Math.max(0, squares - (sum * sum) / count) / (count - 1) / count;
  return {
    estimate: mean(candidate) - mean(production) - increase,
    variance: variance(candidate) + variance(production),
  };
}

/**
 * Evidence that a difference is above zero, ln Λ of the mixture sequential probability ratio test with a half-normal mixture (Johari, Koomen, Pekelis and Walsh);
 * asymptotic: it holds as far as the mean is normal.
 */
export function evidencePositive({ estimate: d, variance: v }: Difference, tau = TAU): number {
  if (v === 0) return d > 0 ? Number.POSITIVE_INFINITY : d < 0 ? Number.NEGATIVE_INFINITY : 0;
  return twoSided(d, v, tau) + Math.log(2 * cdf((tau * d) / Math.sqrt(v * (v + tau * tau)), 0, 1));
}

/** The same that it is below zero. */
export function evidenceNegative({ estimate, variance }: Difference, tau = TAU): number {
  return evidencePositive({ estimate: -estimate, variance }, tau);
}

/** The same that it is not zero, either way: the two-sided test of an A/B comparison. */
export function evidenceDifferent({ estimate, variance }: Difference, tau = TAU): number {
  if (variance === 0) return estimate === 0 ? 0 : Number.POSITIVE_INFINITY;
  return twoSided(estimate, variance, tau);
}

function twoSided(d: number, v: number, tau: number): number {
  const mixed = v + tau * tau;
  return 0.5 * Math.log(v / mixed) + (tau * tau * d * d) / (2 * v * mixed);
}
