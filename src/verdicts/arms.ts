import type { Stage } from '../evidence/worse-than-production.ts';
import type { Rollout } from '../rollouts/document.ts';
import { Counts } from '../sweep/counts.ts';
import type { ArmLabels } from '../sweep/labels/join.ts';
import type { SweptCounts } from '../sweep/read-counts.ts';

/** What is known of one arm of a rollout. */
export interface Arm {
  readonly counts: Counts;
  readonly labels: ArmLabels;
}

/** Both arms while the candidate had one weight. */
export interface WeightStage {
  /** Per cent; undefined where the document does not tell any more. */
  readonly weight: number | undefined;
  readonly candidate: Counts;
  readonly production: Counts;
}

/** What was counted of a rollout. */
export interface Arms {
  readonly candidate: Arm;
  readonly production: Arm;
  /** In the order in which they began. */
  readonly stages: readonly WeightStage[];
}

const NO_LABELS: ArmLabels = { labels: 0, right: 0, errors: { count: 0, sum: 0, squares: 0 } };

/** Merges what the partitions counted of a rollout of a model. */
export function armsOf(model: string, { id }: Pick<Rollout, 'id'>, { groups, labels }: SweptCounts): Arms {
  const stages = new Map<number | undefined, WeightStage>();
  const whole = { candidate: new Counts(), production: new Counts() };
  for (const { group, counts } of groups) {
    if (group.model !== model || group.rollout !== id) continue;
    const stage = stages.get(group.weight) ?? {
      weight: group.weight,
      candidate: new Counts(),
      production: new Counts(),
    };
    stages.set(group.weight, stage);
    const variant = group.variant === 'candidate' ? 'candidate' : 'production';
    stage[variant].add(counts);
    whole[variant].add(counts);
  }
  const begin = ({ candidate, production }: WeightStage) => Math.min(candidate.firstAtMs, production.firstAtMs);
  const joined = labels.joined[id];
  return {
    candidate: { counts: whole.candidate, labels: joined?.candidate ?? NO_LABELS },
    production: { counts: whole.production, labels: joined?.production ?? NO_LABELS },
    stages: [...stages.values()].sort((one, other) => begin(one) - begin(other)),
  };
}

/** Of a kind of trial: how many there were of an arm, and how many of them were bad. */
export type TrialsOf = (counts: Counts) => { readonly bad: number; readonly trials: number };

/** The stages as `evidenceWorse` takes them: those that both arms had a trial in. */
export function stagesOf({ stages }: Arms, trialsOf: TrialsOf): readonly Stage[] {
  return stages.flatMap(({ candidate, production }) => {
    const [ours, theirs] = [trialsOf(candidate), trialsOf(production)];
    if (ours.trials === 0 || theirs.trials === 0) return [];
    const share = ours.trials / (ours.trials + theirs.trials);
    return [{ share, candidateBad: ours.bad, productionBad: theirs.bad }];
  });
}
