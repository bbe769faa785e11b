/** Waits below this many milliseconds find their bucket in a table. */
const TABLE_MS = 4096;

/** Ascending, inclusive upper bounds and the bucket of every whole millisecond, for bounds in seconds. */
export interface Buckets {
  readonly bounds: readonly number[];
  readonly ofMs: Uint8Array;
}

export function createBuckets(bounds: readonly number[]): Buckets {
  return { bounds, ofMs: Uint8Array.from({ length: TABLE_MS + 1 }, (_, ms) => bucketOf(bounds, ms / 1000)) };
}

/**
 * Counts values into fixed buckets. OpenTelemetry's own `histogram.record` looks the attributes up for every value; a batch has hundreds of
 * values for the same attributes, so one histogram is held for each and the exporters read it. A value costs a few nanoseconds
 * (figures: docs/telemetry.md).
 */
export class Histogram {
  readonly buckets: Buckets;
  /** One more than there are bounds: the last for what lies beyond them. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(buckets: Buckets) {
    this.buckets = buckets;
    this.counts = new Float64Array(buckets.bounds.length + 1);
  }

  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  observe(value: number): void {
    this.#add(bucketOf(this.buckets.bounds, value), value);
  }

  /** For a histogram in seconds whose value is at hand in milliseconds; exact where the bounds are whole milliseconds. */
  observeMs(milliseconds: number, times = 1): void {
    const waited = Math.max(milliseconds || 0, 0); // the clocks of broker and worker differ: no wait is below zero
    const { bounds, ofMs } = this.buckets;
    const bucket = waited < TABLE_MS ? (ofMs[Math.ceil(waited)] as number) : bucketOf(bounds, waited / 1000);
    this.#add(bucket, waited / 1000, times);
  }

  #add(bucket: number, value: number, times = 1): void {
    this.counts[bucket] = (this.counts[bucket] as number) + times;
    this.sum += value * times;
  }
}

function bucketOf(bounds: readonly number[], value: number): number {
  let bucket = 0;
  while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
  return bucket;
}
