import { Latencies } from './latencies.ts';
import type { LoadReport, LoadSettings, TimeBin } from './report.ts';
import { FATE, type Tally } from './tally.ts';

export interface LagSample {
  readonly atMs: number;
  readonly lag: number;
}

export interface ReportInput {
  readonly settings: LoadSettings;
  readonly tally: Tally;
  readonly startedMs: number;
  /** When sending ended. */
  readonly sentMs: number;
  /** When sending should have ended; absent: whenever it did. */
  readonly scheduledEndMs?: number;
  readonly interrupted: boolean;
  readonly lagSamples: readonly LagSample[];
  readonly lagAfterSending: number | undefined;
  readonly lagAtEnd: ReadonlyMap<string, number>;
}

/** Points that a curve over time has at most. */
const MOST_BINS = 240;
/** Of these lengths, so that an axis reads well. */
const BIN_SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];

export function makeReport(input: ReportInput): LoadReport {
  const { tally, startedMs, sentMs } = input;
  const clock = tally.clocks.offset;
  const enqueued = new Latencies();
  const intended = new Latencies();
  const delay = new Latencies();
  const confirmation = new Latencies();
  let lastMs = sentMs;
  let lastResultMs = startedMs;
  for (let n = 0; n < tally.begun; n++) {
    const { fate, endedMs } = tally.at(n);
    if (fate < FATE.result) continue;
    lastMs = Math.max(lastMs, endedMs - clock.offsetMs);
    if (fate === FATE.result) lastResultMs = Math.max(lastResultMs, endedMs - clock.offsetMs);
  }
  const seconds = Math.max(0.001, (lastMs - startedMs) / 1000);
  const binSeconds = BIN_SECONDS.find(length => seconds / length <= MOST_BINS) ?? 3600;
  // What is left over belongs to the last slice: one of a few milliseconds would show rates that never were.
  const bins = Array.from({ length: Math.max(1, Math.round(seconds / binSeconds)) }, newBin);
  const binAt = (ms: number) =>
    bins[Math.min(bins.length - 1, Math.max(0, Math.floor((ms - startedMs) / 1000 / binSeconds)))] as Bin;

  let begun = 0;
  for (let n = 0; n < tally.begun; n++) {
    const { fate, intendedMs, sendBeganMs, confirmedMs, enqueuedMs, endedMs } = tally.at(n);
    if (sendBeganMs === 0) continue; // its turn never came
    begun++;
    const meant = binAt(intendedMs);
    meant.asked++;
    binAt(sendBeganMs).sent++;
    delay.add(sendBeganMs - intendedMs);
    if (!Number.isNaN(confirmedMs)) confirmation.add(confirmedMs - sendBeganMs);
    if (fate < FATE.result) continue;
    const ending = binAt(endedMs - clock.offsetMs);
    if (fate === FATE.deadLetter) {
      ending.deadLetters++;
      continue;
    }
    ending.results++;
    const latencyMs = endedMs - clock.offsetMs - intendedMs;
    if (!Number.isNaN(enqueuedMs)) enqueued.add(endedMs - enqueuedMs);
    intended.add(latencyMs);
    meant.latencies.add(latencyMs);
  }
  for (const { atMs, lag } of input.lagSamples) if (atMs <= lastMs) binAt(atMs).lag = lag;

  const timeline = bins.map((bin, i) => {
    const isLast = i === bins.length - 1;
    return sliceOf(bin, i * binSeconds, isLast ? seconds - i * binSeconds : binSeconds);
  });
  return {
    settings: input.settings,
    startedAt: new Date(startedMs).toISOString(),
    seconds,
    interrupted: input.interrupted,
    requests: {
      begun,
      sent: tally.sent,
      notSent: tally.notSent,
      results: tally.results,
      deadLetters: tally.deadLetters,
      missing: tally.waiting,
      repeats: tally.repeats,
      cached: tally.cached,
    },
    perSecond: {
      missed: missedRate(input),
      sent: tally.sent / Math.max(0.001, (sentMs - startedMs) / 1000),
      results: tally.results / Math.max(0.001, (lastResultMs - startedMs) / 1000),
      peakResults: Math.max(0, ...timeline.map(({ results }) => results)),
    },
    latencyMs: {
      enqueuedToEnqueued: { ...enqueued.summary(), curve: enqueued.curve() },
      intendedToResult: { ...intended.summary(), curve: intended.curve() },
      sendDelay: delay.summary(),
      confirmation: confirmation.summary(),
    },
    deadLetterCodes: mostFirst(tally.deadLetterCodes),
    sendFailures: mostFirst(tally.sendFailures),
    lagAtEnd: Object.fromEntries(input.lagAtEnd),
    lagAfterSending: input.lagAfterSending,
    clock,
    binSeconds,
    timeline,
  };
}

/** The last send may be confirmed so much later than it was due. */
const LATE_END_MS = 1_000;
const KEPT_SHARE = 0.9;

function missedRate({ tally, startedMs, sentMs, scheduledEndMs, interrupted }: ReportInput): number | null {
  if (scheduledEndMs === undefined || interrupted) return null;
  const [asked, took] = [scheduledEndMs - startedMs, sentMs - startedMs];
  if (took - asked <= LATE_END_MS || asked >= KEPT_SHARE * took) return null;
  return tally.begun / Math.max(0.001, asked / 1000);
}

interface Bin {
  asked: number;
  sent: number;
  results: number;
  deadLetters: number;
  lag: number | null;
  readonly latencies: Latencies;
}

function newBin(): Bin {
  return { asked: 0, sent: 0, results: 0, deadLetters: 0, lag: null, latencies: new Latencies(2) };
}

function sliceOf(bin: Bin, second: number, length: number): TimeBin {
  const perSecond = (count: number) => Math.round((count / length) * 10) / 10;
  const { latencies } = bin;
  const percentile = (percent: number) => (latencies.count === 0 ? null : latencies.percentile(percent));
  return {
    second,
    asked: perSecond(bin.asked),
    sent: perSecond(bin.sent),
    results: perSecond(bin.results),
    deadLetters: perSecond(bin.deadLetters),
    p50: percentile(50),
    p95: percentile(95),
    p99: percentile(99),
    lag: bin.lag,
  };
}

function mostFirst(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}
