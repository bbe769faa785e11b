import { accuracyDrop, type Difference, errorIncrease, evidenceDifferent } from '../evidence/difference.ts';
import type { Rollout } from '../rollouts/document.ts';
import { watchedBy } from '../rollouts/triggers.ts';
import type { Arms } from './arms.ts';
import { COVERAGE_GAP, coverage } from './judge-trigger.ts';

/** What an A/B comparison comes to by now. */
export interface Comparison {
  /** The better arm; undefined: the evidence does not say. */
  readonly winner: 'candidate' | 'production' | undefined;
  readonly by: 'accuracy' | 'error' | 'error rate';
  /** Share of right answers, mean absolute error, or share of requests that went wrong; undefined without any. */
  readonly candidate: number | undefined;
  readonly production: number | undefined;
  /** ln Λ that the arms differ, either way, and from where on that is taken for true. */
  readonly evidence: number;
  readonly threshold: number;
  /** Why there is no winner, in words. */
  readonly why: string | undefined;
}

/** Compares the arms at α, two-sided: by labels where both have enough of them, by the error of a regressor that is watched for it, else by the share of requests that went wrong. */
export function compareArms(arms: Arms, { alpha, triggers }: Rollout, hasFairSplit: boolean): Comparison {
  const { candidate, production } = arms;
  const wrong = ({ labels: { labels, right } }: typeof candidate) => ({ bad: labels - right, trials: labels });
  const failed = ({ counts: { bad, trials } }: typeof candidate) => ({ bad, trials });
  const isRegressor = triggers.some(({ when }) => watchedBy(when)?.metric === 'error_increase');
  const mean = ({ labels: { errors } }: typeof candidate) => (errors.count > 0 ? errors.sum / errors.count : undefined);
  const share = ({ bad, trials }: { bad: number; trials: number }) => (trials > 0 ? bad / trials : undefined);
  const right = (arm: typeof candidate) => {
    const bad = share(wrong(arm));
    return bad === undefined ? undefined : 1 - bad;
  };
  const threshold = -Math.log(alpha);
  const byErrors = isRegressor && errorIncrease(candidate.labels.errors, production.labels.errors, 0);
  const byLabels = isRegressor ? undefined : accuracyDrop(wrong(candidate), wrong(production), 0);
  const byRequests = accuracyDrop(failed(candidate), failed(production), 0);
  const said = (
    by: Comparison['by'],
    difference: Difference | undefined,
    of: (arm: typeof candidate) => number | undefined,
    isUneven = false,
  ): Comparison => {
    const evidence = difference === undefined ? 0 : evidenceDifferent(difference);
    const why = !hasFairSplit
      ? 'the split of traffic is not what it should be'
      : isUneven
        ? 'labels cover the arms unevenly'
        : difference === undefined
          ? 'fewer than 100 an arm'
          : evidence < threshold
            ? 'no difference is shown'
            : undefined;
    const better = (difference?.estimate ?? 0) > 0 ? 'production' : 'candidate';
    const winner = why === undefined ? better : undefined;
    return { winner, by, candidate: of(candidate), production: of(production), evidence, threshold, why };
  };
  const isUneven = Math.abs(coverage(candidate) - coverage(production)) > COVERAGE_GAP;
  if (byErrors) return said('error', byErrors, mean, isUneven);
  if (byLabels) return said('accuracy', byLabels, right, isUneven);
  return said('error rate', byRequests, arm => share(failed(arm)));
}

/** For a person, and for the trail. */
export function inWords({ candidate: version, baseline, alpha }: Rollout, comparison: Comparison): string {
  const { winner, by, candidate, production, why } = comparison;
  const shown = (value: number | undefined) => (value === undefined ? 'nothing' : String(Number(value.toPrecision(4))));
  const beside = `${by} ${shown(candidate)} of ${version}, ${shown(production)} of ${baseline}`;
  if (winner === undefined) return `no winner at α ${alpha} (${why}; ${beside})`;
  return `${winner === 'candidate' ? version : baseline} is the better one at α ${alpha} (${beside})`;
}
