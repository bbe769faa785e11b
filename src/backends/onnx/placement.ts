export interface PlacementLimits {
  /** INLINE_MAX_MS: what takes no longer than this for a batch of 256 always runs in-line. */
  readonly inlineMaxMs: number;
  /** WORKER_MIN_MS: what takes longer than this always runs in a worker process. */
  readonly workerMinMs: number;
}

/** A pool that is busier than this has no core to spare for another model. */
const BUSY = 0.5;

/**
 * The longest that a batch of 256 may take in-line, milliseconds. A hop to a worker process costs 0.05–0.1 ms. Between the two limits it pays where the
 * thread has a core to itself, so that the event loop goes on beside it; where it has none, the model would only be slower by it.
 */
export function inlineLimitMs(limits: PlacementLimits, cores: number, poolLoad: number): number {
  const isCoreFree = cores > 1 && poolLoad < BUSY;
  return isCoreFree ? limits.inlineMaxMs : Math.max(limits.inlineMaxMs, limits.workerMinMs);
}
