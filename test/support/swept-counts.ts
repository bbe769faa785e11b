import { parseDocument } from '../../src/rollouts/document.ts';
import { Counts, type Group } from '../../src/sweep/counts.ts';
import { addTo, bucketOf } from '../../src/sweep/histogram.ts';
import type { SweptCounts } from '../../src/sweep/read-counts.ts';
import { NINE } from './endings.ts';

/** What an arm did, for tests of verdicts. */
export interface ArmParts {
  readonly requests?: number;
  readonly bad?: number;
  readonly runs?: number;
  readonly slowRuns?: number;
  readonly slowMs?: number;
  readonly failedRuns?: number;
  /** Distinct buckets seen; 50 where nothing is said. */
  readonly buckets?: readonly number[];
  readonly misrouted?: number;
  readonly labels?: number;
  readonly right?: number;
  /** By label as JSON. */
  readonly classes?: Readonly<Record<string, number>>;
  /** By bin, from the least. */
  readonly confidences?: readonly number[];
  readonly weight?: number;
  readonly atMs?: number;
}

/** A rollout that began at nine, and what was counted of it. */
export function documentOf(
  rollout: Readonly<Record<string, unknown>> = {},
  more: Readonly<Record<string, unknown>> = {},
) {
  const nine = new Date(NINE).toISOString();
  const defaults = {
    ...{ id: 'ro_1', kind: 'canary', phase: 'running', candidate: '1.2.0', baseline: '1.1.0', weight: 5 },
    ...{ started_at: nine, effective_at: nine, duration: '24h', on_undecided: 'hold', alpha: 0.05 },
    triggers: [
      { when: 'error_rate > 0.01', default: true },
      { when: 'latency_p95 > 500ms', and: 'worse_than_production', default: true },
      { when: 'accuracy_drop > 0.05', default: true },
      { when: 'failed_runs > 0.01', and: 'worse_than_production', default: true },
    ],
  };
  const document = { schema: 1, revision: 42, aliases: { production: '1.1.0' }, rollout: { ...defaults, ...rollout } };
  return parseDocument(JSON.stringify({ ...document, ...more }), 'churn/deployment.json');
}

function countsOf(parts: ArmParts, from: number): Counts {
  const counts = new Counts();
  const { requests = 0, bad = 0, runs = 0, slowRuns = 0, slowMs = 800, failedRuns = 0, misrouted = 0 } = parts;
  Object.assign(counts, {
    requests,
    results: requests,
    trials: requests,
    bad,
    errors: bad,
    runs,
    failedRuns,
    misrouted,
  });
  if (slowRuns > 0) addTo(counts.modelTimes, bucketOf(slowMs), slowRuns);
  if (runs > slowRuns) addTo(counts.modelTimes, bucketOf(2), runs - slowRuns);
  for (const bucket of parts.buckets ?? Array.from({ length: 50 }, (_, i) => from + i)) counts.see(bucket);
  counts.classes = new Map(Object.entries(parts.classes ?? {}));
  counts.confidences = counts.confidences.map((_, bin) => parts.confidences?.[bin] ?? 0);
  counts.firstAtMs = parts.atMs ?? NINE;
  counts.lastAtMs = counts.firstAtMs + 1;
  return counts;
}

/**
 * @param production in the same stage of weight as the candidate's entry at its place
 * @param before what labels say of production's answers by the hour
 */
export function sweptCounts(
  candidate: readonly ArmParts[],
  production: readonly ArmParts[],
  before: NonNullable<SweptCounts['labels']['production']> = [],
): SweptCounts {
  const group = (variant: string, parts: ArmParts): Group => ({
    ...{ model: 'churn', version: variant === 'candidate' ? '1.2.0' : '1.1.0', variant, rollout: 'ro_1' },
    weight: parts.weight ?? 5,
  });
  const labels = (parts: readonly ArmParts[]) => ({
    labels: parts.reduce((sum, each) => sum + (each.labels ?? 0), 0),
    right: parts.reduce((sum, each) => sum + (each.right ?? 0), 0),
    errors: { count: 0, sum: 0, squares: 0 },
  });
  return {
    groups: [
      ...candidate.map(parts => ({ group: group('candidate', parts), counts: countsOf(parts, 0) })),
      ...production.map(parts => ({ group: group('production', parts), counts: countsOf(parts, 500) })),
    ],
    labels: {
      ...{ at_ms: NINE, waiting: 0, unmatched: 0 },
      production: before,
      joined: { ro_1: { candidate: labels(candidate), production: labels(production) } },
    },
    cursors: { 'inference-requests-results/0': 7 },
    newestAtMs: NINE,
    short: [],
    last: {},
    lost: 0,
    unsure: 0,
  };
}
