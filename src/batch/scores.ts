import { Moments } from './moments.ts';
import { BINS, type Statistics } from './statistics.ts';

/** What is told of predictions while they are written. */
export class ScoreTally {
  scored = 0;
  readonly #moments = new Moments();
  readonly #bins = new Array<number>(BINS).fill(0);
  readonly #classes = new Map<string, number>();

  /** A score, or a number that was predicted. */
  addScore(score: number): void {
    this.#moments.add(score);
    // (0.0, 0.2] has 0, and what no probability is has no bin.
    if (score >= 0 && score <= 1) this.#bins[Math.max(0, Math.ceil(score * BINS) - 1)]!++;
  }

  addClass(name: string, rows = 1): void {
    this.#classes.set(name, (this.#classes.get(name) ?? 0) + rows);
  }

  get score(): Statistics['score'] {
    return { ...this.#moments.spread, bins: [...this.#bins] };
  }

  get classes(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#classes);
  }
}
