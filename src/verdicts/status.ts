import type { DeploymentDocument, Rollout } from '../rollouts/document.ts';
import { type Watched, watchedBy } from '../rollouts/triggers.ts';
import type { SweptCounts } from '../sweep/read-counts.ts';
import type { Arm } from './arms.ts';
import { type Comparison, inWords } from './compare-arms.ts';
import { type JudgedRollout, judgeRollout } from './judge-rollout.ts';
import { coverage, type Judged, trialsWatched } from './judge-trigger.ts';

/** What is counted as slow where no trigger says it. */
const SLOW_MS = 500;
/** JSON has no infinity; evidence beyond this is as good as that. */
const MOST_EVIDENCE = 1_000;

export interface StatusOptions {
  readonly model: string;
  readonly document: DeploymentDocument;
  readonly counts: SweptCounts;
  readonly nowMs: number;
  /** When the sweep last began, milliseconds since the epoch; undefined: it never did. */
  readonly sweptAtMs: number | undefined;
  /** Where the trigger that fails has its bad trials, in words; absent: as the document has it. */
  readonly blame?: readonly string[] | undefined;
}

export type RolloutStatus = ReturnType<typeof statusOf>;

/** `rollout status --json`, as the contract shows it. */
export function statusOf({ model, document, counts, nowMs, sweptAtMs, blame }: StatusOptions) {
  const { revision, rollout, quarantine, cooldown_until } = document;
  const sweep = {
    lag_seconds: sweptAtMs === undefined ? null : Math.max(0, (nowMs - sweptAtMs) / 1000),
    unsure: counts.unsure,
    lost: counts.lost,
  };
  const common = { model, revision, quarantine, ...(cooldown_until !== undefined && { cooldown_until }) };
  if (rollout === undefined) return { ...common, rollout: null, verdict: 'pass', next: 'no rollout runs' } as const;
  const judged = judgeRollout(model, rollout, counts, nowMs);
  const { arms, split } = judged;
  const latency = rollout.triggers
    .map(({ when }) => watchedBy(when) as Watched)
    .find(({ metric }) => metric === 'latency');
  const slowMs = latency?.limit ?? SLOW_MS;
  return {
    ...common,
    rollout: rolloutShown(judged),
    arms: { candidate: armShown(arms.candidate, slowMs), production: armShown(arms.production, slowMs) },
    triggers: judged.triggers.map(triggerShown),
    split: split && { ...split, evidence: bounded(split.evidence) },
    labels: {
      coverage: { candidate: coverage(arms.candidate), production: coverage(arms.production) },
      waiting: counts.labels.waiting,
      unmatched: counts.labels.unmatched,
      // Where the candidate has all traffic: of the 24 h before.
      ...(judged.weight >= 100 && {
        before: {
          answers: arms.before.counts.results,
          labels: arms.before.labels.labels,
          right: arms.before.labels.right,
        },
      }),
    },
    buckets: judged.buckets,
    sweep,
    ...(judged.comparison && {
      winner: judged.comparison.winner ?? null,
      comparison: comparisonShown(judged.comparison),
    }),
    blame: blame ?? rollout.blame ?? [],
    verdict: judged.verdict,
    next: nextOf(model, judged),
    ...(undoOf(model, rollout) !== undefined && { undo: undoOf(model, rollout) }),
  };
}

function rolloutShown({ rollout, weight, endsAtMs }: JudgedRollout) {
  const {
    id,
    kind,
    phase,
    candidate,
    baseline,
    started_at,
    effective_at,
    duration,
    segments,
    ramp,
    on_undecided,
    alpha,
    reason,
  } = rollout;
  const ends_at = endsAtMs === undefined ? null : new Date(endsAtMs).toISOString();
  return {
    id,
    kind,
    phase,
    candidate,
    baseline,
    weight,
    started_at,
    effective_at,
    ends_at,
    duration,
    segments,
    ramp,
    on_undecided,
    alpha,
    reason,
  };
}

