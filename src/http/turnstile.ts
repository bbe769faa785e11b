import { HttpProblem } from './http.ts';
import { RETRY_LATER } from './status.ts';

/** Lets so many inferences be under way at once; more are turned away before anything of them is read, so that none waits for nothing. */
export class Turnstile {
  readonly #max: number;
  #running = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** @throws HttpProblem 503 where too many are under way */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#max)
      throw new HttpProblem(503, `${this.#max} inferences are under way already`, RETRY_LATER);
    this.#running++;
    try {
      return await work();
    } finally {
      this.#running--;
    }
  }
}
