import type { ReceivedEvent } from './received-event.ts';

export interface QueueLimits {
  /** Events to hold and to have on their way at most. */
  readonly events: number;
  /** Bytes to hold, by the average size of what came so far. */
  readonly bytes: number;
}

/** Events that have come and wait for their function; tells how many more to ask for. */
export class EventQueue {
  readonly #limits: QueueLimits;
  #events: ReceivedEvent[] = [];
  /** Asked for, and not yet come. */
  #asked = 0;
  #averageBytes = 0;
  #wake: (() => void) | undefined;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#events.length;
  }

  push(event: ReceivedEvent): void {
    this.#events.push(event);
    this.#asked--;
    this.#averageBytes += (event.size - this.#averageBytes) / 16;
    if (this.#wake) this.wake();
  }

  /** Takes up to so many. */
  take(most: number): ReceivedEvent[] {
    if (this.#events.length > most) return this.#events.splice(0, most);
    const all = this.#events;
    this.#events = [];
    return all;
  }

  /** Resolves when the next event comes, or at `wake`; one waits at a time. */
  more(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve;
    });
  }

  /** Lets go who waits for more. */
  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  /** How many events to ask for now; counted as asked. 0 while there is still enough on its way. */
  ask(): number {
    const window = Math.max(
      1,
      Math.min(this.#limits.events, Math.floor(this.#limits.bytes / Math.max(this.#averageBytes, 1))),
    );
    const room = window - this.#events.length - this.#asked;
    if (room <= 0 || room < window / 4) return 0;
    this.#asked += room;
    return room;
  }

  /** A new link knows of nothing that was asked for on the old one. */
  forgetAsked(): void {
    this.#asked = 0;
  }
}
