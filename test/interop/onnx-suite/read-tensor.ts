import { fieldsOf, packedVarints } from '../../../src/backends/onnx/protobuf.ts';
import { fromHalf } from '../../../src/core/half.ts';

/** A tensor of the suite; 64-bit integers as bigints. */
export interface SuiteTensor {
  /** Of ONNX's element type, as onnxruntime-node calls it; `type 16` where it has no values that JavaScript could hold. */
  readonly type: string;
  readonly dims: readonly number[];
  readonly values: readonly (number | bigint | string)[];
}

/** A reader of raw bytes by TensorProto.DataType (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), and an element's size. */
type Raw = readonly [type: string, size: number, read: (view: DataView, at: number) => number | bigint];

const RAW: Readonly<Record<number, Raw>> = {
  1: ['float32', 4, (view, at) => view.getFloat32(at, true)],
  2: ['uint8', 1, (view, at) => view.getUint8(at)],
  3: ['int8', 1, (view, at) => view.getInt8(at)],
  4: ['uint16', 2, (view, at) => view.getUint16(at, true)],
  5: ['int16', 2, (view, at) => view.getInt16(at, true)],
  6: ['int32', 4, (view, at) => view.getInt32(at, true)],
  7: ['int64', 8, (view, at) => view.getBigInt64(at, true)],
  9: ['bool', 1, (view, at) => view.getUint8(at)],
  10: ['float16', 2, (view, at) => fromHalf(view.getUint16(at, true))],
  11: ['float64', 8, (view, at) => view.getFloat64(at, true)],
  12: ['uint32', 4, (view, at) => view.getUint32(at, true)],
  13: ['uint64', 8, (view, at) => view.getBigUint64(at, true)],
};
const STRING = 8;
const HALF = 10;
const BIG = new Set(['int64', 'uint64']);
/** TensorProto's fields of values, by what they hold. */
const FIELDS = { dims: 1, type: 2, floats: 4, varints: [5, 7, 11], texts: 6, raw: 9, doubles: 10 };

/** Reads a TensorProto. */
export function readTensor(file: Uint8Array): SuiteTensor {
  const dims: number[] = [];
  const values: (number | bigint | string)[] = [];
  let type = 0;
  let raw: Uint8Array | undefined;
  for (const { number, varint, bytes } of fieldsOf(file)) {
    const varints = varint === undefined ? () => packedVarints(bytes as Uint8Array) : () => [BigInt.asIntN(64, varint)];
    if (number === FIELDS.dims) for (const size of varints()) dims.push(Number(size));
    if (number === FIELDS.type) type = Number(varint);
    if (number === FIELDS.raw) raw = bytes;
    if (number === FIELDS.texts) values.push(Buffer.from(bytes as Uint8Array).toString('utf8'));
    if (number === FIELDS.floats) values.push(...elements(bytes as Uint8Array, RAW[1] as Raw));
    if (number === FIELDS.doubles) values.push(...elements(bytes as Uint8Array, RAW[11] as Raw));
    if (FIELDS.varints.includes(number)) for (const value of varints()) values.push(fromVarint(value, type));
  }
  if (type === STRING) return { type: 'string', dims, values };
  const known = RAW[type];
  if (known === undefined) return { type: `type ${type}`, dims, values: [] };
  return { type: known[0], dims, values: raw ? elements(raw, known) : values };
}

function elements(bytes: Uint8Array, [, size, read]: Raw): (number | bigint)[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.byteLength / size) }, (_, i) => read(view, i * size));
}

function fromVarint(value: bigint, type: number): number | bigint {
  if (type === HALF) return fromHalf(Number(value));
  const name = RAW[type]?.[0] ?? '';
  return BIG.has(name) ? (name === 'uint64' ? BigInt.asUintN(64, value) : value) : Number(value);
}
