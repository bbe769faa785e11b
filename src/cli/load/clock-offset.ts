/** How far the service's clock is ahead of ours, milliseconds; negative where it is behind. */
export interface ClockOffset {
  readonly offsetMs: number;
  /** The truth lies within ± this; null where nothing was compared. */
  readonly uncertaintyMs: number | null;
}

/** Times in the log are whole milliseconds, cut or rounded: either way off by less than this. */
const STAMP_MS = 1;

/**
 * Tells two clocks apart by causality: an event was enqueued after its send began and before it was confirmed, so each one bounds the
 * offset from both sides, and the quickest send most tightly. Clocks that can agree are taken to agree.
 */
export class ClockComparison {
  private lowestMs = Number.NEGATIVE_INFINITY;
  private highestMs = Number.POSITIVE_INFINITY;

  /** @param enqueuedAtMs by the service's clock, the others by ours */
  add(sendBeganMs: number, enqueuedAtMs: number, confirmedMs: number): void {
    this.lowestMs = Math.max(this.lowestMs, enqueuedAtMs - STAMP_MS - confirmedMs);
    this.highestMs = Math.min(this.highestMs, enqueuedAtMs + STAMP_MS - sendBeganMs);
  }

  /** No offset where nothing was compared. */
  get offset(): ClockOffset {
    const { lowestMs, highestMs } = this;
    if (lowestMs === Number.NEGATIVE_INFINITY) return { offsetMs: 0, uncertaintyMs: null };
    const uncertaintyMs = Math.abs(highestMs - lowestMs) / 2;
    if (lowestMs <= 0 && highestMs >= 0) return { offsetMs: 0, uncertaintyMs };
    return { offsetMs: (lowestMs + highestMs) / 2, uncertaintyMs };
  }
}
