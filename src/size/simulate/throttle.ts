import type { Scenario } from './scenario.ts';

/** So much passes in a second, first come, first served; a second's worth that was not used may pass at once. */
export class Throttle {
  readonly #perMs: number;
  readonly #savedMs: number;
  /** What was let through is worth the time up to here. */
  #paidUntil = Number.NEGATIVE_INFINITY;

  /** @param perSecond Infinity: everything passes */
  constructor(perSecond: number, savedMs = 1000) {
    this.#perMs = perSecond / 1000;
    this.#savedMs = savedMs;
  }

  /** How long this much has to wait, milliseconds; it counts as let through (the virtual scheduling form of GCRA, ITU-T I.371). */
  pass(amount: number, now: number): number {
    if (this.#perMs === Number.POSITIVE_INFINITY) return 0;
    const from = Math.max(this.#paidUntil, now - this.#savedMs);
    this.#paidUntil = from + amount / this.#perMs;
    return Math.max(0, this.#paidUntil - now);
  }
}

/** Tries until the hub takes it: it will after so long, and the wait between two tries doubles. */
export function retried(
  refusedMs: number,
  { firstMs, mostMs }: Scenario['retry'],
): { waitMs: number; retries: number } {
  let [waitMs, retries] = [0, 0];
  for (let next = firstMs; waitMs < refusedMs; next = Math.min(2 * next, mostMs)) {
    waitMs += next;
    retries++;
  }
  return { waitMs, retries };
}
