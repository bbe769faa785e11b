import type { Said } from '../core/table-scorer.ts';
import type { ScoreTally } from './scores.ts';

/** Reads answers that are classes one by one, and counts them. */
export class ClassAnswers {
  /** Of the answer read last: which class it is, in their order. */
  place = 0;
  /** Of the answer read last: whether its scores are probabilities. */
  probable = true;
  readonly #places: Uint32Array;
  readonly #probabilities: Float32Array;
  readonly #width: number;
  readonly #counts: Uint32Array;
  readonly #names: readonly string[];
  readonly #tally: ScoreTally;

  /** @param names of the classes, as they are counted */
  constructor(
    { places, probabilities, classes }: Extract<Said, { kind: 'classes' }>,
    names: readonly string[],
    tally: ScoreTally,
  ) {
    this.#places = places;
    this.#probabilities = probabilities;
    this.#width = classes.length;
    this.#counts = new Uint32Array(classes.length);
    this.#names = names;
    this.#tally = tally;
  }

  /** Its score: of two classes the probability of the second, of several that of the one that it is; NaN where that is none. */
  read(answer: number): number {
    const width = this.#width;
    const place = this.#places[answer] as number;
    this.probable = place < width;
    this.place = this.probable ? place : place - width;
    this.#counts[this.place]!++;
    if (!this.probable) return Number.NaN;
    const score = this.#probabilities[answer * width + (width === 2 ? 1 : place)] as number;
    this.#tally.addScore(score);
    return score;
  }

  /** Of a class, where the answer's scores are probabilities. */
  probability(answer: number, place: number): number {
    return this.#probabilities[answer * this.#width + place] as number;
  }

  /** Once all are read. */
  count(): void {
    this.#counts.forEach((rows, place) => {
      if (rows > 0) this.#tally.addClass(this.#names[place] as string, rows);
    });
    this.#counts.fill(0);
  }
}
