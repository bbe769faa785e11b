import { channel } from 'node:diagnostics_channel';
import type { Clock, Log } from './log.ts';

/** Stacks in the log a minute at most: whoever finds one fault of ours can send it as often as he likes. */
const MAX_A_MINUTE = 10;
const MINUTE_MS = 60_000;

/** A fault of ours that the log was told of. */
export interface Fault {
  /** The request's result id. */
  readonly what: string;
  readonly error: Error;
}

/** Where faults are published, for who sends exceptions: the log then leaves out the stack. */
export const FAULTS = 'hubscore.fault';
const published = channel(FAULTS);

/** Tells the log of requests that end by a fault of ours, whose stack no dead letter has; of many, how many there were. */
export class FaultLog {
  readonly #log: Log;
  readonly #clock: Clock;
  #minuteMs = Number.NEGATIVE_INFINITY;
  #said = 0;
  #unsaid = 0;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** @param what the request's result id, and where it failed */
  tell(what: string, error: Error): void {
    const now = this.#clock();
    if (now - this.#minuteMs >= MINUTE_MS) {
      if (this.#unsaid > 0) this.#log.error(`${this.#unsaid} more requests failed unexpectedly meanwhile`);
      this.#minuteMs = now;
      this.#said = 0;
      this.#unsaid = 0;
    }
    if (this.#said++ >= MAX_A_MINUTE) {
      this.#unsaid++;
      return;
    }
    const { stack = error.message, message } = error;
    this.#log.error(`${what} failed unexpectedly: ${published.hasSubscribers ? message : stack}`);
    published.publish({ what, error } satisfies Fault);
  }
}
