import type { Opinion } from './opinions.ts';

/** What an ensemble says of a slice: of each row the class's place, its probabilities, and the members (by their place) that it comes from. */
export interface Verdict {
  readonly labels: Int32Array;
  readonly probabilities: Float64Array;
  /** Of each row the one member that answered; undefined where all did together. */
  readonly by: Int32Array | undefined;
}

type Combine = (opinions: readonly Opinion[], rows: number, width: number) => Verdict;

/** Of each class the mean of what the members say; the most probable is the class, of equal ones the first. */
export const mean: Combine = (opinions, rows, width) => {
  const probabilities = new Float64Array(rows * width);
  for (const { probabilities: each } of opinions)
    for (let i = 0; i < probabilities.length; i++) probabilities[i]! += (each as Float64Array)[i]! / opinions.length;
  return { probabilities, labels: mostOf(probabilities, rows, width), by: undefined };
};

/** Of each class the share of members that say it. Where several have most votes, the one of them whose members come first in the card. */
export const vote: Combine = (opinions, rows, width) => {
  const probabilities = new Float64Array(rows * width);
  const labels = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    for (const { labels: each } of opinions) probabilities[row * width + each[row]!]! += 1 / opinions.length;
    let best = opinions[0]!.labels[row]!;
    for (const { labels: each } of opinions) {
      const other = each[row]!;
      if (probabilities[row * width + other]! > probabilities[row * width + best]! + TIE) best = other;
    }
    labels[row] = best;
  }
  return { probabilities, labels, by: undefined };
};

/** What the first member says that gives its class `threshold` or more; where none does, what the surest says. */
export function firstConfident(threshold: number): Combine {
  return (opinions, rows, width) => {
    const probabilities = new Float64Array(rows * width);
    const labels = new Int32Array(rows);
    const by = new Int32Array(rows);
    for (let row = 0; row < rows; row++) {
      const sure = opinions.map(({ probabilities: each, labels: own }) => each![row * width + own[row]!]!);
      const first = sure.findIndex(confidence => confidence >= threshold - ROUNDING);
      const chosen = first >= 0 ? first : sure.indexOf(Math.max(...sure));
      const { probabilities: each, labels: own } = opinions[Math.max(0, chosen)]!;
      by[row] = Math.max(0, chosen);
      labels[row] = own[row]!;
      probabilities.set(each!.subarray(row * width, (row + 1) * width), row * width);
    }
    return { probabilities, labels, by };
  };
}

/** Sums of shares of members that are equal may differ by this. */
const TIE = 1e-9;
/** 0.8 as float32 is not less than 0.8. */
const ROUNDING = 1e-7;

function mostOf(probabilities: Float64Array, rows: number, width: number): Int32Array {
  const labels = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    let best = 0;
    for (let i = 1; i < width; i++) if (probabilities[row * width + i]! > probabilities[row * width + best]!) best = i;
    labels[row] = best;
  }
  return labels;
}
