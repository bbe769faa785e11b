import { confidenceSequence, evidenceAbove, evidenceBelow } from '../evidence/binomial.ts';
import {
  accuracyDrop,
  type Difference,
  errorIncrease,
  evidenceNegative,
  evidencePositive,
} from '../evidence/difference.ts';
import { evidenceWorse } from '../evidence/worse-than-production.ts';
import { isShift, type Trigger, type Watched, watchedBy } from '../rollouts/triggers.ts';
import { countAbove } from '../sweep/histogram.ts';
import { type Arm, stagesOf, type TrialsOf } from './arms.ts';
import { judgeShift } from './judge-shift.ts';
import type { Judged, JudgeOptions, Verdict } from './judged.ts';

export type { Judged, Verdict };

/** Arms whose shares of labelled requests differ by more are not compared: what is labelled may be what went wrong. */
export const COVERAGE_GAP = 0.1;

/** Judges a trigger by what was counted. Valid whenever it is asked for: there is no least number of trials. */
export function judgeTrigger(trigger: Trigger, options: JudgeOptions): Judged {
  const { rollout } = options;
  const watched = watchedBy(trigger.when) as Watched;
  const threshold = Math.log(rollout.triggers.length / rollout.alpha);
  const { metric } = watched;
  if (metric === 'accuracy_drop' || metric === 'error_increase')
    return judgeLabels(trigger, watched, threshold, options);
  if (isShift(metric)) return judgeShift(trigger, watched, threshold, options);
  return judgeTrials(trigger, watched, threshold, options);
}

/** What a trigger on trials counts, and the share of them that is allowed. */
export function trialsWatched({ metric, limit, share }: Watched): { readonly of: TrialsOf; readonly p0: number } {
  if (metric === 'latency') {
    return {
      of: ({ modelTimes, runs }) => ({ bad: countAbove(modelTimes, limit), trials: runs }),
      p0: share as number,
    };
  }
  if (metric === 'failed_runs') return { of: ({ failedRuns, runs }) => ({ bad: failedRuns, trials: runs }), p0: limit };
  return { of: ({ bad, trials }) => ({ bad, trials }), p0: limit };
}

function judgeTrials(
  trigger: Trigger,
  watched: Watched,
  threshold: number,
  { rollout, arms, weight }: JudgeOptions,
): Judged {
  const { of, p0 } = trialsWatched(watched);
  const [ours, theirs] = [of(arms.candidate.counts), of(arms.production.counts)];
  const failEvidence = evidenceAbove(p0, ours);
  const passEvidence = evidenceBelow(p0, ours);
  const stages = stagesOf(arms, of);
  const hasProduction = weight < 100 && stages.length > 0;
  const worseEvidence = stages.length > 0 ? evidenceWorse(stages) : undefined;
  const isGuarded = trigger.and === 'worse_than_production' && weight < 100;
  const isWorse = !isGuarded || (hasProduction && (worseEvidence as number) >= threshold);
  const isAbove = failEvidence >= threshold;
  const verdict = isAbove && isWorse ? 'fail' : passEvidence >= threshold ? 'pass' : 'undecided';
  return {
    trigger: trigger.when,
    ...ours,
    candidate: shareOf(ours),
    production: shareOf(theirs),
    interval: ours.trials > 0 ? confidenceSequence(ours, rollout.alpha) : undefined,
    failEvidence,
    passEvidence,
    worseEvidence,
    threshold,
    verdict,
    isSignal: trigger.signal === true,
    why: isAbove && !isWorse ? 'above the limit, but not shown to be worse than production' : undefined,
  };
}

const shareOf = ({ bad, trials }: { readonly bad: number; readonly trials: number }) =>
  trials > 0 ? bad / trials : undefined;

function judgeLabels(trigger: Trigger, { metric, limit }: Watched, threshold: number, options: JudgeOptions): Judged {
  const { arms } = options;
  const [ours, theirs] = [arms.candidate, besideOf(options)];
  const wrong = ({ labels: { labels, right } }: Arm) => ({ bad: labels - right, trials: labels });
  const isShare = metric === 'accuracy_drop';
  const difference = isShare
    ? accuracyDrop(wrong(ours), wrong(theirs), limit)
    : errorIncrease(ours.labels.errors, theirs.labels.errors, limit);
  const why = whyNot(trigger, difference, options);
  const failEvidence = difference === undefined ? 0 : evidencePositive(difference);
  const passEvidence = difference === undefined ? 0 : evidenceNegative(difference);
  const isJudged = difference !== undefined && why === undefined;
  const decided = failEvidence >= threshold ? 'fail' : passEvidence >= threshold ? 'pass' : 'undecided';
  const mean = ({ labels: { errors } }: Arm) => (errors.count > 0 ? errors.sum / errors.count : undefined);
  return {
    trigger: trigger.when,
    ...wrong(ours),
    candidate: isShare ? shareOf(wrong(ours)) : mean(ours),
    production: isShare ? shareOf(wrong(theirs)) : mean(theirs),
    interval: undefined,
    failEvidence,
    passEvidence,
    worseEvidence: undefined,
    threshold,
    verdict: why?.isOut ? 'not_applicable' : isJudged ? decided : 'undecided',
    isSignal: trigger.signal === true,
    why: why?.text,
  };
}

/** What the candidate's labels are compared with: at weight 100 there is no production beside it, but there was one before. */
function besideOf({ arms, weight }: JudgeOptions): Arm {
  return weight >= 100 ? arms.before : arms.production;
}

/** Why labels do not decide. */
function whyNot(trigger: Trigger, difference: Difference | undefined, options: JudgeOptions) {
  const { arms, weight, isOver } = options;
  const [candidate, production] = [arms.candidate, besideOf(options)];
  const isAlone = weight >= 100;
  if (isAlone && production.labels.labels === 0)
    return { isOut: true, text: 'no production beside it, and no labels of the 24 h before to compare with' };
  const labels = candidate.labels.labels + (isAlone ? 0 : production.labels.labels);
  if (labels === 0)
    return { isOut: trigger.default === true && isOver, text: isOver ? 'no labels came' : 'no labels came yet' };
  if (difference === undefined) return { isOut: false, text: 'fewer than 100 labels an arm' };
  const gap = Math.abs(coverage(candidate) - coverage(production));
  if (gap <= COVERAGE_GAP) return undefined;
  return { isOut: false, text: `labels cover the arms unevenly, by ${Math.round(gap * 100)} percentage points` };
}

/** The share of an arm's results that is labelled. */
export function coverage({ labels, counts }: Arm): number {
  return counts.results > 0 ? labels.labels / counts.results : 0;
}
