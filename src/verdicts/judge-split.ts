import { evidenceOfSplit, splitThreshold } from '../evidence/split.ts';
import type { Arms } from './arms.ts';

/** Whether the arms got the share of the keys that they were to get. */
export interface JudgedSplit {
  /** The candidate's share that was meant, and that of the distinct buckets seen, in the stage of weight nearest its threshold. */
  readonly expected: number;
  readonly observed: number;
  readonly bad: number;
  readonly trials: number;
  readonly evidence: number;
  readonly threshold: number;
  /** Endings in another arm than the formula gives their bucket: a single one is a fail. */
  readonly misrouted: number;
  readonly verdict: 'pass' | 'fail';
}

/** @returns undefined where nothing is split: nothing came yet, or the candidate has it all */
export function judgeSplit({ stages, candidate, production }: Arms, alpha: number): JudgedSplit | undefined {
  const misrouted = candidate.counts.misrouted + production.counts.misrouted;
  const judged = stages
    .filter(({ weight }) => weight !== undefined && weight > 0 && weight < 100)
    .map((stage, j) => {
      const expected = (stage.weight as number) / 100;
      const bad = stage.candidate.distinctBuckets;
      const trials = bad + stage.production.distinctBuckets;
      const evidence = evidenceOfSplit(expected, { bad, trials });
      const threshold = splitThreshold(j + 1, alpha);
      const verdict = misrouted > 0 || evidence >= threshold ? 'fail' : 'pass';
      return {
        expected,
        observed: trials > 0 ? bad / trials : 0,
        bad,
        trials,
        evidence,
        threshold,
        misrouted,
        verdict,
      } as const;
    })
    .filter(({ trials }) => trials > 0);
  return judged.sort((one, other) => other.evidence - other.threshold - (one.evidence - one.threshold))[0];
}
