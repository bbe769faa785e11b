import { closest } from '../core/closest.ts';
import type { Feature } from '../core/model.ts';
import { BatchRefusal } from './problems.ts';
import type { BatchOptions } from './range.ts';

/** Which of a table's columns goes where. */
export interface ColumnPlan {
  readonly names: readonly string[];
  /** By feature, in the card's order: its column; -1 where the card fills it. */
  readonly columnOf: readonly number[];
  /** By column: the feature that it holds; -1 where none. */
  readonly featureOf: readonly number[];
  /** Undefined where rows are numbered. */
  readonly id: number | undefined;
  /** Columns that stand behind the prediction, in the input's order. */
  readonly kept: readonly number[];
}

/**
 * @param names of the input's columns
 * @param own the output's columns beside those of the input
 * @throws BatchRefusal that names the column
 */
export function planColumns(
  names: readonly string[],
  features: readonly Feature[],
  own: readonly string[],
  { idColumn, includeFeatures }: Pick<BatchOptions, 'idColumn' | 'includeFeatures'>,
): ColumnPlan {
  const place = new Map<string, number>();
  names.forEach((name, column) => {
    const first = place.get(name);
    if (first !== undefined)
      throw new BatchRefusal(
        `the header names ${quoted(name)} twice, as columns ${first + 1} and ${column + 1}; one is expected`,
      );
    place.set(name, column);
  });
  const missing = features.filter(({ name, fill }) => fill === undefined && !place.has(name)).map(({ name }) => name);
  if (missing.length > 0) throw new BatchRefusal(missingColumns(missing, names));
  const id = idColumn === undefined ? undefined : place.get(idColumn);
  if (idColumn !== undefined && id === undefined)
    throw new BatchRefusal(`the header has no id column ${quoted(idColumn)}${nearest(idColumn, names)}`);
  const columnOf = features.map(({ name }) => place.get(name) ?? -1);
  const featureOf = names.map((_, column) => columnOf.indexOf(column));
  const kept = includeFeatures ? [...names.keys()].filter(column => column !== id) : [];
  const taken = [...(id === undefined ? [] : [names[id] as string]), ...kept.map(column => names[column] as string)];
  const clash = taken.find(name => own.includes(name));
  if (clash !== undefined)
    throw new BatchRefusal(`the input has a column ${quoted(clash)}, which the output has of its own; rename it`);
  return { names, columnOf, featureOf, id, kept };
}

/** What the output calls its first column, and those of the input behind the prediction. */
export function outsideNames({ names, id, kept }: ColumnPlan): [id: string, kept: string[]] {
  return [id === undefined ? 'row' : (names[id] as string), kept.map(column => names[column] as string)];
}

const MAX_NAMED = 5;

function missingColumns(missing: readonly string[], names: readonly string[]): string {
  const named = missing.slice(0, MAX_NAMED).map(name => `${quoted(name)}${nearest(name, names)}`);
  const more = missing.length > MAX_NAMED ? ` and ${missing.length - MAX_NAMED} more` : '';
  return `the header lacks ${missing.length === 1 ? 'the feature' : 'the features'} ${named.join(', ')}${more}`;
}

function nearest(name: string, names: readonly string[]): string {
  const near = closest(name, names);
  return near === undefined ? '' : ` (the nearest is ${quoted(near)})`;
}

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}
