import { Latencies } from './latencies.ts';
import type { Outcome, Sample, Scenario } from './scenario.ts';

/** Counts what happens in a simulation. */
export interface Recorder {
  /** In the hub, not answered. */
  readonly waiting: number;
  sent(at: number, count: number): void;
  enqueued(count: number): void;
  answered(now: number, events: readonly (readonly [at: number, count: number])[], count: number): void;
  retried(times: number): void;
  cameAgain(count: number): void;
  /** Samples begin here. */
  begin(): void;
  sample(now: number, tookMs: number, instances: number): void;
  outcome(): Outcome;
}

export function createRecorder({ warmUpMs, drainFromMs = Number.NEGATIVE_INFINITY }: Scenario): Recorder {
  const all = new Latencies();
  let slice = new Latencies();
  const total = { sent: 0, enqueued: 0, answered: 0, again: 0, retries: 0, batches: 0 };
  let before = { ...total };
  let owed = 0;
  let drainMs: number | undefined;
  const most = { waiting: 0, heldBack: 0, instances: 0 };
  const samples: Sample[] = [];
  const waiting = () => total.enqueued - total.answered;
  const heldBack = () => total.sent - total.enqueued;
  return {
    get waiting() {
      return waiting();
    },
    sent(at, count) {
      total.sent += count;
      if (at <= drainFromMs) owed += count;
      most.heldBack = Math.max(most.heldBack, heldBack());
    },
    enqueued(count) {
      total.enqueued += count;
      most.waiting = Math.max(most.waiting, waiting());
    },
    answered(now, events, count) {
      total.answered += count;
      total.batches++;
      for (const [at, some] of events) {
        slice.add(now - at, some);
        if (at >= warmUpMs) all.add(now - at, some);
        if (at <= drainFromMs) owed -= some;
      }
      if (owed === 0 && drainMs === undefined && now >= drainFromMs) drainMs = now - drainFromMs;
    },
    retried(times) {
      total.retries += times;
    },
    cameAgain(count) {
      total.again += count;
    },
    begin() {
      slice = new Latencies();
      before = { ...total };
      most.waiting = waiting();
      most.heldBack = heldBack();
    },
    sample(now, tookMs, instances) {
      most.instances = Math.max(most.instances, instances);
      samples.push({
        second: (now - warmUpMs) / 1000,
        sentPerSecond: (1000 * (total.sent - before.sent)) / tookMs,
        answeredPerSecond: (1000 * (total.answered - before.answered)) / tookMs,
        waiting: waiting(),
        heldBack: heldBack(),
        instances,
        p50Ms: slice.quantile(0.5) ?? null,
        p99Ms: slice.quantile(0.99) ?? null,
      });
      slice = new Latencies();
      before = { ...total };
    },
    outcome: () => ({
      sent: total.sent,
      answered: total.answered,
      waiting: waiting(),
      heldBack: heldBack(),
      again: total.again,
      retries: total.retries,
      batches: total.batches,
      p50Ms: all.quantile(0.5),
      p95Ms: all.quantile(0.95),
      p99Ms: all.quantile(0.99),
      drainMs: Number.isFinite(drainFromMs) ? drainMs : undefined,
      mostWaiting: most.waiting,
      mostHeldBack: most.heldBack,
      mostInstances: most.instances,
      samples,
    }),
  };
}