function armShown({ counts, labels }: Arm, slowMs: number) {
  const { requests, errors, runs, failedRuns } = counts;
  const slow = trialsWatched({ metric: 'latency', limit: slowMs, share: 0.05 }).of(counts).bad;
  return {
    ...{ requests, errors, runs, slow_runs: slow, failed_runs: failedRuns },
    ...{ labels: labels.labels, right: labels.right, dead_letters: Object.fromEntries(counts.deadLetters) },
    // Latency is proven for runs of the sizes seen: those at 5 % are smaller than at 100 %.
    rows_per_run: runs > 0 ? Number(((requests - counts.cached) / runs).toPrecision(3)) : null,
  };
}

function triggerShown(judged: Judged) {
  const { trigger, bad, trials, candidate, production, interval, failEvidence, passEvidence, worseEvidence } = judged;
  return {
    ...{ trigger, bad, trials, candidate, production, interval },
    fail_evidence: bounded(failEvidence),
    pass_evidence: bounded(passEvidence),
    ...(worseEvidence !== undefined && { worse_evidence: bounded(worseEvidence) }),
    threshold: judged.threshold,
    verdict: judged.verdict,
    ...(judged.isSignal && { signal: true }),
    ...(judged.why !== undefined && { why: judged.why }),
  };
}

function comparisonShown({ by, candidate, production, evidence, threshold, why }: Comparison) {
  return { by, candidate, production, evidence: bounded(evidence), threshold, ...(why !== undefined && { why }) };
}

const bounded = (evidence: number) => Math.max(-MOST_EVIDENCE, Math.min(MOST_EVIDENCE, evidence));

/** What happens next, in words. */
function nextOf(model: string, { rollout, verdict, obstacles, endsAtMs, isOver, comparison }: JudgedRollout): string {
  const { phase, kind, candidate, baseline, on_undecided, reason } = rollout;
  const command = (words: string) => `\`npx hubscore rollout ${words} ${model}\``;
  if (phase === 'rolled_back')
    return `${baseline} answers again${reason ? `: ${reason}` : ''}; ${candidate} is in quarantine`;
  if (phase === 'promoted')
    return `${candidate} is production; ${command('rollback')} within 24 h brings ${baseline} back`;
  if (phase === 'ended')
    return `it is over${reason ? `: ${reason}` : ''}; ${baseline} is production, \`npx hubscore models promote ${model} ${candidate}\` changes that`;
  if (verdict === 'fail') return `${baseline} answers again with the next sweep`;
  if (phase === 'held')
    return `waits for a person${reason ? ` (${reason})` : ''}: ${command('resume')}, ${command('promote')} or ${command('rollback')}`;
  const ends = endsAtMs === undefined ? '' : new Date(endsAtMs).toISOString();
  if (comparison !== undefined)
    return `compares until ${ends} and ends then with what it found; by now ${inWords(rollout, comparison)}`;
  if (kind === 'blue_green') return `${candidate} stays unless a trigger fails by ${ends}`;
  if (obstacles.length === 0)
    return isOver
      ? `${candidate} becomes production with the next sweep`
      : `${candidate} becomes production at ${ends} if all triggers pass then as they do now`;
  const otherwise = {
    hold: 'it is held for a person',
    promote: 'it is promoted all the same',
    rollback: 'it is rolled back',
  };
  return `at ${ends} ${otherwise[on_undecided]} unless by then ${obstacles.length === 1 ? 'this is settled' : 'these are settled'}: ${obstacles.join('; ')}`;
}

function undoOf(model: string, { phase }: Rollout): string | undefined {
  if (phase === 'rolled_back' || phase === 'ended') return undefined;
  return `npx hubscore rollout rollback ${model}`;
}

/** 0: pass, or none; 2: fail, or rolled back; 3: undecided. */
export function exitStatusOf({ verdict }: { readonly verdict: string }): number {
  return verdict === 'fail' ? 2 : verdict === 'undecided' ? 3 : 0;
}
