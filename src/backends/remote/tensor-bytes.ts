import type { Tensor, TensorType } from '../../core/tensor.ts';
import { NUMBER_ARRAYS, type NumberArray } from '../../core/tensor-arrays.ts';

/** So many values, all 0. */
export function zerosOf(type: Exclude<TensorType, 'string'>, size: number): NumberArray {
  return new NUMBER_ARRAYS[type](size);
}

/** A tensor's values as Triton's binary tensors have them: little-endian, row-major; each text after its length in four bytes. */
export function writeTensor({ data }: Tensor): Buffer {
  if (!Array.isArray(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const parts = data.flatMap(text => {
    const bytes = Buffer.from(text);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return [length, bytes];
  });
  return Buffer.concat(parts);
}

/** The same read. @throws Error where the bytes are not those of the shape. */
export function readTensor(name: string, type: TensorType, dims: readonly number[], bytes: Buffer): Tensor {
  const size = dims.reduce((product, dimension) => product * dimension, 1);
  if (type === 'string') return { type, dims, data: readTexts(name, size, bytes) };
  const own = new Uint8Array(bytes); // a copy, and so aligned
  const expected = size * NUMBER_ARRAYS[type].BYTES_PER_ELEMENT;
  if (own.length !== expected) {
    throw new Error(`output ${name}: ${own.length} bytes came; ${type} of [${dims.join(', ')}] takes ${expected}`);
  }
  return { type, dims, data: new NUMBER_ARRAYS[type](own.buffer) };
}

function readTexts(name: string, count: number, bytes: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 <= bytes.length ? at + 4 + bytes.readUInt32LE(at) : Number.POSITIVE_INFINITY;
    if (end > bytes.length) throw new Error(`output ${name}: its texts end in the middle of one`);
    texts.push(bytes.toString('utf8', at + 4, end));
    at = end;
  }
  if (texts.length !== count) throw new Error(`output ${name}: ${texts.length} texts came; its shape takes ${count}`);
  return texts;
}
