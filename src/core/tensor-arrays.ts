import type { TensorData, TensorType } from './tensor.ts';

/** The elements of a tensor that holds no texts. */
export type NumberArray = Exclude<TensorData, string[]>;

/** Made of a length or of bytes. */
interface NumbersType {
  readonly BYTES_PER_ELEMENT: number;
  new (from: number): NumberArray;
  new (from: ArrayBuffer): NumberArray;
}

/** By element type; half precision as its bits, bool a byte an element. */
export const NUMBER_ARRAYS: Readonly<Record<Exclude<TensorType, 'string'>, NumbersType>> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};
