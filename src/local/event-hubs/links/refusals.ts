/** Refusals of one address that are answered at once. */
const AT_ONCE = 5;
/** Beyond them they are answered at this distance. */
const EVERY_MS = 200;
/** What an answer waits at most; clients give up after 10 s and more. */
const LONGEST_MS = 2_000;
const MAX_ADDRESSES = 1_000;

/**
 * How long refusals wait for their answer. Some clients attach again as soon as they were refused, for ever, each time with a new connection: many
 * of them would keep the endpoint busy with nothing else.
 */
export class Refusals {
  /** When the next refusal of an address is due; addresses in the order of their last one. */
  readonly #nextMs = new Map<string, number>();

  /** Milliseconds that the answer to a refusal of this address, now, has to wait. */
  waitMs(address: string, nowMs: number): number {
    const earliest = nowMs - (AT_ONCE - 1) * EVERY_MS;
    const due = Math.min(Math.max(this.#nextMs.get(address) ?? earliest, earliest), nowMs + LONGEST_MS);
    this.#nextMs.delete(address);
    this.#nextMs.set(address, due + EVERY_MS);
    for (const oldest of this.#nextMs.keys()) {
      if (this.#nextMs.size <= MAX_ADDRESSES) break;
      this.#nextMs.delete(oldest);
    }
    return Math.max(0, due - nowMs);
  }
}
