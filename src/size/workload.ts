import { FRAME } from './costs.ts';

/** More than usual for a while. */
export interface Burst {
  /** Times the rate. */
  readonly factor: number;
  readonly seconds: number;
}

/** What comes in. */
export interface Workload {
  /** Events a second, one figure for every stretch of a day of equal length; one alone: always the same. Not empty, none negative, one above 0. */
  readonly rates: readonly number[];
  /** Seconds that each of them lasts. */
  readonly stretchSeconds: number;
  /** Comes on top of the highest rate. */
  readonly burst?: Burst | undefined;
  /** Rows of an event. */
  readonly rows: number;
  /** Bodies, bytes. */
  readonly requestBytes: number;
  readonly resultBytes: number;
  /** Programs that read all results, the app's own sweep not counted. */
  readonly readers: number;
}

/** What has to hold. */
export interface Objective {
  /** 99 of 100 events are answered within, milliseconds. */
  readonly p99Ms?: number | undefined;
  /** So long after a burst everything that came by its end is answered, milliseconds. */
  readonly drainMs?: number | undefined;
}

export const peakOf = ({ rates }: Workload) => rates.reduce((most, rate) => Math.max(most, rate), 0);
export const meanOf = ({ rates }: Workload) => rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
/** At the worst moment, events a second. */
export const highestOf = (workload: Workload) => peakOf(workload) * (workload.burst?.factor ?? 1);

export const requestBytesOf = ({ requestBytes }: Workload) => requestBytes + FRAME.request;
export const resultBytesOf = ({ resultBytes }: Workload) => resultBytes + FRAME.result;

/** Bytes of a request and of its result without rows, and of a row of ten numbers: what a sample model's are, about. */
const BYTES = { request: 110, requestRow: 90, result: 320, resultRow: 60 } as const;

/** Of an event of so many rows of ten numbers, where nothing better is known. */
export const sizesOf = (rows: number) => ({
  requestBytes: BYTES.request + rows * BYTES.requestRow,
  resultBytes: BYTES.result + rows * BYTES.resultRow,
});

/** One of several namespaces that share the load evenly. */
export const shareOf = (workload: Workload, namespaces: number): Workload => ({
  ...workload,
  rates: workload.rates.map(rate => rate / namespaces),
});
