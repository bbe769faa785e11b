import type { ClockOffset } from './clock-offset.ts';
import type { LatencySummary } from './latencies.ts';

/** What was asked for and where, as the report repeats it. */
export interface LoadSettings {
  readonly namespace: string;
  readonly requestsHub: string;
  readonly resultsHub: string;
  readonly deadLetterHub: string;
  readonly partitions: number;
  /** `1,000/s`, `100 → 2,000/s over 30 s`, or how else sending is paced. */
  readonly pace: string;
  /** False where nothing but the hub paced the sending. */
  readonly openLoop: boolean;
  readonly workers: number;
  readonly model: string | undefined;
  readonly payload: string;
  /** Rows of each request; absent: they are no packs. */
  readonly pack?: number | undefined;
  readonly keys: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string };
  readonly version: string;
}

/** One slice of the run's time, by when requests were meant to go and when endings were enqueued. */
export interface TimeBin {
  /** Since the start. */
  readonly second: number;
  /** A second. */
  readonly asked: number;
  readonly sent: number;
  readonly results: number;
  readonly deadLetters: number;
  /** From the intended time to the result, of requests meant for this slice; null where none of them was answered. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  /** Requests waiting in the hub; null where it was not asked for. */
  readonly lag: number | null;
}

export interface LatencyReport extends LatencySummary {
  /** `[percent, milliseconds]` */
  readonly curve: readonly (readonly [number, number])[];
}

export interface LoadReport {
  readonly settings: LoadSettings;
  /** ISO 8601 */
  readonly startedAt: string;
  /** From the first intended time to the last ending. */
  readonly seconds: number;
  readonly interrupted: boolean;
  readonly requests: {
    readonly begun: number;
    readonly sent: number;
    readonly notSent: number;
    readonly results: number;
    readonly deadLetters: number;
    readonly missing: number;
    readonly repeats: number;
    readonly cached: number;
  };
  readonly perSecond: {
    /** The rate that the schedule asked for, where less than nine tenths of it went out; else null. */
    readonly missed: number | null;
    /** Over the time in which there was sending. */
    readonly sent: number;
    /** From the first intended time to the last result. */
    readonly results: number;
    /** Most results in one second. */
    readonly peakResults: number;
  };
  readonly latencyMs: {
    /** By the service's clock alone. */
    readonly enqueuedToEnqueued: LatencyReport;
    /** From when the request was meant to go: what a caller feels, coordinated omission corrected. */
    readonly intendedToResult: LatencyReport;
    /** From when it was meant to go until its send began: large where this sender could not keep up. */
    readonly sendDelay: LatencySummary;
    /** From when its send began until the hub confirmed it. */
    readonly confirmation: LatencySummary;
  };
  readonly deadLetterCodes: Readonly<Record<string, number>>;
  readonly sendFailures: Readonly<Record<string, number>>;
  /** Requests in the hub not settled when the report was made, anybody's, by partition. */
  readonly lagAtEnd: Readonly<Record<string, number>>;
  /** The same when the last request had been sent. */
  readonly lagAfterSending: number | undefined;
  /** Taken out of `intendedToResult`. */
  readonly clock: ClockOffset;
  readonly binSeconds: number;
  readonly timeline: readonly TimeBin[];
}
