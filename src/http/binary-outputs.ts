import { toHalf } from '../core/half.ts';
import type { OutputTensor } from './output-tensors.ts';

type Write = (into: DataView, at: number, value: unknown) => void;

const number = (value: unknown): number => (value === null ? 0 : Number(value));
/** Where a row has no answer there is no number either. */
const float = (value: unknown): number => (value === null ? Number.NaN : Number(value));
const whole = (value: unknown): bigint => BigInt(typeof value === 'object' ? rawOf(value) : (value as number));
const rawOf = (value: object | null): string => (value as { rawJSON?: string } | null)?.rawJSON ?? '0';

/** By the protocol's names: what an element takes, bytes, and how it is written. */
const ELEMENTS: Readonly<Record<string, readonly [size: number, write: Write]>> = {
  BOOL: [1, (into, at, value) => into.setUint8(at, value ? 1 : 0)],
  UINT8: [1, (into, at, value) => into.setUint8(at, number(value))],
  INT8: [1, (into, at, value) => into.setInt8(at, number(value))],
  UINT16: [2, (into, at, value) => into.setUint16(at, number(value), true)],
  INT16: [2, (into, at, value) => into.setInt16(at, number(value), true)],
  UINT32: [4, (into, at, value) => into.setUint32(at, number(value), true)],
  INT32: [4, (into, at, value) => into.setInt32(at, number(value), true)],
  UINT64: [8, (into, at, value) => into.setBigUint64(at, whole(value), true)],
  INT64: [8, (into, at, value) => into.setBigInt64(at, whole(value), true)],
  FP16: [2, (into, at, value) => into.setUint16(at, value === null ? HALF_NAN : toHalf(Number(value)), true)],
  FP32: [4, (into, at, value) => into.setFloat32(at, float(value), true)],
  FP64: [8, (into, at, value) => into.setFloat64(at, float(value), true)],
};
const HALF_NAN = 0x7e00;

/**
 * An output's values as Triton's binary tensors have them: little-endian, row-major; each text after its length in four bytes. Where a row has
 * no answer, null in JSON, floats are NaN, whole numbers 0 and texts empty.
 */
export function writeElements({ datatype, data }: OutputTensor): Buffer {
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const [size, write] = ELEMENTS[datatype] ?? [0, undefined];
  if (write === undefined) return writeTexts(data);
  const bytes = Buffer.alloc(data.length * size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let i = 0; i < data.length; i++) write(view, i * size, data[i]);
  return bytes;
}

function writeTexts(texts: readonly unknown[]): Buffer {
  const parts = texts.map(text => Buffer.from(text === null ? '' : String(text)));
  const bytes = Buffer.alloc(parts.reduce((sum, part) => sum + 4 + part.length, 0));
  let at = 0;
  for (const part of parts) {
    at = bytes.writeUInt32LE(part.length, at);
    at += part.copy(bytes, at);
  }
  return bytes;
}
