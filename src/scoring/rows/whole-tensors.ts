import { RequestError } from '../../core/errors.ts';
import { type InputTensor, type InputTensors, listOf } from '../../core/open-inference.ts';
import type { TensorData } from '../../core/tensor.ts';
import { type Block, DenseBlock, ScalarBlock } from './blocks.ts';
import type { Field, InputPlan } from './input-plan.ts';
import { isTensor } from './instances.ts';

/** A tensor that has a row for each instance and an element for each column of an input. */
export interface Columns {
  readonly tensor: InputTensor;
  readonly input: InputPlan;
  readonly block: DenseBlock;
}

/** A request's tensors by the inputs that they fill; undefined where they are not one each, as many rows of each, and columns as the model has them. */
export function matchTensors(
  { inputs: given }: InputTensors,
  inputs: readonly InputPlan[],
  blocks: readonly Block[],
): { readonly rows: number; readonly all: readonly Columns[] } | undefined {
  if (given.length !== inputs.length) return undefined;
  const all: Columns[] = [];
  let rows: number | undefined;
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i] as InputPlan;
    const block = blocks[i];
    const tensor = inputs.length === 1 ? only(given[0] as InputTensor, input) : find(given, input);
    if (tensor === undefined || !(block instanceof DenseBlock) || block instanceof ScalarBlock) return undefined;
    if (block.width !== input.fields.length || input.fields.some(isTensor)) return undefined;
    const own = rowsOf(tensor, block.width);
    if (own === 0 || (rows !== undefined && own !== rows)) return undefined;
    rows = own;
    all.push({ tensor, input, block });
  }
  return rows === undefined ? undefined : { rows, all };
}

function find(given: readonly InputTensor[], { spec }: InputPlan): InputTensor | undefined {
  return given.find(({ name }) => name === spec.name);
}

/** Where there is but one input, any name will do that is not a feature's. */
function only(tensor: InputTensor, { spec, fields }: InputPlan): InputTensor | undefined {
  const { name } = tensor;
  return name === spec.name || !fields.some(field => field.name === name) ? tensor : undefined;
}

/** [rows, width], or [rows] and any number of ones for a single column; 0 where the shape is another. */
function rowsOf({ shape }: InputTensor, width: number): number {
  const [rows = 0, ...inner] = shape;
  const fits =
    width === 1 ? shape.length > 0 && inner.every(size => size === 1) : inner.length === 1 && inner[0] === width;
  return fits ? rows : 0;
}

/** Copies a tensor's rows to row `from` of its block and behind it. False where a value does not fit; what was written then counts for nothing. */
export function copyColumns({ tensor, input, block }: Columns, rows: number, from: number): boolean {
  const { data } = tensor;
  const { width } = block;
  const start = from * width;
  if (input.plain && isAlike(data, block.data) && input.plainLimit === undefined) {
    block.data.set(data as never, start);
    return true;
  }
  if (input.plainLimit !== undefined && data instanceof Float32Array && block.data instanceof Float32Array) {
    if (!areFinite(data)) return false;
    block.data.set(data, start);
    return true;
  }
  if (input.plainLimit !== undefined && copyPlain(data, block.data as Float32Array, start, input.plainLimit))
    return true;
  return writeCells(
    data instanceof BigInt64Array || data instanceof BigUint64Array ? listOf(tensor) : data,
    input.fields,
    block,
    rows,
    from,
  );
}

/** Whether elements of one are elements of the other, any of them: flags are bytes, too, and come as lists. */
function isAlike(data: InputTensor['data'], into: TensorData): into is Exclude<TensorData, string[]> {
  return !Array.isArray(data) && !Array.isArray(into) && data.constructor === into.constructor;
}

/** Four sums at once: one alone would wait for itself. */
function areFinite(values: Float32Array): boolean {
  let [a, b, c, d] = [0, 0, 0, 0];
  let i = 0;
  for (const end = values.length - 3; i < end; i += 4) {
    a += (values[i] as number) * 0;
    b += (values[i + 1] as number) * 0;
    c += (values[i + 2] as number) * 0;
    d += (values[i + 3] as number) * 0;
  }
  for (; i < values.length; i++) a += (values[i] as number) * 0;
  return a + b + c + d === 0;
}

/** False where a value is no number, or one that the input cannot hold. */
function copyPlain(values: ArrayLike<unknown>, into: Float32Array, start: number, limit: number): boolean {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== 'number' || !(value < limit && value > -limit)) return false;
    into[start + i] = value;
  }
  return true;
}

function writeCells(
  values: ArrayLike<unknown>,
  fields: readonly Field[],
  block: DenseBlock,
  rows: number,
  from: number,
): boolean {
  try {
    for (let row = 0, at = 0; row < rows; row++) {
      for (const field of fields) field.write(values[at++], block, from + row);
    }
    return true;
  } catch (thrown) {
    if (thrown instanceof RequestError) return false;
    throw thrown;
  }
}
