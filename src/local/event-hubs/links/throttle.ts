import { ServiceError } from '../service-error.ts';

const WINDOW_MS = 1_000;
/** What the service asks for. */
const WAIT_SECONDS = 4;

/** Takes no more events a second than the namespace is said to, as throughput units do; the rest is refused with a hint when to come again. */
export class Throttle {
  readonly #eventsPerSecond: number;
  readonly #clock: () => number;
  #windowMs = Number.NEGATIVE_INFINITY;
  #taken = 0;

  constructor(eventsPerSecond: number, clock: () => number) {
    this.#eventsPerSecond = eventsPerSecond;
    this.#clock = clock;
  }

  /** @throws ServiceError com.microsoft:server-busy where the second is used up; a batch larger than a whole second's share has one to itself. */
  take(events: number): void {
    const now = this.#clock();
    if (now - this.#windowMs >= WINDOW_MS) {
      this.#windowMs = now;
      this.#taken = 0;
    }
    if (this.#taken > 0 && this.#taken + events > this.#eventsPerSecond)
      throw new ServiceError(
        'com.microsoft:server-busy',
        `The request was terminated because the entity is being throttled. Error code: 50002. Please wait ${WAIT_SECONDS} seconds and try again.`,
      );
    this.#taken += events;
  }
}
