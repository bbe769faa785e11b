import { RequestError } from '../../core/errors.ts';
import { type InputTensor, InputTensors, listOf } from '../../core/open-inference.ts';
import { nameOfShape } from '../../core/words.ts';
import type { Field, InputPlan } from './input-plan.ts';
import { countOf, nest, rowDims, shapeOf, type Tail } from './shapes.ts';

/** Whether a list is one instance, its values in the features' order, rather than a list of instances: decided by what the model takes. */
export function isOneInstance(
  list: readonly unknown[],
  inputs: readonly InputPlan[],
  fields: readonly Field[],
): boolean {
  const [first] = list;
  if (typeof first !== 'object' || first === null) {
    // Scalars: the values of one instance, or for a model with one scalar feature bare values of several.
    return fields.length > 1 || isTensor(fields[0]) || list.length === 1;
  }
  // As many values as there are features, of which one is an object where a number belongs.
  if (fields.length > 1 && list.length === fields.length && list.some(isScalar)) return true;
  if (!Array.isArray(first)) return false;
  const dims = shapeOf(list);
  if (fields.length > 1 && fields.some(isTensor)) {
    return list.length === fields.length && fields.every((field, i) => rowDims(shapeOf(list[i]), field.tail));
  }
  const tail = inputs.length === 1 ? (inputs[0] as InputPlan).tail : [];
  if (tail.length < 2 && !isTensor(fields[0])) return false;
  if (rowDims(dims, tail)) return true;
  return !rowDims(dims.slice(1), tail) && dims.length <= tail.length;
}

function isScalar(value: unknown): boolean {
  return typeof value !== 'object';
}

export function isTensor(field: Field | undefined): boolean {
  return field !== undefined && field.tail.length > 0;
}

/** Whole tensors as instances, objects by input or feature name. @throws RequestError schema_mismatch where names or shapes are none of the model's. */
export function instancesOf(
  tensors: InputTensors,
  inputs: readonly InputPlan[],
  model: string,
  maxInstances: number,
): readonly unknown[] {
  const [shared, own] = [true, false].map(wanted =>
    tensors.inputs.filter(tensor => isShared(tensor, inputs) === wanted),
  ) as [InputTensor[], InputTensor[]];
  const columns = own.map(tensor => columnOf(tensor, tensors, inputs, model, maxInstances));
  const rows = columns[0]?.rows.length ?? (shared.length > 0 ? 1 : 0);
  for (const tensor of shared) columns.push({ name: tensor.name, rows: new Array(rows).fill(listOf(tensor)[0]) });
  for (const column of columns) {
    if (column.rows.length !== rows)
      throw mismatch(`inputs have ${rows} and ${column.rows.length} rows`, model, 'as many of each');
  }
  return Array.from({ length: rows }, (_, row) =>
    Object.fromEntries(columns.map(({ name, rows: values }) => [name, values[row]])),
  );
}

/** One value for all rows, of an input that takes no more. */
function isShared({ name, data }: InputTensor, inputs: readonly InputPlan[]): boolean {
  return data.length === 1 && inputs.some(({ spec }) => spec.name === name && spec.dims.length === 0);
}

/** Tensors in the shapes of the file, none of them a batch, as the one instance. @throws RequestError schema_mismatch where the features are anything else. */
export function wholeInstance(features: unknown, inputs: readonly InputPlan[], model: string): unknown {
  if (!(features instanceof InputTensors)) {
    const shapes = inputs.map(({ spec, tail }) => `${spec.name} ${nameOfShape(tail)}`);
    throw mismatch('features is no Open Inference request', model, `tensors: ${shapes.join(', ')}`);
  }
  return Object.fromEntries(features.inputs.map(tensor => [tensor.name, nest(listOf(tensor), tensor.shape)]));
}

interface Column {
  readonly name: string;
  readonly rows: readonly unknown[];
}

function columnOf(
  tensor: InputTensor,
  tensors: InputTensors,
  inputs: readonly InputPlan[],
  model: string,
  maxInstances: number,
): Column {
  const only = inputs.length === 1 && tensors.inputs.length === 1 ? inputs[0] : undefined;
  const field = inputs.flatMap(input => input.fields).find(({ name }) => name === tensor.name);
  const input = inputs.find(({ spec }) => spec.name === tensor.name) ?? (field ? undefined : only);
  const tail = input?.tail ?? field?.tail;
  const name = input?.spec.name ?? tensor.name;
  if (tail === undefined) {
    const names = inputs.map(({ spec }) => spec.name).join(', ');
    throw mismatch(`input ${tensor.name} is not there`, model, names);
  }
  const [rows = 1, ...inner] = tensor.shape;
  const step = inner.reduce((product, size) => product * size, 1);
  const shape = rowShape(inner, tail, step);
  if (shape !== undefined) {
    // Of rows without values there can be any number.
    if (rows > maxInstances) throw tooMany(rows, model, maxInstances);
    const row = (i: number) => nest(listOf(tensor, i * step, (i + 1) * step), shape);
    return { name, rows: Array.from({ length: rows }, (_, i) => row(i)) };
  }
  if (rowDims(tensor.shape, tail)) return { name, rows: [nest(listOf(tensor), tensor.shape)] };
  throw mismatch(`input ${name} has the shape ${nameOfShape(tensor.shape)}`, model, nameOfShape([null, ...tail]));
}

/** How the values of a row are nested for what takes `tail`; undefined where they do not fit. Dimensions of 1 beyond the model's are passed over. */
function rowShape(inner: readonly number[], tail: Tail, count: number): readonly number[] | undefined {
  if (rowDims(inner, tail) || (tail.length > 1 && countOf(tail) === count)) return inner;
  const squeezed = inner.filter(size => size !== 1);
  return rowDims(squeezed, tail);
}

export function tooMany(instances: number, model: string, maxInstances: number): RequestError {
  return mismatch(`features has ${instances} instances`, model, `at most ${maxInstances} a request`);
}

function mismatch(is: string, model: string, takes: string): RequestError {
  return new RequestError('schema_mismatch', 'validate', `${is}; ${model} takes ${takes}`);
}
