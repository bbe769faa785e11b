import { malformed } from '../core/errors.ts';
import { fromHalf } from '../core/half.ts';
import type { InputTensor } from '../core/open-inference.ts';
import { fromUtf8 } from '../core/utf8.ts';

/**
 * Triton's binary tensor extension (github.com/triton-inference-server/server, protocol/extension_binary_data.md), what is asked: the JSON has
 * `parameters.binary_data_size` in place of `data`, and the values follow it, little-endian, in the order of the inputs. Python's `tritonclient` sends
 * so unless told otherwise.
 * @returns the inputs with their `data`; it may be the memory of `bytes`. @throws RequestError malformed_payload
 */
export function fillBinaryInputs(inputs: readonly unknown[], bytes: Uint8Array<ArrayBuffer>): readonly unknown[] {
  let at = 0;
  const filled = inputs.map((input, index) => {
    if (typeof input !== 'object' || input === null) return input;
    const { parameters, datatype, name = `inputs[${index}]` } = input as Record<string, unknown>;
    const size = (parameters as { binary_data_size?: unknown } | null | undefined)?.binary_data_size;
    if (size === undefined) return input;
    if (!Number.isSafeInteger(size) || (size as number) < 0 || at + (size as number) > bytes.length) {
      throw malformed(`input ${name}: binary_data_size is ${size}, and ${bytes.length - at} bytes are left`);
    }
    const chunk = bytes.subarray(at, at + (size as number));
    at += size as number;
    return { ...input, data: readElements(String(datatype), chunk, String(name)) };
  });
  if (at !== bytes.length) throw malformed(`${bytes.length - at} bytes are left over after the last input`);
  return filled;
}

type Numbers = Exclude<InputTensor['data'], readonly unknown[]>;
type NumbersType = { readonly BYTES_PER_ELEMENT: number } & (new (
  buffer: ArrayBuffer,
  offset: number,
  length: number,
) => Numbers);

/** By the protocol's names; FP16 as its bits, which no array of Node 22 reads. */
const NUMBERS: Readonly<Record<string, NumbersType>> = {
  UINT8: Uint8Array,
  INT8: Int8Array,
  UINT16: Uint16Array,
  INT16: Int16Array,
  UINT32: Uint32Array,
  INT32: Int32Array,
  UINT64: BigUint64Array,
  INT64: BigInt64Array,
  FP16: Uint16Array,
  FP32: Float32Array,
  FP64: Float64Array,
};

/** What an element takes, bytes; undefined for texts, and for what is no type. */
export function bytesOf(datatype: string): number | undefined {
  return datatype === 'BOOL' ? 1 : NUMBERS[datatype]?.BYTES_PER_ELEMENT;
}

/** A tensor's values; whole numbers and floats may be views on `bytes`. @throws RequestError malformed_payload */
export function readElements(datatype: string, bytes: Uint8Array<ArrayBuffer>, name: string): InputTensor['data'] {
  if (datatype === 'BOOL') return Array.from(bytes, value => value !== 0);
  if (datatype === 'BYTES') return readTexts(bytes, name);
  const type = NUMBERS[datatype];
  if (type === undefined) throw malformed(`input ${name}: ${datatype} is no datatype`);
  const length = bytes.length / type.BYTES_PER_ELEMENT;
  if (!Number.isInteger(length)) {
    throw malformed(`input ${name}: ${bytes.length} bytes are no whole number of ${datatype} values`);
  }
  // Typed arrays begin at multiples of their elements' size alone.
  const { buffer, byteOffset } = bytes.byteOffset % type.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  const values = new type(buffer, byteOffset, length);
  return datatype === 'FP16' ? Float32Array.from(values as Uint16Array, fromHalf) : values;
}

/** Each text has its length in bytes before it. */
function readTexts(bytes: Uint8Array, name: string): readonly string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 <= bytes.length ? at + 4 + view.getUint32(at, true) : Number.POSITIVE_INFINITY;
    if (end > bytes.length) throw malformed(`input ${name}: its texts end in the middle of one`);
    texts.push(readText(bytes.subarray(at + 4, end), name, texts.length));
    at = end;
  }
  return texts;
}

/** @throws RequestError malformed_payload */
export function readText(bytes: Uint8Array, name: string, place = 0): string {
  const text = fromUtf8(bytes);
  if (text === undefined) throw malformed(`input ${name}: text ${place} is not UTF-8`);
  return text;
}
