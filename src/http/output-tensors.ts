import { RequestError } from '../core/errors.ts';
import type { Prediction } from '../core/prediction.ts';
import type { OutputPlan } from './output-plan.ts';

/** An output of the protocol's answer; `data` is flat, row-major. */
export interface OutputTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[] | Float32Array | BigInt64Array;
}

interface ListTensor extends OutputTensor {
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
): readonly ListTensor[] {
  return plans.flatMap(plan => {
    const rows = predictions.map(prediction => prediction && plan.read(prediction));
    const there = rows.filter(row => row !== undefined);
    if (there.length < rows.length) return gaps && there.length > 0 ? gappy(plan, there, rows) : [];
    const whole = plan.whole === 'always' || (plan.whole === 'alone' && rows.length === 1);
    if (whole) return [wholeTensor(plan, rows[0])];
    if (plan.axis === undefined) return [toTensor(plan, rows)];
    const shape = [-1, ...plan.shape.toSpliced(plan.axis, 1)];
    return [turned(toTensor({ ...plan, shape }, rows), plan.axis)];
  });
}

/** The same with its first dimension where the file has it. */
function turned({ name, datatype, shape, data }: ListTensor, axis: number): ListTensor {
  const [rows = 0, ...inner] = shape;
  const size = (sizes: readonly number[]) => sizes.reduce((product, one) => product * one, 1);
  const [before, after] = [size(inner.slice(0, axis)), size(inner.slice(axis))];
  const values: unknown[] = [];
  for (let i = 0; i < before; i++)
    for (let row = 0; row < rows; row++)
      values.push(...data.slice((row * before + i) * after, (row * before + i + 1) * after));
  return { name, datatype, shape: inner.toSpliced(axis, 0, rows), data: values };
}

function wholeTensor(plan: OutputPlan, value: unknown): ListTensor {
  const { shape: declared } = plan;
  const { name, datatype, shape, data } = toTensor({ ...plan, shape: [-1, ...declared] }, [value]);
  // Of a tensor that holds nothing, lists do not tell all dimensions.
  const empty = data.length === 0 && declared.every(size => size >= 0);
  return { name, datatype, shape: empty ? declared : shape.slice(1), data };
}

/** Of a pack that skips bad rows; an output that is given once for all has no gaps. */
function gappy(plan: OutputPlan, there: readonly unknown[], rows: readonly unknown[]): readonly ListTensor[] {
  if (plan.whole === 'always') return [wholeTensor(plan, there[0])];
  return [withGaps(toTensor(plan, there), rows)];
}

function withGaps(tensor: ListTensor, rows: readonly unknown[]): ListTensor {
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

function toTensor({ name, datatype, shape: declared }: OutputPlan, rows: readonly unknown[]): ListTensor {
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
    shape: inner.length === 0 ? shapeOfOne(declared, rows.length) : [rows.length, ...inner],
    data: exact ? data.map(value => rawJson(String(value))) : data,
  };
}

const INTEGERS = new Set(['INT64', 'UINT64']);
const isInteger = (value: unknown) => /^-?\d+$/.test(String(value));

/** `JSON.rawJSON`: integers beyond 2^53 are written as they are; the language library of our target does not declare it yet. */
const { rawJSON: rawJson } = JSON as unknown as { rawJSON(text: string): unknown };

/** A row that is a single value stands for all dimensions of 1 that the model declares: `[-1, 1]` gives `[N, 1]`. */
export function shapeOfOne(declared: readonly number[], rows: number): readonly number[] {
  const inner = declared.slice(1);
  return [rows, ...(inner.every(size => size === 1) ? inner : [])];
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
