import type { Schedule } from './schedule.ts';
import { FATE, type Tally } from './tally.ts';

/** Our clock and its waiting; handed in, so that schedules are tested without time passing. */
export interface LoadClock {
  /** Milliseconds since the epoch, with fractions, never going back. */
  now(): number;
  /** Resolves after that long, or at once when the signal comes. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export interface LoadPlan {
  /** Undefined: every worker sends its next request once its last one is confirmed. */
  readonly schedule: Schedule | undefined;
  /** Requests at most. */
  readonly total: number;
  readonly durationMs: number;
  /** Sends under way at once, at most. */
  readonly workers: number;
  /** Partition key of the n-th request; undefined for none. */
  keyOf(n: number): string | undefined;
  /** Sends the requests with these numbers, all of one key; resolves when the hub has confirmed them. Does not throw. */
  send(numbers: readonly number[], key: string | undefined): Promise<void>;
}

/** Requests that are due together and go in one send, as a producer's buffer would have it. */
interface Group {
  readonly key: string | undefined;
  readonly numbers: number[];
}

/** More than that do not go in one send: it would be late for its first for the sake of its last. */
const LARGEST_GROUP = 500;
/** Timers are no finer, and a send for each of many requests a millisecond would only heat the machine that is measured. */
const TICK_MS = 1;
const LOOK_MS = 10;
/** After the end of the duration: what was due and is not sent, or not confirmed, by then counts as not sent. */
const LATE_MS = 5_000;

/**
 * Sends what the plan says until it is done or the signal comes; what is under way then is still confirmed.
 *
 * With a schedule this is an open loop: a request's intended time is the schedule's, whether or not the hub, or this process, keeps up. Without one
 * the intended time is the moment its worker is free.
 */
export async function sendLoad(plan: LoadPlan, tally: Tally, clock: LoadClock, signal: AbortSignal): Promise<void> {
  const startMs = clock.now();
  if (plan.schedule) await sendOnSchedule(plan, plan.schedule, startMs, tally, clock, signal);
  else await sendUnpaced(plan, startMs, tally, clock, signal);
}

async function sendUnpaced(plan: LoadPlan, startMs: number, tally: Tally, clock: LoadClock, signal: AbortSignal) {
  let next = 0;
  const worker = async () => {
    while (next < plan.total && !signal.aborted) {
      const nowMs = clock.now();
      if (nowMs - startMs >= plan.durationMs) return;
      const n = next++;
      tally.begin(n, nowMs, nowMs);
      await plan.send([n], plan.keyOf(n));
    }
  };
  await Promise.all(Array.from({ length: Math.min(plan.workers, plan.total) }, worker));
}

async function sendOnSchedule(
  plan: LoadPlan,
  schedule: Schedule,
  startMs: number,
  tally: Tally,
  clock: LoadClock,
  signal: AbortSignal,
) {
  const total = Math.min(plan.total, schedule.dueBefore(plan.durationMs));
  const waiting = new Map<string | undefined, Group>();
  const underWay = new Map<Promise<void>, readonly number[]>();
  const endMs = startMs + plan.durationMs + LATE_MS;

  function giveUp(): void {
    for (const { numbers } of waiting.values()) {
      for (const n of numbers) {
        tally.begin(n, startMs + schedule.timeOf(n), 0);
        tally.fail(n, 'not sent by the end of --duration');
      }
    }
    waiting.clear();
  }

  function dispatch(): void {
    if (clock.now() >= endMs) giveUp();
    for (const [key, group] of waiting) {
      if (underWay.size >= plan.workers) return;
      waiting.delete(key);
      const nowMs = clock.now();
      const numbers = group.numbers.splice(0, LARGEST_GROUP);
      if (group.numbers.length > 0) waiting.set(key, group);
      for (const n of numbers) tally.begin(n, startMs + schedule.timeOf(n), nowMs);
      const sending = plan.send(numbers, key).finally(() => {
        underWay.delete(sending);
        if (!signal.aborted) dispatch();
      });
      underWay.set(sending, numbers);
    }
  }

  let next = 0;
  while (next < total && !signal.aborted) {
    const due = Math.min(total, schedule.dueBefore(clock.now() - startMs));
    for (; next < due; next++) {
      const key = plan.keyOf(next);
      const group = waiting.get(key);
      if (group) group.numbers.push(next);
      else waiting.set(key, { key, numbers: [next] });
    }
    dispatch();
    if (next < total) await clock.sleep(Math.max(TICK_MS, startMs + schedule.timeOf(next) - clock.now()), signal);
  }
  while (underWay.size > 0 && clock.now() < endMs) {
    const isBounded = endMs < Number.POSITIVE_INFINITY && !signal.aborted;
    await (isBounded ? clock.sleep(LOOK_MS, signal) : Promise.all(underWay.keys())); // the last of them may begin others
  }
  if (!signal.aborted) giveUp();
  for (const n of [...underWay.values()].flat())
    if (tally.at(n).fate === FATE.unsettled) tally.fail(n, 'not confirmed by the end of --duration');
}
