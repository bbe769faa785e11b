import { assumptionsOf } from '../../size/assumptions.ts';
import type { Evaluation } from '../../size/evaluate.ts';
import type { SetUp } from '../../size/set-up.ts';
import type { Shown } from './show-size.ts';

/** The answer as data: what `--json` prints. Absent: not known, or not asked for. */
export function sizeJson({ question, evaluations, binding }: Shown) {
  const [first, second] = evaluations;
  if (first === undefined) return {};
  const { workload, costs, objective, prices, seed } = question;
  return {
    load: {
      rates: workload.rates,
      stretch_seconds: workload.stretchSeconds,
      burst: workload.burst,
      rows: workload.rows,
      request_bytes: workload.requestBytes,
      result_bytes: workload.resultBytes,
      readers: workload.readers,
    },
    objective: { p99_ms: objective.p99Ms, drain_ms: objective.drainMs },
    ...evaluationJson(first),
    holds: binding === undefined && first.misses.length === 0,
    binding,
    compare: second && evaluationJson(second),
    costs,
    prices,
    seed,
    assumes: assumptionsOf(question, first),
  };
}

const setUpJson = ({ memoryMb, alwaysReady, ...rest }: SetUp) => ({
  ...rest,
  memory_mb: memoryMb,
  always_ready: alwaysReady,
});

function evaluationJson({ setUp, capacities, money, outcome, misses }: Evaluation) {
  return {
    set_up: setUpJson(setUp),
    holds: misses.length === 0,
    misses,
    carries: capacities.map(({ limit, perSecond }) => ({ limit, per_second: perSecond * setUp.namespaces })),
    latency_ms: { p50: outcome.p50Ms, p95: outcome.p95Ms, p99: outcome.p99Ms },
    drain_ms: outcome.drainMs,
    most_waiting: outcome.mostWaiting,
    cost: {
      month: money.month,
      million_events: money.millionEvents,
      events_a_month: money.eventsAMonth,
      parts: money.parts,
      batch: { month: money.batch.month, million_events: money.batch.millionEvents },
    },
    timeline: outcome.samples.map(sample => ({
      second: sample.second,
      sent_per_second: sample.sentPerSecond,
      answered_per_second: sample.answeredPerSecond,
      waiting: sample.waiting,
      held_back: sample.heldBack,
      instances: sample.instances,
      p50_ms: sample.p50Ms,
      p99_ms: sample.p99Ms,
    })),
  };
}
