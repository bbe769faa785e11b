import { Misfit } from '../../core/misfit.ts';
import type { Tensor, TensorSpec, Tensors, TensorType } from '../../core/tensor.ts';
import { NUMBER_ARRAYS, type NumberArray } from '../../core/tensor-arrays.ts';

/** One tensor that goes by another name, and maybe another type, elsewhere. */
interface Pair {
  readonly from: string;
  readonly to: string;
  readonly type: TensorType;
}

/** How tensors of one model are given as another takes them. */
export type Alignment = readonly Pair[];

type Dims = TensorSpec['dims'];

/**
 * Which of `given` each of `wanted` is: the one of that name, or the only one there is.
 * @param what `input`, for messages
 * @throws Misfit that says what was expected and what came
 */
export function align(what: string, given: readonly TensorSpec[], wanted: readonly TensorSpec[]): Alignment {
  if (given.length !== wanted.length)
    throw new Misfit(
      `expected ${count(given.length, what)} (${shown(given)}), came ${count(wanted.length, what)} (${shown(wanted)})`,
    );
  const alone = given.length === 1;
  return wanted.map(spec => {
    const source = given.find(({ name }) => name === spec.name) ?? (alone ? (given[0] as TensorSpec) : undefined);
    if (source === undefined) throw new Misfit(`expected ${what}s ${shown(given)}, came ${shown(wanted)}`);
    const fits = sameWidth(source.dims, spec.dims) && isConvertible(source.type, spec.type);
    if (!fits) throw new Misfit(`expected ${what} ${shown([source])}, came ${shown([spec])}`);
    return { from: source.name, to: spec.name, type: spec.type };
  });
}

/** The tensors as the other model takes them; the very same where it takes them so. */
export function aligned(alignment: Alignment, tensors: Tensors): Tensors {
  const given: Record<string, Tensor> = {};
  for (const { from, to, type } of alignment) {
    const tensor = tensors[from];
    if (tensor !== undefined) given[to] = converted(tensor, type);
  }
  return given;
}

/** Numbers of another type; what is no whole number loses its fraction where whole ones are wanted. */
export function converted(tensor: Tensor, type: TensorType): Tensor {
  if (tensor.type === type || type === 'string' || Array.isArray(tensor.data)) return tensor;
  const data: NumberArray = new NUMBER_ARRAYS[type](tensor.data.length);
  const isBig = data instanceof BigInt64Array || data instanceof BigUint64Array;
  for (let i = 0; i < data.length; i++) {
    const number = Number(tensor.data[i]);
    data[i] = isBig ? (BigInt(Number.isFinite(number) ? Math.trunc(number) : 0) as never) : number;
  }
  return { type, dims: tensor.dims, data };
}

/** A spec that is as narrow as both: what one leaves open the other says. Numbers are doubles where either takes those, or where they are of different kinds. */
export function joint(one: TensorSpec, other: TensorSpec): TensorSpec {
  const dims = one.dims.map((dimension, i) => dimension ?? other.dims[i] ?? null);
  return { ...one, dims, type: one.type === other.type ? one.type : 'float64' };
}

const NUMBERS: ReadonlySet<TensorType> = new Set([
  ...(['float32', 'float64', 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64'] as const),
]);

function isConvertible(one: TensorType, other: TensorType): boolean {
  return one === other || (NUMBERS.has(one) && NUMBERS.has(other));
}

/** `[N]` and `[N, 1]` differ in nothing but form, yet a model insists on its own. */
function sameWidth(one: Dims, other: Dims): boolean {
  return one.length === other.length && one.every((size, i) => size === null || other[i] === null || size === other[i]);
}

/** `x: float32[?,4], Contract: string[?,1]` */
export function shown(specs: readonly TensorSpec[]): string {
  return specs.map(({ name, type, dims }) => `${name}: ${type}[${dims.map(size => size ?? '?').join(',')}]`).join(', ');
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
