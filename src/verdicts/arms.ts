import type { Stage } from '../evidence/worse-than-production.ts';
import type { Rollout } from '../rollouts/document.ts';
import { Counts } from '../sweep/counts.ts';
import type { ArmLabels } from '../sweep/labels/tally.ts';
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
  /** What production answered in the 24 h before the newest change, as far as labels tell of it: what a candidate that has all traffic is compared with. */
  readonly before: Arm;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NO_LABELS: ArmLabels = { labels: 0, right: 0, errors: { count: 0, sum: 0, squares: 0 } };

/** Merges what the partitions counted of a rollout of a model. */
export function armsOf(model: string, rollout: Past & Pick<Rollout, 'id'>, { groups, labels }: SweptCounts): Arms {
  const { id } = rollout;
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
    before: dayBefore(model, rollout, labels),
  };
}

type Past = Pick<Rollout, 'kind' | 'baseline' | 'started_at' | 'effective_at' | 'segments'>;

/** By whole hours, of which the first begins 24 h before the change or later. */
function dayBefore(
  model: string,
  { kind, baseline, started_at, effective_at, segments }: Past,
  { production = [] }: SweptCounts['labels'],
): Arm {
  // Held or not, a blue-green candidate has had it all since its start.
  const untilMs = Date.parse(kind === 'blue_green' ? started_at : effective_at);
  const counts = new Counts();
  const sum = structuredClone(NO_LABELS);
  for (const hour of production) {
    // Results name a version with its build.
    const isBaseline = hour.model === model && (hour.version === baseline || hour.version.startsWith(`${baseline}+`));
    // Nor is it known whose requests they were: those of some segments are not all.
    if (!isBaseline || segments !== undefined || hour.hourMs < untilMs - DAY_MS || hour.hourMs >= untilMs) continue;
    counts.results += hour.answers;
    sum.labels += hour.labels;
    sum.right += hour.right;
    for (const name of ['count', 'sum', 'squares'] as const) sum.errors[name] += hour.errors[name];
  }
  return { counts, labels: sum };
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
