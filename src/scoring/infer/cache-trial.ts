import type { ModelVersion } from '../../core/model.ts';

/**
 * What the cache costs an instance that it does not know, µs of a processor: its key, the look-up, storing it, the garbage, and results made
 * one by one (bench: cache). A linear model takes 0.1 µs an instance, a text model 7.
 */
const COST_US = 5;
/** Instances after which the cache is judged by what it has found, and how many it then sits out where that was not worth its cost. */
const [TRIAL_ROWS, PAUSE_ROWS] = [4_096, 15 * 4_096];

/** Whether a version's predictions are worth remembering: how long it takes for an instance, and how often instances come again. */
export class CacheTrial {
  readonly #instanceUs: number;
  #rows = 0;
  #repeats = 0;
  #pause = 0;

  constructor({ card, backend }: ModelVersion) {
    const { warmUpMs, maxBatchSize, varies } = backend.info;
    this.#instanceUs = card.cache && !varies ? (warmUpMs * 1000) / maxBatchSize : 0;
  }

  /** For so many instances that are to be inferred. */
  isWorthIt(rows: number): boolean {
    if (this.#instanceUs < COST_US) return false; // it could not save more than it costs
    if (this.#pause <= 0) return true;
    this.#pause -= rows;
    return false;
  }

  /** How many of these instances needed no inference. */
  note(rows: number, repeats: number): void {
    this.#rows += rows;
    this.#repeats += repeats;
    if (this.#rows < TRIAL_ROWS) return;
    const savedUs = (this.#repeats / this.#rows) * this.#instanceUs;
    if (savedUs < COST_US) this.#pause = PAUSE_ROWS;
    this.#rows = 0;
    this.#repeats = 0;
  }
}
