import { binsOf } from './bins.ts';
import type { Profile } from './profile.ts';

/** What was counted of the rows that a version was asked for, in its profile's bins: integers all, so that adding is merging and a replay comes to the same. */
export interface InputCounts {
  rows: number;
  /** By watched feature, then by bin; the first is what is missing. */
  readonly bins: number[][];
}

export function noInputs(profile: Profile): InputCounts {
  return { rows: 0, bins: binsOf(profile).map(({ reference }) => new Array<number>(reference.length).fill(0)) };
}

/** @param row values by the place of their feature */
export function addRow(counts: InputCounts, row: readonly unknown[], profile: Profile): void {
  const features = binsOf(profile);
  counts.rows++;
  for (let i = 0; i < features.length; i++) {
    const { place, binOf } = features[i] as (typeof features)[number];
    const bins = counts.bins[i] as number[];
    const bin = binOf(row[place]);
    bins[bin] = (bins[bin] as number) + 1;
  }
}

export function addInputs(into: InputCounts, { rows, bins }: InputCounts): void {
  into.rows += rows;
  bins.forEach((counts, feature) => {
    const own = into.bins[feature];
    counts.forEach((many, bin) => {
      if (own !== undefined) own[bin] = (own[bin] ?? 0) + many;
    });
  });
}

/** How a version's requests ended, as the sweep counted it. */
export interface Endings {
  /** Results and dead letters. */
  requests: number;
  /** By label as JSON. */
  readonly classes: Record<string, number>;
  readonly confidences: number[];
  /** By code. */
  readonly deadLetters: Record<string, number>;
}

export function noEndings(): Endings {
  return { requests: 0, classes: {}, confidences: [], deadLetters: {} };
}

export function addEndings(into: Endings, { requests, classes, confidences, deadLetters }: Endings): void {
  into.requests += requests;
  confidences.forEach((many, bin) => {
    into.confidences[bin] = (into.confidences[bin] ?? 0) + many;
  });
  for (const [label, many] of Object.entries(classes)) into.classes[label] = (into.classes[label] ?? 0) + many;
  for (const [code, many] of Object.entries(deadLetters)) into.deadLetters[code] = (into.deadLetters[code] ?? 0) + many;
}
