import type { Feature } from '../core/model.ts';
import type { InputCounter } from '../core/table-scorer.ts';
import { Moments } from './moments.ts';
import type { FeatureStatistics } from './statistics.ts';

interface Counts {
  missing: number;
  not_numeric: number;
  out_of_range: number;
  unknown_category: number;
}

/** What is told of the input's features while they are read. */
export class FeatureTally {
  readonly #features: readonly Feature[];
  readonly #categories: readonly (ReadonlySet<string> | undefined)[];
  readonly #counts: readonly Counts[];
  readonly #moments: readonly Moments[];

  readonly #counter: InputCounter | undefined;

  /** @param counter counts in the bins of a profile, where the version has one */
  constructor(features: readonly Feature[], counter?: InputCounter | undefined) {
    this.#counter = counter;
    this.#features = features;
    this.#categories = features.map(({ categories }) => categories && new Set(categories));
    this.#counts = features.map(() => ({ missing: 0, not_numeric: 0, out_of_range: 0, unknown_category: 0 }));
    this.#moments = features.map(() => new Moments());
  }

  /** Rows of plain numbers, a feature a column. */
  addPlain(values: Float32Array, rows: number): void {
    this.#counter?.addPlain(values, rows);
    const width = this.#features.length;
    for (let column = 0; column < width; column++)
      (this.#moments[column] as Moments).addColumn(values, column, width, rows);
  }

  /** A row's values by feature: numbers, or texts as they stand. @param moments of its numbers are to be counted, too */
  add(values: readonly unknown[], moments: boolean): void {
    if (moments) this.#counter?.add(values);
    for (let i = 0; i < values.length; i++) {
      const feature = this.#features[i] as Feature;
      const counts = this.#counts[i] as Counts;
      const value = values[i];
      if (value === undefined || value === null || (typeof value === 'string' && value.trim() === '')) {
        counts.missing++;
        if (!moments) this.#counter?.missing(i, feature.fill);
      } else if (feature.type === 'string') {
        if (this.#categories[i]?.has(String(value)) === false) counts.unknown_category++;
      } else if (feature.type === 'number') {
        const number = Number(value);
        if (!Number.isFinite(number)) counts.not_numeric++;
        else {
          if (feature.range && (number < feature.range[0] || number > feature.range[1])) counts.out_of_range++;
          if (moments) (this.#moments[i] as Moments).add(number);
        }
      }
    }
  }

  get statistics(): Readonly<Record<string, FeatureStatistics>> {
    return Object.fromEntries(
      this.#features.map(({ name }, i) => [
        name,
        { ...(this.#moments[i] as Moments).spread, ...(this.#counts[i] as Counts) },
      ]),
    );
  }
}
