/**
 * How often durations came, by buckets of two significant digits: (0.49 ms, 0.50 ms], (0.50 ms, 0.51 ms], …, (490 ms, 500 ms]. A limit of two significant digits is the edge of
 * a bucket, so how many were longer is exact. Bucket → count; the keys are sparse.
 */
export type Histogram = Map<number, number>;

const MICROSECONDS = 1000;
/** Of one power of ten: its buckets end at 10 to 99 of its units, and the first one's at 1 to 99 µs. */
const STEP = 100;

/** The bucket that a duration falls into. @param ms rounded to microseconds, as results say it */
export function bucketOf(ms: number): number {
  const microseconds = Math.round(ms * MICROSECONDS);
  let scale = 1;
  let power = 0;
  while (microseconds > 99 * scale) {
    scale *= 10;
    power++;
  }
  return power * STEP + Math.max(0, Math.ceil(microseconds / scale));
}

/** The longest duration of a bucket, milliseconds. */
export function edgeOf(bucket: number): number {
  return ((bucket % STEP) * 10 ** Math.floor(bucket / STEP)) / MICROSECONDS;
}

export function addTo(histogram: Histogram, bucket: number, count = 1): void {
  histogram.set(bucket, (histogram.get(bucket) ?? 0) + count);
}

/** How many were longer than a limit of two significant digits; of another limit, than the next such one below. */
export function countAbove(histogram: Histogram, limitMs: number): number {
  const least = largestEdgeWithin(limitMs);
  let count = 0;
  for (const [bucket, many] of histogram) if (bucket > least) count += many;
  return count;
}

function largestEdgeWithin(limitMs: number): number {
  const bucket = bucketOf(limitMs);
  return edgeOf(bucket) > limitMs ? bucket - 1 : bucket;
}

/** The duration that a share of all is no longer than, by the edge of its bucket; undefined where there is none. */
export function quantile(histogram: Histogram, share: number): number | undefined {
  let total = 0;
  for (const many of histogram.values()) total += many;
  let left = Math.max(1, Math.ceil(share * total));
  for (const [bucket, many] of [...histogram].sort(([one], [other]) => one - other)) {
    left -= many;
    if (left <= 0) return edgeOf(bucket);
  }
  return undefined;
}
