import type { Scenario } from './scenario.ts';

/** What passes in a second. Infinity: everything. */
export interface Limits {
  readonly events: number;
  readonly bytes: number;
}

interface Waiting {
  readonly events: number;
  readonly bytes: number;
  readonly since: number;
  readonly pass: (waitedMs: number) => void;
}

/** A second's worth that was not used may pass at once. */
const SAVED_MS = 1000;

/**
 * So much passes in a second, be it events or bytes that run out first (GCRA, ITU-T I.371). Of several who wait each has the same share, and among its own the
 * first comes first: who sends more than passes does not shut out the others.
 */
export class Throttle {
  readonly #limits: Limits;
  readonly #clock: () => number;
  readonly #after: (ms: number, run: () => void) => void;
  readonly #queues: Waiting[][] = [];
  /** Events of each that passed since nobody waited. */
  readonly #passed: number[] = [];
  /** What passed is worth the time up to here. */
  #paidUntil = { events: Number.NEGATIVE_INFINITY, bytes: Number.NEGATIVE_INFINITY };
  #woken = false;

  constructor(limits: Limits, clock: () => number, after: (ms: number, run: () => void) => void) {
    [this.#limits, this.#clock, this.#after] = [limits, clock, after];
  }

  /** @param who a small number from 0 on @param pass called once it passes, perhaps at once, with how long it waited */
  ask(who: number, events: number, bytes: number, pass: (waitedMs: number) => void): void {
    while (this.#queues.length <= who) {
      this.#queues.push([]);
      this.#passed.push(0);
    }
    const queue = this.#queues[who] as Waiting[];
    // Who did not wait meanwhile has no claim to what passed without it.
    if (queue.length === 0) this.#passed[who] = Math.max(this.#passed[who] ?? 0, this.#leastWaiting());
    queue.push({ events, bytes, since: this.#clock(), pass });
    this.#serve();
  }

  #leastWaiting(): number {
    const passed = this.#passed.filter((_, who) => (this.#queues[who] ?? []).length > 0);
    return passed.length === 0 ? 0 : Math.min(...passed);
  }

  #serve(): void {
    for (;;) {
      const who = this.#next() ?? -1;
      const first = this.#queues[who]?.[0];
      if (first === undefined) return;
      const now = this.#clock();
      const at = Math.max(this.#paidUntil.events, this.#paidUntil.bytes);
      if (at > now) {
        this.#wake(at - now);
        return;
      }
      const { events, bytes, since, pass } = first;
      this.#queues[who]?.shift();
      this.#passed[who] = (this.#passed[who] ?? 0) + events;
      const pay = (until: number, amount: number, perSecond: number) =>
        Math.max(until, now - SAVED_MS) + (1000 * amount) / perSecond;
      this.#paidUntil = {
        events: pay(this.#paidUntil.events, events, this.#limits.events),
        bytes: pay(this.#paidUntil.bytes, bytes, this.#limits.bytes),
      };
      pass(now - since);
    }
  }

  /** Of those who wait the one that had least; undefined where nobody waits. */
  #next(): number | undefined {
    let next: number | undefined;
    for (const [who, queue] of this.#queues.entries()) {
      if (queue.length > 0 && (next === undefined || (this.#passed[who] ?? 0) < (this.#passed[next] ?? 0))) next = who;
    }
    if (next === undefined) this.#passed.fill(0);
    return next;
  }

  #wake(ms: number): void {
    if (this.#woken) return;
    this.#woken = true;
    this.#after(ms, () => {
      this.#woken = false;
      this.#serve();
    });
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
