import { malformed } from './errors.ts';

/** Numbers as they stand in a binary tensor; halves come as float32, texts and flags as lists. */
export type TypedValues =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** One input of an Open Inference Protocol v2 request. */
export interface InputTensor {
  readonly name: string;
  /** Includes the batch dimension; empty for a scalar. */
  readonly shape: readonly number[];
  readonly datatype: string;
  /** Row-major, flat; as many as the product of `shape`. Not yet held against a model. Typed where it came as bytes. */
  readonly data: readonly unknown[] | TypedValues;
}

/** Elements `from` to `to` as JSON would give them; whole numbers beyond 2^53 as their digits. */
export function listOf({ data }: InputTensor, from = 0, to = data.length): unknown[] {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Array.from(data.slice(from, to), exactly);
  return Array.from(data.slice(from, to) as readonly unknown[]);
}

function exactly(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

/** Features given as whole tensors, by the name of a model input (or of a feature, a column each). */
export class InputTensors {
  readonly inputs: readonly InputTensor[];

  constructor(inputs: readonly InputTensor[]) {
    this.inputs = inputs;
  }
}

/** Tensor element types by the protocol's names. */
const DATATYPES = new Set('BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 FP32 FP64 BYTES'.split(' '));
/** No model input has more, and what walks a shape does so by calling itself. */
const MAX_RANK = 16;

/**
 * Reads the `inputs` of an Open Inference Protocol v2 request; `data` may be flat or nested.
 * @throws RequestError malformed_payload that names the input and what is wrong with it.
 */
export function readInputTensors(inputs: readonly unknown[]): InputTensors {
  if (inputs.length === 0) throw malformed('inputs is empty');
  const read = inputs.map(readInput);
  const names = new Set<string>();
  for (const { name } of read) {
    if (names.has(name)) throw malformed(`input ${name} is there twice`);
    names.add(name);
  }
  return new InputTensors(read);
}

function readInput(input: unknown, index: number): InputTensor {
  if (typeof input !== 'object' || input === null) throw malformed(`inputs[${index}] is no object`);
  const { name, shape, datatype, data } = input as Record<string, unknown>;
  if (typeof name !== 'string') throw malformed(`inputs[${index}] has no name`);
  if (typeof datatype !== 'string' || !DATATYPES.has(datatype)) {
    throw malformed(`input ${name}: datatype takes one of ${[...DATATYPES].join(', ')}`);
  }
  if (!Array.isArray(shape) || !shape.every(size => Number.isSafeInteger(size) && size >= 0)) {
    throw malformed(`input ${name}: shape takes a list of whole numbers`);
  }
  if (shape.length > MAX_RANK) {
    throw malformed(`input ${name}: shape has ${shape.length} dimensions; at most ${MAX_RANK}`);
  }
  if (!Array.isArray(data) && !isTyped(data)) throw malformed(`input ${name}: data takes a list`);
  const flat = Array.isArray(data) && data.some(Array.isArray) ? data.flat(MAX_RANK) : data;
  const expected = (shape as number[]).reduce((product, size) => product * size, 1);
  if (flat.length !== expected) {
    throw malformed(`input ${name}: data has ${flat.length} values; shape [${shape.join(', ')}] takes ${expected}`);
  }
  return { name, shape: shape as number[], datatype, data: flat };
}

function isTyped(data: unknown): data is TypedValues {
  return ArrayBuffer.isView(data) && !(data instanceof DataView);
}
