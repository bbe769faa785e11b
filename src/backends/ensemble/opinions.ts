import type { Card, OutputRoles } from '../../core/model.ts';
import type { ClassLabel } from '../../core/prediction.ts';
import { activate, areProbabilities, withinBounds } from '../../core/probabilities.ts';
import type { Tensor, Tensors } from '../../core/tensor.ts';

/** What one classifier says of a slice, in the order of the ensemble's classes. */
export interface Opinion {
  /** Row by row; undefined where it gives none. */
  readonly probabilities: Float64Array | undefined;
  /** Of each row the class's place. */
  readonly labels: Int32Array;
}

/** Reads what a member says as an opinion. @throws Error where it says a class that the ensemble does not have, or too few rows. */
export type OpinionReader = (outputs: Tensors, rows: number) => Opinion;

/** @param classes of the ensemble; the member's are the same, maybe in another order. @param width how many there are */
export function opinionReader(
  { outputs }: Card,
  classes: readonly ClassLabel[] | undefined,
  width: number,
): OpinionReader {
  const own = outputs.classes;
  const place = new Map(classes?.map((label, i) => [String(label), i]));
  /** Where the member's column of probabilities stands among the ensemble's. */
  const placeOf = (column: number) => (own === undefined ? column : (place.get(String(own[column])) as number));
  const { label, probabilities, scores } = outputs;
  return (tensors, rows) => {
    const numbers = tensors[probabilities ?? scores ?? ''];
    const columns = numbers && columnsOf(numbers, rows, outputs, width);
    const labels = new Int32Array(rows);
    const given = label === undefined ? undefined : tensors[label];
    for (let row = 0; row < rows; row++) {
      const named = given && namedClass(given, row, rows, outputs, place);
      const own = columns && chosen(columns, row, width, outputs);
      const decided = outputs.threshold !== undefined && own !== undefined;
      labels[row] = named !== undefined && !decided ? named : placeOf(own ?? -1);
    }
    if (columns === undefined || probabilities === undefined) return { probabilities: undefined, labels };
    const ordered = new Float64Array(rows * width);
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < width; column++)
        ordered[row * width + placeOf(column)] = columns[row * width + column] as number;
    return { probabilities: ordered, labels };
  };
}

/** A member's numbers by its own classes; a single column is that of the second of two. */
function columnsOf(
  { data, type }: Tensor,
  rows: number,
  { activation, scores }: OutputRoles,
  width: number,
): Float64Array {
  const own = data.length / Math.max(1, rows);
  if (own !== width && !(own === 1 && width === 2)) throw new Error(`it says ${own} numbers a row of ${width} classes`);
  if (!type.startsWith('float') || type === 'float16') throw new Error(`its probabilities are ${type}`);
  const columns = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const given = Array.from({ length: own }, (_, i) => Number(data[row * own + i]));
    const turned = activate(given, activation);
    const [only = 0] = turned;
    const both = own === 1 && width === 2 ? [scores === undefined ? 1 - only : -only, only] : turned;
    if (scores === undefined && both.every(Number.isFinite) && !areProbabilities(both, false))
      throw new Error('it says numbers that are no probabilities');
    both.forEach((value, i) => {
      columns[row * width + i] = scores === undefined && Number.isFinite(value) ? withinBounds(value) : value;
    });
  }
  return columns;
}

/** The member's own choice by its numbers. */
function chosen(columns: Float64Array, row: number, width: number, { threshold }: OutputRoles): number {
  if (threshold !== undefined && width === 2) return (columns[row * 2 + 1] as number) >= threshold ? 1 : 0;
  let best = 0;
  for (let i = 1; i < width; i++)
    if ((columns[row * width + i] as number) > (columns[row * width + best] as number)) best = i;
  return best;
}

/** The place of the class that the member's label names or numbers. */
function namedClass(
  { data, type }: Tensor,
  row: number,
  rows: number,
  { classes, firstClass }: OutputRoles,
  place: ReadonlyMap<string, number>,
): number {
  if (data.length !== rows) throw new Error(`it says ${data.length} labels of ${rows} rows`);
  const value = type === 'bool' ? data[row] !== 0 : data[row];
  const found = place.get(String(value));
  if (found !== undefined) return found;
  const numbered = typeof value === 'string' ? undefined : classes?.[Number(value) - firstClass];
  const known = numbered === undefined ? undefined : place.get(String(numbered));
  if (known !== undefined) return known;
  if (place.size === 0 && typeof value !== 'string') return Number(value);
  throw new Error(`it says class ${String(value)}, which is none of ${[...place.keys()].slice(0, 8).join(', ')}`);
}
