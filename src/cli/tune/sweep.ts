import type { Point, SideBySide, Way } from './choose.ts';
import { batchFor, isWay, type Limits } from './choose.ts';
import type { Trial } from './trial.ts';

export interface SweepOptions {
  readonly ways: readonly Way[];
  /** Ascending. */
  readonly batches: readonly number[];
  /** Batches under way at once in the second part. */
  readonly streams: number;
  /** For each figure. */
  readonly forMs: number;
  readonly limits: Limits;
  /** Larger batches are left out once one takes longer. */
  readonly longestMs: number;
  readonly signal: AbortSignal;
  open(way: Way, maxBatch: number): Promise<Trial>;
  onProgress(done: number, of: number): void;
}

export interface Measured {
  readonly points: readonly Point[];
  readonly sides: readonly SideBySide[];
}

/**
 * Times every way to run the model with every batch size, one batch at a time, forwards and then backwards so that neither warmth nor the machine's mood
 * favours one; the lower quartile counts, of the quicker pass, since others on the machine only ever slow it down. Then, in the same manner, every way with
 * its own best batch size, side by side.
 */
export async function sweep(options: SweepOptions): Promise<Measured> {
  const { ways, signal } = options;
  const there = await passThrough(ways, options, 0);
  const back = await passThrough([...ways].reverse(), options, ways.length);
  const points = there.map(point => {
    const again = back.find(other => isWay(point)(other) && other.batch === point.batch);
    return again && again.batchMs < point.batchMs ? again : point;
  });
  const found = new Map<Way, SideBySide>();
  let done = 2 * ways.length;
  for (const way of [...ways, ...[...ways].reverse()]) {
    signal.throwIfAborted();
    const side = await runSideBySide(way, batchFor(points.filter(isWay(way)), options.limits).batch, options);
    const before = found.get(way);
    if (!before || side.perSecond > before.perSecond) found.set(way, side);
    options.onProgress(++done, 4 * ways.length);
  }
  const sides = [...found.values()];
  return { points, sides };
}

async function passThrough(ways: readonly Way[], options: SweepOptions, done: number): Promise<Point[]> {
  const { batches, forMs, longestMs, signal } = options;
  const points: Point[] = [];
  for (const [i, way] of ways.entries()) {
    signal.throwIfAborted();
    const trial = await options.open(way, batches.at(-1) as number);
    try {
      let last: Point | undefined;
      for (const batch of batches) {
        if (last && (last.batchMs * batch) / last.batch > 4 * longestMs) break;
        if (last && last.batchMs > longestMs) break;
        signal.throwIfAborted();
        const times = await trial.timeBatches(batch, forMs);
        const batchMs = quantileOf(
          times.map(({ tookMs }) => tookMs),
          0.25,
        );
        const modelMs = quantileOf(
          times.map(time => time.modelMs),
          0.25,
        );
        last = { ...way, batch, batchMs, modelMs, perSecond: (batch * 1000) / batchMs };
        points.push(last);
      }
    } finally {
      await trial.close();
    }
    options.onProgress(done + i + 1, 4 * ways.length);
  }
  return points;
}

async function runSideBySide(way: Way, batch: number, { open, streams, forMs }: SweepOptions): Promise<SideBySide> {
  const trial = await open(way, batch);
  try {
    const { perSecond, batchMs, timersLateMs } = await trial.timeStreams(batch, streams, 2 * forMs);
    const [p50Ms, p95Ms] = [quantileOf(batchMs, 0.5), quantileOf(batchMs, 0.95)];
    return { ...way, batch, streams, perSecond, p50Ms, p95Ms, timersLateMs };
  } finally {
    await trial.close();
  }
}

/** Nearest rank. */
function quantileOf(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number;
}
