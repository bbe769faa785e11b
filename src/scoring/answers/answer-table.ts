import type { Prediction } from '../../core/prediction.ts';
import type { AnswerColumns } from './answer-columns.ts';

/** Answers to the rows of a group from `from` up to `to`; the first of them is row `at` of the answers. */
export interface PlacedAnswers {
  readonly from: number;
  readonly to: number;
  readonly at: number;
  readonly answers: AnswerColumns;
  /** What the slice took in the model; 0 where no inference ran for these rows. */
  readonly computeMs: number;
  readonly scoredAtMs: number;
  /** No inference ran: they were known, or the same as rows before them. */
  readonly cached: boolean;
}

/** The answers to a group's rows, wherever each was found. */
export class AnswerTable {
  readonly #placed: PlacedAnswers[] = [];
  #inOrder = true;
  #last: PlacedAnswers | undefined;
  /** Whether a row was answered without inference. */
  hasCached = false;
  /** No answer takes more, bytes; undefined where that is not known without looking at each. */
  maxRoom: number | undefined = 0;

  /** A row has one place only. */
  add(placed: PlacedAnswers): void {
    const last = this.#placed[this.#placed.length - 1];
    if (last !== undefined && placed.from < last.to) this.#inOrder = false;
    this.#placed.push(placed);
    if (placed.cached) this.hasCached = true;
    const { maxRoom } = placed.answers;
    this.maxRoom = this.maxRoom === undefined || maxRoom === undefined ? undefined : Math.max(this.maxRoom, maxRoom);
    this.#last = undefined;
  }

  /** The answers that hold a row's. @throws Error where it has none. */
  of(row: number): PlacedAnswers {
    const last = this.#last;
    if (last !== undefined && row >= last.from && row < last.to) return last;
    const found = this.find(row);
    if (found === undefined) throw new Error(`row ${row} has no answer`);
    this.#last = found;
    return found;
  }

  find(row: number): PlacedAnswers | undefined {
    if (!this.#inOrder) this.#sort();
    const found = this.#placed[this.#search(row)];
    return found !== undefined && row < found.to ? found : undefined;
  }

  prediction(row: number): Prediction {
    const { answers, from, at } = this.of(row);
    return answers.prediction(row - from + at);
  }

  /** Slices come back in any order. */
  #sort(): void {
    this.#placed.sort((one, other) => one.from - other.from);
    this.#inOrder = true;
  }

  /** The last one that begins at or before the row. */
  #search(row: number): number {
    let [low, high] = [0, this.#placed.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#placed[middle] as PlacedAnswers).from <= row) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
