import { malformed } from '../core/errors.ts';
import type { InputTensor, TypedValues } from '../core/open-inference.ts';
import { fromUtf8 } from '../core/utf8.ts';

/**
 * Triton's binary tensor extension, inputs only (github.com/triton-inference-server/server, protocol/extension_binary_data.md): the JSON has
 * `parameters.binary_data_size` in place of `data`, and the values follow it, little-endian, in the order of the inputs. Python's `tritonclient` sends
 * so unless told otherwise; answers in JSON it takes as they are.
 * @returns the inputs with their `data`. @throws RequestError malformed_payload
 */
export function fillBinaryInputs(inputs: readonly unknown[], bytes: Uint8Array): readonly unknown[] {
  let at = 0;
  const filled = inputs.map((input, index) => {
    if (typeof input !== 'object' || input === null) return input;
    const { parameters, datatype, name = `inputs[${index}]` } = input as Record<string, unknown>;
    const size = (parameters as { binary_data_size?: unknown } | undefined)?.binary_data_size;
    if (size === undefined) return input;
    if (!Number.isSafeInteger(size) || (size as number) < 0 || at + (size as number) > bytes.length) {
      throw malformed(`input ${name}: binary_data_size is ${size}, and ${bytes.length - at} bytes are left`);
    }
    const chunk = new Uint8Array(bytes.subarray(at, at + (size as number))); // a copy, and so aligned for typed arrays
    at += size as number;
    return { ...input, data: readElements(String(datatype), chunk, String(name)) };
  });
  if (at !== bytes.length) throw malformed(`${bytes.length - at} bytes are left over after the last input`);
  return filled;
}

const READERS: Readonly<
  Record<string, (bytes: Uint8Array<ArrayBuffer>) => TypedValues | BigInt64Array | BigUint64Array>
> = {
  UINT8: bytes => bytes,
  INT8: ({ buffer }) => new Int8Array(buffer),
  UINT16: ({ buffer }) => new Uint16Array(buffer),
  INT16: ({ buffer }) => new Int16Array(buffer),
  UINT32: ({ buffer }) => new Uint32Array(buffer),
  INT32: ({ buffer }) => new Int32Array(buffer),
  UINT64: ({ buffer }) => new BigUint64Array(buffer),
  INT64: ({ buffer }) => new BigInt64Array(buffer),
  FP32: ({ buffer }) => new Float32Array(buffer),
  FP64: ({ buffer }) => new Float64Array(buffer),
};

function readElements(datatype: string, bytes: Uint8Array<ArrayBuffer>, name: string): InputTensor['data'] {
  if (datatype === 'BOOL') return Array.from(bytes, value => value !== 0);
  if (datatype === 'BYTES') return readTexts(bytes, name);
  const reader = READERS[datatype];
  if (!reader) throw malformed(`input ${name}: ${datatype} is not taken as bytes; send it as JSON`);
  try {
    const values = reader(bytes);
    if (values instanceof BigInt64Array || values instanceof BigUint64Array) return Array.from(values, fromBigInt);
    return values;
  } catch {
    throw malformed(`input ${name}: ${bytes.length} bytes are no whole number of ${datatype} values`);
  }
}

/** Each text has its length in bytes before it. */
function readTexts(bytes: Uint8Array<ArrayBuffer>, name: string): readonly string[] {
  const view = new DataView(bytes.buffer);
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 <= bytes.length ? at + 4 + view.getUint32(at, true) : Number.POSITIVE_INFINITY;
    if (end > bytes.length) throw malformed(`input ${name}: its texts end in the middle of one`);
    const text = fromUtf8(bytes.subarray(at + 4, end));
    if (text === undefined) throw malformed(`input ${name}: text ${texts.length} is not UTF-8`);
    texts.push(text);
    at = end;
  }
  return texts;
}

/** Beyond 2^53 as digits, which scoring takes as a number too. */
function fromBigInt(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}
