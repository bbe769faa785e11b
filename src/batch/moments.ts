import type { Spread } from './statistics.ts';

/** Moments of many numbers, gathered one by one: sums about the first number, which keep their digits where all are far from 0. */
export class Moments {
  #count = 0;
  #origin = 0;
  #sum = 0;
  #squares = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  add(value: number): void {
    if (this.#count++ === 0) this.#origin = value;
    const distance = value - this.#origin;
    this.#sum += distance;
    this.#squares += distance * distance;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  /** A column of a matrix, row by row. */
  addColumn(values: Float32Array, column: number, width: number, rows: number): void {
    if (rows === 0) return;
    if (this.#count === 0) this.#origin = values[column] as number;
    const origin = this.#origin;
    let [sum, squares, min, max] = [0, 0, this.#min, this.#max];
    for (let row = 0, at = column; row < rows; row++, at += width) {
      const value = values[at] as number;
      const distance = value - origin;
      sum += distance;
      squares += distance * distance;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    this.#count += rows;
    this.#sum += sum;
    this.#squares += squares;
    this.#min = min;
    this.#max = max;
  }

  get spread(): Spread {
    const count = this.#count;
    if (count === 0) return { count, mean: 0, m2: 0, min: null, max: null };
    const mean = this.#sum / count;
    return {
      count,
      mean: this.#origin + mean,
      m2: Math.max(0, this.#squares - this.#sum * mean),
      min: this.#min,
      max: this.#max,
    };
  }
}
