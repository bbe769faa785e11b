/** Latencies of many events by size, in steps of 2 %: quantiles of millions for a few hundred numbers. */
export class Latencies {
  readonly #counts: number[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(ms: number, events: number): void {
    const at = ms <= 1 ? 0 : Math.ceil(Math.log(ms) / STEP);
    this.#counts[at] = (this.#counts[at] ?? 0) + events;
    this.#count += events;
  }

  /** So many of them (0–1) took no longer, milliseconds; undefined where there are none. */
  quantile(share: number): number | undefined {
    if (this.#count === 0) return undefined;
    let left = share * this.#count;
    for (const [at, events = 0] of this.#counts.entries()) {
      left -= events;
      if (events > 0 && left <= 1e-9) return Math.exp(at * STEP);
    }
    return Math.exp((this.#counts.length - 1) * STEP);
  }
}

const STEP = Math.log(1.02);
