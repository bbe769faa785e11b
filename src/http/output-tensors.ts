import { RequestError } from '../core/errors.ts';
import type { Prediction } from '../core/prediction.ts';
import type { OutputPlan } from './output-plan.ts';

/** An output of the protocol's answer; `data` is flat, row-major. */
export interface OutputTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

/**
 * Predictions as tensors, one row each. An output that a prediction lacks (the card's default was given) is left out.
 * @param gaps where a row lacks it, or there is no prediction, null stands in all its places instead
 * @throws RequestError inference_failed where rows differ in shape, so that no tensor holds them.
 */
export function toTensors(
  plans: readonly OutputPlan[],
  predictions: readonly (Prediction | undefined)[],
  gaps = false,
): readonly OutputTensor[] {
  return plans.flatMap(plan => {
    const rows = predictions.map(prediction => prediction && plan.read(prediction));
    const there = rows.filter(row => row !== undefined);
    if (there.length === rows.length) return [toTensor(plan, rows)];
    return gaps && there.length > 0 ? [withGaps(toTensor(plan, there), rows)] : [];
  });
}

function withGaps(tensor: OutputTensor, rows: readonly unknown[]): OutputTensor {
  const [there = 1, ...inner] = tensor.shape;
  const width = tensor.data.length / there;
  let next = 0;
  const data = rows.flatMap((row): readonly unknown[] => {
    if (row === undefined) return new Array<null>(width).fill(null);
    const at = next++ * width;
    return tensor.data.slice(at, at + width);
  });
  return { ...tensor, shape: [rows.length, ...inner], data };
}

function toTensor({ name, datatype, shape: declared, unbatched }: OutputPlan, rows: readonly unknown[]): OutputTensor {
  const inner = innerShape(rows[0]);
  const data = rows.flatMap(row => {
    if (String(innerShape(row)) !== String(inner)) throw uneven(name);
    return Array.isArray(row) ? row.flat(inner.length) : [row];
  });
  const texts = data.some(value => typeof value === 'string');
  const exact = texts && INTEGERS.has(datatype) && data.every(isInteger);
  return {
    name,
    datatype: texts && !exact ? 'BYTES' : datatype,
    shape:
      inner.length === 0 ? shapeOfOne(declared, rows.length, unbatched) : unbatched ? inner : [rows.length, ...inner],
    data: exact ? data.map(value => rawJson(String(value))) : data,
  };
}

const INTEGERS = new Set(['INT64', 'UINT64']);
const isInteger = (value: unknown) => /^-?\d+$/.test(String(value));

/** `JSON.rawJSON`: integers beyond 2^53 are written as they are; the language library of our target does not declare it yet. */
const { rawJSON: rawJson } = JSON as unknown as { rawJSON(text: string): unknown };

/** A row that is a single value stands for all dimensions of 1 that the model declares: `[-1, 1]` gives `[N, 1]`. */
function shapeOfOne(declared: readonly number[], rows: number, unbatched = false): readonly number[] {
  const inner = unbatched ? declared : declared.slice(1);
  const ones = inner.every(size => size === 1) ? inner : [];
  return unbatched ? ones : [rows, ...ones];
}

function innerShape(value: unknown): readonly number[] {
  return Array.isArray(value) ? [value.length, ...innerShape(value[0])] : [];
}

function uneven(name: string): RequestError {
  return new RequestError(
    'inference_failed',
    'interpret',
    `output ${name} has rows of different shapes, which no tensor holds; send these instances one at a time`,
  );
}
