/** Element types of ONNX tensors, by the names that onnxruntime-node uses. */
export const TENSOR_TYPES = [
  'float32',
  'float64',
  'float16',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'bool',
  'string',
] as const;

export type TensorType = (typeof TENSOR_TYPES)[number];

/** Whether elements of a type can be served. */
export function isTensorType(type: string): type is TensorType {
  return (TENSOR_TYPES as readonly string[]).includes(type);
}

export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | string[];

/** A dense tensor, row-major. `data.length` is the product of `dims`; the first dimension is the batch; without dimensions it is a scalar, the same for all rows. bool is one byte an element. */
export interface Tensor {
  readonly type: TensorType;
  readonly dims: readonly number[];
  readonly data: TensorData;
}

/** Tensors by the name of the model's input or output. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** What a model declares of an input or output. `null` is a dynamic dimension; the batch comes first. Declared output shapes can be wrong: trust a tensor's `dims`. */
export interface TensorSpec {
  readonly name: string;
  readonly type: TensorType;
  readonly dims: readonly (number | null)[];
  /** What the file calls its dynamic dimensions, by place; '' where it does not. Known to backends alone. */
  readonly symbols?: readonly string[];
  /** Of an output: the file has no batch among its dimensions, the first is there for the rows that it is given to. */
  readonly rowless?: boolean;
  /** Of an output of a file that has a batch of one size: where the batch stands, if not first. Its whole tensors are given so, since a request gives the file's inputs as they are. */
  readonly axis?: number;
}

/** Inputs and tensor outputs of a model, in graph order. Outputs that are no tensors (ZipMap) are left out and named in `opaqueOutputs`. */
export interface Signature {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly opaqueOutputs: readonly string[];
  /** Its inputs share no batch: the first dimension, always 1, is not the file's, and only a request's whole tensors can be given to it. */
  readonly unbatched?: boolean;
}
