import { isOpen, type Rollout } from '../rollouts/document.ts';
import { endsAtMs, weightAt } from '../rollouts/ramp.ts';
import type { SweptCounts } from '../sweep/read-counts.ts';
import { type Arms, armsOf } from './arms.ts';
import { type Comparison, compareArms } from './compare-arms.ts';
import { type JudgedSplit, judgeSplit } from './judge-split.ts';
import { type Judged, judgeTrigger, type Verdict } from './judge-trigger.ts';

/** All that is known of a rollout at a time. */
export interface JudgedRollout {
  readonly rollout: Rollout;
  readonly arms: Arms;
  /** The candidate's share now, per cent. */
  readonly weight: number;
  /** Milliseconds since the epoch; undefined while it is held. */
  readonly endsAtMs: number | undefined;
  readonly isOver: boolean;
  readonly triggers: readonly Judged[];
  readonly split: JudgedSplit | undefined;
  /** Distinct buckets of routing keys that the candidate answered. */
  readonly buckets: number;
  /** Of an A/B rollout; undefined of another. */
  readonly comparison: Comparison | undefined;
  readonly verdict: Verdict;
  /** What keeps it from being promoted, in words; empty where nothing does. */
  readonly obstacles: readonly string[];
}

/** Fewer keys are too few to be taken for all. */
const LEAST_BUCKETS = 5;

/** Judges a rollout of a model by what was counted up to now. */
export function judgeRollout(model: string, rollout: Rollout, counts: SweptCounts, nowMs: number): JudgedRollout {
  const arms = armsOf(model, rollout, counts);
  const weight = weightAt(rollout, nowMs);
  const ends = endsAtMs(rollout);
  const isOver = ends !== undefined && nowMs >= ends;
  const triggers = rollout.triggers.map(trigger => judgeTrigger(trigger, { rollout, arms, weight, isOver }));
  const split = judgeSplit(arms, rollout.alpha);
  const buckets = arms.candidate.counts.distinctBuckets;
  const obstacles = [
    ...triggers
      .filter(({ verdict }) => verdict === 'undecided')
      .map(({ trigger, why }) => `${trigger} is undecided${why ? ` (${why})` : ''}`),
    ...triggers
      .filter(({ verdict, isSignal }) => verdict === 'fail' && isSignal)
      .map(({ trigger }) => `the signal ${trigger} fails`),
    ...(split?.verdict === 'fail' ? ['the split of traffic is not what it should be'] : []),
    ...(weight < 100 && buckets < LEAST_BUCKETS ? [`only ${buckets} of 10,000 buckets of keys were seen`] : []),
  ];
  const hasFailed = triggers.some(({ verdict, isSignal }) => verdict === 'fail' && !isSignal);
  return {
    rollout,
    arms,
    weight,
    endsAtMs: ends,
    isOver,
    triggers,
    split,
    buckets,
    comparison: rollout.kind === 'ab' ? compareArms(arms, rollout, split?.verdict !== 'fail') : undefined,
    verdict: verdictOf(rollout, hasFailed, obstacles),
    obstacles,
  };
}

function verdictOf(rollout: Rollout, hasFailed: boolean, obstacles: readonly string[]): Verdict {
  if (rollout.phase === 'rolled_back') return 'fail';
  if (rollout.phase === 'promoted' || rollout.phase === 'ended') return 'pass';
  if (hasFailed) return 'fail';
  return obstacles.length === 0 && isOpen(rollout) ? 'pass' : 'undecided';
}
