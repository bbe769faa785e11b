import { fromHalf } from '../../core/half.ts';
import { shortFloat } from '../../core/short-float.ts';
import type { Tensor } from '../../core/tensor.ts';

/** One element of an output as JSON has it: int64 as number, beyond 2^53 as its digits; float32 with the digits it holds; bool as true or false. */
export type Element = number | string | boolean;

/** Reads element `at` of a tensor. */
export type ElementReader = (tensor: Tensor, at: number) => Element;

export function elementAt({ type, data }: Tensor, at: number): Element {
  const value = data[at] as number | bigint | string;
  if (typeof value === 'bigint') return bigToJson(value);
  if (type === 'bool') return value !== 0;
  if (type === 'float32') return shortFloat(value as number);
  if (type === 'float16' && data instanceof Uint16Array) return fromHalf(value as number);
  return value;
}

function bigToJson(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

/** How many elements of an output belong to each row, and their shape; undefined where its first dimension is not the batch. Trusts `dims`, not what the model declared. */
export function rowShape({ dims, data }: Tensor, rows: number): readonly number[] | undefined {
  if (dims[0] === rows) return dims.slice(1);
  // Of one row the whole output is its own, batch dimension or not.
  if (rows === 1 && data.length > 0) return dims;
  return undefined;
}

/** A row of an output as nested lists, a scalar where it has one element and no shape. */
export function nestedRow(tensor: Tensor, row: number, shape: readonly number[]): unknown {
  const width = shape.reduce((product, size) => product * size, 1);
  return nestFrom(tensor, row * width, shape, 0);
}

function nestFrom(tensor: Tensor, at: number, shape: readonly number[], axis: number): unknown {
  if (axis === shape.length) return elementAt(tensor, at);
  const step = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  return Array.from({ length: shape[axis] as number }, (_, i) => nestFrom(tensor, at + i * step, shape, axis + 1));
}
