import type { RequestError } from '../core/errors.ts';
import type { Clock, Log } from '../core/log.ts';
import type { Run } from './run.ts';

/** Stacks in the log a minute at most: whoever finds one fault of ours can send it as often as he likes. */
const MAX_A_MINUTE = 10;
const MINUTE_MS = 60_000;

/** Tells the log of requests that end as `unexpected`: a fault of ours, whose stack no dead letter has. */
export class FaultReporter {
  readonly #log: Log;
  readonly #clock: Clock;
  #minuteMs = Number.NEGATIVE_INFINITY;
  #said = 0;
  #unsaid = 0;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  report(run: Run): void {
    for (const [place, { error }] of run.refusals) {
      if (error.code === 'unexpected') this.#say(run.request(place).resultId, error);
    }
  }

  #say(resultId: string, error: RequestError): void {
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
    const cause = error.cause instanceof Error ? error.cause : error;
    this.#log.error(`${resultId} failed unexpectedly at ${error.stage}: ${cause.stack ?? cause.message}`);
  }
}
