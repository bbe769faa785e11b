import { malformed } from '../../core/errors.ts';
import { InputTensors } from '../../core/open-inference.ts';
import { nameOfType } from '../../core/words.ts';
import { isObject, type JsonObject } from './shape.ts';

/**
 * The features of a pack, a row an id: a list of instances as it is, or a table of columns (an object of lists, all of one length) row by row. Whole tensors are counted where the model is known.
 * @throws RequestError malformed_payload where they are neither, or of another number.
 */
export function listOfRows(features: unknown, ids: number): unknown {
  if (features instanceof InputTensors) return features;
  if (Array.isArray(features)) {
    if (features.length !== ids) throw miscounted(ids, `features has ${features.length} rows`);
    return features;
  }
  if (!isObject(features)) throw malformed(`with ids, features takes a list of instances; got ${nameOfType(features)}`);
  const columns = columnsOf(features, ids);
  return Array.from({ length: ids }, (_, row) =>
    Object.fromEntries(columns.map(([name, values]) => [name, values[row]])),
  );
}

function columnsOf(table: JsonObject, rows: number): [name: string, values: readonly unknown[]][] {
  return Object.entries(table).map(([name, values]) => {
    if (!Array.isArray(values)) throw malformed(`with ids, column ${name} takes a list; got ${nameOfType(values)}`);
    if (values.length !== rows) throw miscounted(rows, `column ${name} has ${values.length} values`);
    return [name, values];
  });
}

function miscounted(ids: number, what: string): Error {
  return malformed(`ids has ${ids}, ${what}; an id a row is needed`);
}
