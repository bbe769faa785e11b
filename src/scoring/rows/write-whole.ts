import { RequestError } from '../../core/errors.ts';
import type { Block, DenseBlock } from './blocks.ts';
import type { Field, InputPlan } from './input-plan.ts';
import { isTensor } from './instances.ts';
import { flatten, shapeOf } from './shapes.ts';

/** Fills one input from a list: one value a column, or one tensor. */
export function writeWhole(input: InputPlan, list: readonly unknown[], block: Block, row: number, model: string): void {
  const { fields, plainLimit } = input;
  if (isTensor(fields[0])) {
    (fields[0] as Field).write(list, block, row);
    return;
  }
  const values = Array.isArray(list[0]) && input.tail.length > 1 ? (flatten(list, shapeOf(list)) ?? list) : list;
  checkLength(values, fields, model);
  let column = 0;
  if (plainLimit !== undefined) column = writePlain(values, block as DenseBlock, row, plainLimit);
  for (; column < fields.length; column++) (fields[column] as Field).write(values[column], block, row);
}

/** The hot loop: numbers straight into the tensor, until one needs a closer look. Returns the columns written. */
function writePlain(values: readonly unknown[], { data, width }: DenseBlock, row: number, limit: number): number {
  const start = row * width;
  for (let column = 0; column < width; column++) {
    const value = values[column];
    if (typeof value !== 'number' || !(value < limit && value > -limit)) return column;
    (data as Float32Array)[start + column] = value;
  }
  return width;
}

export function checkLength(values: readonly unknown[], fields: readonly Field[], model: string): void {
  if (values.length !== fields.length) {
    throw mismatch(
      `features has ${values.length} value${values.length === 1 ? '' : 's'}`,
      model,
      String(fields.length),
    );
  }
}

export function mismatch(is: string, model: string, takes: string): RequestError {
  return new RequestError('schema_mismatch', 'validate', `${is}; ${model} takes ${takes}`);
}
