/** How a model may be run. */
export interface Way {
  readonly placement: 'in-line' | 'worker';
  /** That share the work of one slice. */
  readonly threads: number;
}

/** One batch under way at a time: what a batch of that size takes, from bytes to bytes. */
export interface Point extends Way {
  readonly batch: number;
  readonly batchMs: number;
  /** Of it in the model. */
  readonly modelMs: number;
  readonly perSecond: number;
}

/** As many batches under way as an instance has cores. */
export interface SideBySide extends Way {
  readonly batch: number;
  readonly streams: number;
  readonly perSecond: number;
  /** Of a batch, while others ran beside it: half of them, 95 of 100. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** How late timers were meanwhile, 99 of 100: what everything else in the process had to wait. */
  readonly timersLateMs: number;
}

export interface Limits {
  /** INLINE_MAX_MS and WORKER_MIN_MS */
  readonly inlineMaxMs: number;
  readonly workerMinMs: number;
  readonly cores: number;
}

export interface Choice extends Way {
  /** Rows of a slice, at most. */
  readonly batch: number;
  /** In words, a figure in each. */
  readonly why: readonly string[];
}

/** Of the best throughput: what lies within is as good, and a smaller batch is answered sooner. */
const AS_GOOD = 0.9;
/** Of the best throughput: so much must be left where smaller batches let the event loop turn in time. */
const GOOD_ENOUGH = 0.8;
/** Throughput that another thread has to bring at least, since it takes a core from other partitions. */
const WORTH_A_THREAD = 1.25;
/** Throughput that a worker has to keep where both placements are bearable. */
const WORTH_A_WORKER = 0.9;
/** What counts as holding the event loop is the same as where the app itself decides, at warm-up: a batch of 256, of its slices no more than eight. */
const HOST_BATCH = 256;
const MOST_SLICES = 8;

/** The smallest batch whose throughput is as good as the best. @throws Error where there are no points */
export function kneeOf(points: readonly Point[]): Point {
  const best = Math.max(...points.map(({ perSecond }) => perSecond));
  const knee = [...points].sort((a, b) => a.batch - b.batch).find(({ perSecond }) => perSecond >= AS_GOOD * best);
  if (!knee) throw new Error('nothing was measured');
  return knee;
}

/**
 * The batch to run one way by. In-line the model also has to let the event loop turn within INLINE_MAX_MS, where that costs little.
 * @param points of that way
 */
export function batchFor(points: readonly Point[], { inlineMaxMs }: Limits): Point {
  const knee = kneeOf(points);
  const quick = points.filter(({ modelMs }) => modelMs <= inlineMaxMs);
  if (knee.placement === 'worker' || quick.length === 0) return knee;
  const quickKnee = kneeOf(quick);
  return quickKnee.perSecond >= GOOD_ENOUGH * knee.perSecond ? quickKnee : knee;
}

export const isWay = (way: Way) => (other: Way) => other.placement === way.placement && other.threads === way.threads;

/** Which way to run the model, by what was measured. Every way that stands in `sides` stands in `points`. */
export function choose(points: readonly Point[], sides: readonly SideBySide[], limits: Limits): Choice {
  const kneeFor = (way: Way) => batchFor(points.filter(isWay(way)), limits);
  const inline = bestThreads(
    sides.filter(({ placement }) => placement === 'in-line'),
    kneeFor,
    limits,
  );
  const worker = bestThreads(
    sides.filter(({ placement }) => placement === 'worker'),
    kneeFor,
    limits,
  );
  const { side, says } = choosePlacement(inline?.side, worker?.side, inline && kneeFor(inline.side), limits);
  const knee = kneeFor(side);
  const best = points.filter(isWay(side)).reduce((a, b) => (b.perSecond > a.perSecond ? b : a));
  const threads = (side.placement === 'in-line' ? inline : worker)?.says ?? [];
  const batchSays =
    best.batch === knee.batch
      ? `batches of ${knee.batch}: nothing larger or smaller was quicker`
      : `batches of ${knee.batch}: ${percent(knee.perSecond / best.perSecond)} of the best throughput (at ${best.batch}), answered in ${ms(knee.batchMs)} ms instead of ${ms(best.batchMs)}`;
  return {
    placement: side.placement,
    threads: side.threads,
    batch: knee.batch,
    why: [says, ...threads, batchSays],
  };
}

/** The fewest threads, unless more are worth it; a run that takes no longer than INLINE_MAX_MS has nothing to share out. */
function bestThreads(
  sides: readonly SideBySide[],
  kneeFor: (way: Way) => Point,
  { inlineMaxMs }: Limits,
): { side: SideBySide; says: string[] } | undefined {
  const byThreads = [...sides].sort((a, b) => a.threads - b.threads);
  const [first] = byThreads;
  if (!first) return undefined;
  const { modelMs } = kneeFor(first);
  if (modelMs <= inlineMaxMs) {
    return {
      side: first,
      says: [
        `${count(first.threads, 'thread')} a slice: ${ms(modelMs)} ms in the model are too short to be shared out`,
      ],
    };
  }
  const side = byThreads.reduce((chosen, next) =>
    next.perSecond >= WORTH_A_THREAD * chosen.perSecond ? next : chosen,
  );
  if (byThreads.length === 1) return { side, says: [] };
  const most = byThreads.filter(each => each !== side).reduce((a, b) => (b.perSecond > a.perSecond ? b : a));
  const than = most.perSecond / side.perSecond;
  const says = `${count(side.threads, 'thread')} a slice: ${count(most.threads, 'thread')} ${most.threads === 1 ? 'gives' : 'give'} ${percent(than)} of its throughput`;
  return { side, says: [says] };
}

function choosePlacement(
  inline: SideBySide | undefined,
  worker: SideBySide | undefined,
  inlineKnee: Point | undefined,
  { inlineMaxMs, workerMinMs, cores }: Limits,
): { side: SideBySide; says: string } {
  if (!inline || !inlineKnee || !worker) {
    const side = inline ?? worker;
    if (!side) throw new Error('nothing was measured');
    return { side, says: `${nameOf(side.placement)}: the only placement there is` };
  }
  const { batch, modelMs } = inlineKnee;
  const holdMs = modelMs * Math.max(1, Math.min(HOST_BATCH / batch, MOST_SLICES));
  const holds = `in the model for ${ms(holdMs)} ms of a batch of ${Math.max(batch, HOST_BATCH)}`;
  const keeps = `${percent(worker.perSecond / inline.perSecond)} of the throughput`;
  if (holdMs <= inlineMaxMs)
    return { side: inline, says: `in-line: ${holds}, no more than INLINE_MAX_MS (${inlineMaxMs})` };
  const late = `timers are late by ${ms(worker.timersLateMs)} ms instead of ${ms(inline.timersLateMs)} (p99), at ${keeps}`;
  if (holdMs > workerMinMs) {
    return { side: worker, says: `worker processes: ${holds}, more than WORKER_MIN_MS (${workerMinMs}); ${late}` };
  }
  if (cores > 1 && worker.perSecond >= WORTH_A_WORKER * inline.perSecond) {
    return { side: worker, says: `worker processes: ${holds}; ${late}` };
  }
  return { side: inline, says: `in-line: ${holds}, which is bearable, and workers have only ${keeps}` };
}

export const nameOf = (placement: Way['placement']) => (placement === 'worker' ? 'worker processes' : 'in-line');
const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;
const percent = (share: number) => `${Math.round(share * 100)} %`;
/** Two digits at least: 0.031, 4.2, 17. */
export const ms = (value: number) => (value >= 10 ? String(Math.round(value)) : String(Number(value.toPrecision(2))));
