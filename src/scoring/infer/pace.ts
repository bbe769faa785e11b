import type { ModelVersion } from '../../core/model.ts';
import type { SliceSize } from './slices.ts';

/** What is slower than expected raises what is expected by this share of the difference: one slice beside a busy machine says little. */
const RISE = 1 / 32;
/** Nothing runs where nothing is expected to be in time, so nothing would be measured: each refusal lowers what is expected. */
const DOUBT = 7 / 8;

/** How long a version takes for rows at least, by its warm-up and by what its slices took since, waiting for their turn included. */
export class Pace {
  readonly #full: number;
  readonly #fixed: boolean;
  /** A row of a full slice, milliseconds. */
  #rowMs: number;
  /** One row alone, or a slice of a fixed size. */
  #runMs: number;

  constructor({ backend }: ModelVersion, { rows, fixed }: SliceSize) {
    const { warmUpMs, maxBatchSize } = backend.info;
    this.#full = rows;
    this.#fixed = fixed !== undefined;
    this.#rowMs = this.#fixed ? 0 : warmUpMs / maxBatchSize;
    this.#runMs = this.#fixed ? warmUpMs : 0;
  }

  /** Milliseconds, whole ones: clocks of events know no others. */
  expectMs(rows: number): number {
    return Math.floor(Math.max(this.#runMs, rows * this.#rowMs));
  }

  /** A slice of so many rows has its answers. */
  note(rows: number, ms: number): void {
    if (rows === 1 || this.#fixed) this.#runMs = follow(this.#runMs, ms);
    // Most of what a small slice takes it takes once: that a row takes longer in it says nothing.
    const full = 2 * rows > this.#full || ms / rows < this.#rowMs;
    if (full && !this.#fixed) this.#rowMs = follow(this.#rowMs, ms / rows);
  }

  /** A slice's row was refused for what is expected alone. */
  doubt(): void {
    this.#rowMs *= DOUBT;
    this.#runMs *= DOUBT;
  }
}

function follow(expected: number, measured: number): number {
  return measured < expected ? measured : expected + RISE * (measured - expected);
}
