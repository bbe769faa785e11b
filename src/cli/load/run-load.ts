import type { EventHubProducerClient } from '@azure/event-hubs';
import { printable } from '../printable.ts';
import type { Terminal } from '../terminal.ts';
import { startLiveView } from './live-view.ts';
import { type LagSample, makeReport } from './make-report.ts';
import type { Payload } from './payload.ts';
import { RecentSeconds } from './recent-seconds.ts';
import type { LoadReport, LoadSettings } from './report.ts';
import type { Schedule } from './schedule.ts';
import { createGroupSender } from './send-group.ts';
import { type LoadClock, sendLoad } from './send-load.ts';
import type { Tally } from './tally.ts';
import { type EndingsWatch, type WatchedHubs, watchEndings } from './watch-hubs.ts';

export interface LoadJob {
  readonly producer: EventHubProducerClient;
  readonly hubs: WatchedHubs;
  readonly tally: Tally;
  readonly payload: Payload;
  readonly schedule: Schedule | undefined;
  readonly total: number;
  readonly durationMs: number;
  readonly workers: number;
  keyOf(n: number): string | undefined;
  /** For results after the last request was sent, at most. */
  readonly waitMs: number;
  readonly title: string;
  readonly settings: Omit<LoadSettings, 'partitions'>;
  readonly clock: LoadClock;
}

/** After Ctrl-C: what was just sent may still be answered. */
const GRACE_MS = 2000;
const SECOND_MS = 1000;
const LOOK_MS = 20;

/**
 * Sends the load, watches what comes of it, and reports. Ends early, with the report so far, at the terminal's signal.
 * @throws what the SDK throws where a hub cannot be reached at the start.
 */
export async function runLoad(job: LoadJob, terminal: Terminal): Promise<LoadReport> {
  const { producer, tally, clock, schedule } = job;
  const { signal } = terminal;
  const partitions = await producer.getPartitionIds({ abortSignal: signal });
  const recent = new RecentSeconds();
  const offset = () => tally.clocks.offset.offsetMs;
  const watch = await watchEndings(
    job.hubs,
    ending => {
      const n = tally.end(ending);
      if (n === undefined || ending.kind !== 'result') return;
      recent.addLatency(ending.endingEnqueuedMs - offset() - tally.at(n).intendedMs);
    },
    message => terminal.stderr.write(`${printable(message)}\n`),
    signal,
  );
  const startedMs = clock.now();
  let state = 'sending';
  const lags = sampleEverySecond(watch, clock, () => recent.turn(tally));
  const view = startLiveView(terminal.stdout, () => {
    const elapsedMs = clock.now() - startedMs;
    const latencies = recent.latencies();
    return {
      title: job.title,
      state,
      elapsedMs,
      askedPerSecond: state === 'sending' ? schedule?.rateAt(elapsedMs) : undefined,
      sent: tally.sent,
      sentPerSecond: recent.sent,
      results: tally.results,
      resultsPerSecond: recent.results,
      deadLetters: tally.deadLetters,
      waiting: tally.waiting,
      notSent: tally.notSent,
      lag: lags.samples.at(-1)?.lag,
      p50: latencies.percentile(50),
      p95: latencies.percentile(95),
      p99: latencies.percentile(99),
    };
  });
  try {
    const send = createGroupSender(producer, partitions, job.payload, tally, clock);
    await sendLoad({ ...job, send }, tally, clock, signal);
    const sentMs = clock.now();
    const lagAfterSending = totalOf(await lagOf(watch));
    state = 'waiting for results';
    const waitMs = signal.aborted ? Math.min(GRACE_MS, job.waitMs) : job.waitMs;
    await allEnded(tally, clock, sentMs + waitMs, signal);
    const lagAtEnd = (await lagOf(watch)) ?? new Map<string, number>();
    lags.samples.push({ atMs: clock.now(), lag: totalOf(lagAtEnd) ?? 0 });
    state = 'done';
    return makeReport({
      settings: { ...job.settings, partitions: partitions.length },
      tally,
      startedMs,
      sentMs,
      ...(schedule && { scheduledEndMs: startedMs + Math.min(job.durationMs, schedule.timeOf(job.total)) }),
      interrupted: signal.aborted,
      lagSamples: lags.samples,
      lagAfterSending,
      lagAtEnd,
    });
  } finally {
    lags.stop();
    view.stop();
    await watch.close();
  }
}

/** Until nothing is waited for, or the time is over; a signal shortens it to the grace. */
async function allEnded(tally: Tally, clock: LoadClock, untilMs: number, signal: AbortSignal): Promise<void> {
  const never = new AbortController().signal;
  let endMs = untilMs;
  while (tally.waiting > 0 && clock.now() < endMs) {
    if (signal.aborted) endMs = Math.min(endMs, clock.now() + GRACE_MS);
    await clock.sleep(LOOK_MS, never);
  }
}

function sampleEverySecond(watch: EndingsWatch, clock: LoadClock, onSecond: () => void) {
  const samples: LagSample[] = [];
  let asking = false;
  const timer = setInterval(async () => {
    onSecond();
    if (asking) return; // a hub slower than a second is not asked twice at once
    asking = true;
    const atMs = clock.now();
    const lag = totalOf(await lagOf(watch));
    if (lag !== undefined) samples.push({ atMs, lag });
    asking = false;
  }, SECOND_MS);
  return { samples, stop: () => clearInterval(timer) };
}

/** Undefined where the hub does not say just now: a figure less, no reason to end. */
async function lagOf(watch: EndingsWatch): Promise<ReadonlyMap<string, number> | undefined> {
  return watch.lag(AbortSignal.timeout(5 * SECOND_MS)).catch(() => undefined);
}

function totalOf(lag: ReadonlyMap<string, number> | undefined): number | undefined {
  return lag && [...lag.values()].reduce((sum, events) => sum + events, 0);
}
