import { evidenceOther, type Trials } from './binomial.ts';

/** How tightly the share of buckets is expected around the weight: that many buckets' worth of certainty. */
const CONCENTRATION = 100;

/** Evidence that distinct buckets do not fall to the candidate (`bad`) by `share`, ln E. Requests are no trials: sticky keys fix their arm. */
export function evidenceOfSplit(share: number, buckets: Trials): number {
  return evidenceOther(share, buckets, CONCENTRATION * share, CONCENTRATION * (1 - share));
}

/** Each stage of weight is judged by itself, the j-th (from 1) against this threshold: together they cry wolf with probability α at most. */
export function splitThreshold(stage: number, alpha: number): number {
  return Math.log((stage * (stage + 1)) / alpha);
}

/** Evidence that what is counted by class (or by bin) stands in other proportions at the candidate than its share of all: a signal only. */
export function evidenceOfShift(share: number, candidate: readonly number[], production: readonly number[]): number {
  return candidate.reduce((sum, bad, i) => {
    const counts = { bad, trials: bad + (production[i] ?? 0) };
    return sum + evidenceOfSplit(share, counts);
  }, 0);
}

/** Pairs of answers to the same requests where just one of the two was right: A with p0 = ½. @returns counts for `evidenceAbove(0.5, …)` */
export function pairedTrials(onlyProductionRight: number, onlyCandidateRight: number): Trials {
  return { bad: onlyProductionRight, trials: onlyProductionRight + onlyCandidateRight };
}
