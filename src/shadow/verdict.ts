import { evidenceAbove, evidenceBelow, type Trials } from '../evidence/binomial.ts';
import { accuracyDrop, evidenceNegative } from '../evidence/difference.ts';
import type { Tally } from './pairs.ts';

/** What ground truth says of pairs. */
export interface PairLabels {
  /** Pairs that have a label; undefined where only flips were held against labels. */
  readonly labelled?: number | undefined;
  /** Of these, what each of the two had right. */
  readonly baselineRight?: number | undefined;
  readonly candidateRight?: number | undefined;
  /** Flips of which the baseline alone, and the candidate alone, was right. */
  readonly onlyBaseline: number;
  readonly onlyCandidate: number;
}

export type PairVerdict = 'pass' | 'fail' | 'undecided';

export interface JudgedTest {
  readonly trigger: string;
  readonly bad: number;
  readonly trials: number;
  readonly fail_evidence: number;
  readonly pass_evidence: number;
  readonly threshold: number;
  readonly verdict: PairVerdict | 'not_applicable';
  readonly why?: string | undefined;
}

/** As a rollout has it by default. */
const ERROR_RATE = 0.01;
const DROP = 0.05;
const ALPHA = 0.05;
/** JSON has no infinity; evidence beyond this is as good as that. */
const MOST_EVIDENCE = 1_000;
const THRESHOLD = Math.log(2 / ALPHA);

/**
 * Judges a version by the same requests answered by another: whether it fails more often than a rollout allows, and, where the two differ and the truth is known, which of
 * them is right more often (the evidence of rollouts with p0 = ½ on those pairs alone, which is the cheapest there is). Valid however often one looks.
 */
export function judgePairs(
  tally: Tally,
  labels: PairLabels,
): {
  readonly verdict: PairVerdict;
  readonly triggers: readonly JudgedTest[];
} {
  const triggers = [judgeErrors(tally), judgeFlips(tally, labels)];
  const has = (verdict: string) => triggers.some(each => each.verdict === verdict);
  return { verdict: has('fail') ? 'fail' : has('undecided') ? 'undecided' : 'pass', triggers };
}

function judgeErrors({ errors, pairs }: Tally): JudgedTest {
  return judged(`error_rate > ${ERROR_RATE}`, ERROR_RATE, { bad: errors, trials: pairs });
}

function judgeFlips({ pairs, flips }: Tally, labels: PairLabels): JudgedTest {
  const { onlyBaseline, onlyCandidate } = labels;
  const told = judged('wrong_where_they_differ > 0.5', 0.5, {
    bad: onlyBaseline,
    trials: onlyBaseline + onlyCandidate,
  });
  if (told.verdict !== 'undecided') return told;
  if (pairs > 0 && flips === 0) return { ...told, verdict: 'not_applicable', why: 'the two never differ' };
  if (told.trials === 0 && !labels.labelled)
    return { ...told, why: 'they differ, and no label says which of them is right' };
  return isAsGood(labels) ? { ...told, verdict: 'pass', why: `accuracy_drop > ${DROP} is ruled out` } : told;
}

/** Labels of all pairs rule out that it is right less often by more than a rollout allows. */
function isAsGood({ labelled, baselineRight, candidateRight }: PairLabels): boolean {
  if (labelled === undefined || baselineRight === undefined || candidateRight === undefined) return false;
  const wrong = (right: number) => ({ bad: labelled - right, trials: labelled });
  const difference = accuracyDrop(wrong(candidateRight), wrong(baselineRight), DROP);
  return difference !== undefined && evidenceNegative(difference) >= THRESHOLD;
}

function judged(trigger: string, limit: number, counts: Trials): JudgedTest {
  const fail = evidenceAbove(limit, counts);
  const pass = evidenceBelow(limit, counts);
  const verdict = fail >= THRESHOLD ? 'fail' : pass >= THRESHOLD ? 'pass' : 'undecided';
  return {
    ...{ trigger, ...counts },
    fail_evidence: bounded(fail),
    pass_evidence: bounded(pass),
    ...{ threshold: THRESHOLD, verdict },
  };
}

const bounded = (evidence: number) => Math.max(-MOST_EVIDENCE, Math.min(MOST_EVIDENCE, evidence));
