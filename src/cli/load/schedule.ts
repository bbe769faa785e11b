/** When requests are due, milliseconds after the start. Open loop: it does not wait for anything that comes back. */
export interface Schedule {
  /** When the n-th request (from 0) is due. */
  timeOf(n: number): number;
  /** How many are due before then: those numbered below the answer. */
  dueBefore(elapsedMs: number): number;
  /** Requests a second that are asked for at that moment. */
  rateAt(elapsedMs: number): number;
  /** As `1,000/s` or `100 → 2,000/s over 30 s`. */
  readonly says: string;
}

/** Evenly spaced, the first one at once. @param rate requests a second */
export function constantRate(rate: number): Schedule {
  return {
    timeOf: n => (n * 1000) / rate,
    dueBefore: elapsedMs => Math.ceil((Math.max(0, elapsedMs) * rate) / 1000),
    rateAt: () => rate,
    says: `${rate.toLocaleString('en')}/s`,
  };
}

export interface Ramp {
  /** Requests a second. */
  readonly from: number;
  readonly to: number;
  readonly seconds: number;
}

/**
 * A rate that grows (or falls) evenly and then stays. By t seconds, from·t + (to − from)·t² / 2s requests are due; when the n-th is due
 * is that equation's positive root, written so that neither a flat ramp nor one from 0 divides by zero.
 */
export function rampedRate({ from, to, seconds }: Ramp): Schedule {
  const slope = (to - from) / seconds;
  const inRamp = ((from + to) / 2) * seconds;
  const dueAfter = (t: number) => (t <= seconds ? from * t + (slope * t * t) / 2 : inRamp + to * (t - seconds));
  return {
    timeOf(n) {
      if (n === 0) return 0;
      const root = Math.sqrt(Math.max(0, from * from + 2 * slope * n));
      return 1000 * (n <= inRamp ? (2 * n) / (from + root) : seconds + (n - inRamp) / to);
    },
    dueBefore: elapsedMs => Math.ceil(dueAfter(Math.max(0, elapsedMs / 1000))),
    rateAt: elapsedMs => (elapsedMs < seconds * 1000 ? from + (slope * elapsedMs) / 1000 : to),
    says: `${from.toLocaleString('en')} → ${to.toLocaleString('en')}/s over ${seconds} s`,
  };
}
