import { readFile } from 'node:fs/promises';
import { readGraph } from './onnx-graph.ts';
import { fieldsOf } from './protobuf.ts';

/** Element types that have no array in JavaScript, by their number in TensorProto.DataType (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). */
const UNSUPPORTED: Readonly<Record<number, string>> = {
  14: 'complex64',
  15: 'complex128',
  16: 'bfloat16',
  17: 'float8e4m3fn',
  18: 'float8e4m3fnuz',
  19: 'float8e5m2',
  20: 'float8e5m2fnuz',
  21: 'uint4',
  22: 'int4',
  23: 'float4e2m1',
  24: 'float8e8m0',
  25: 'uint2',
  26: 'int2',
};

const GRAPH = { input: 11, output: 12 };

/** `input x has type int4, which is not supported` */
export function unsupported(what: string, type: string): string {
  return `${what} has type ${type}, which is not supported; export it with another, or put a Cast before it`;
}

/** ONNX Runtime refuses such types by their number alone: which input or output of a file it means; undefined where none can be found. */
export async function findUnsupported(path: string): Promise<string | undefined> {
  try {
    for (const field of fieldsOf(readGraph(await readFile(path)).bytes)) {
      const what = field.number === GRAPH.input ? 'input' : field.number === GRAPH.output ? 'output' : undefined;
      if (what === undefined || field.bytes === undefined) continue;
      const [name, type] = [bytesIn(field.bytes, 1), bytesIn(bytesIn(field.bytes, 2), 1)];
      const number = Number([...fieldsOf(type)].find(part => part.number === 1)?.varint ?? 0);
      const known = UNSUPPORTED[number];
      if (known !== undefined) return unsupported(`${what} ${Buffer.from(name).toString('utf8')}`, known);
    }
  } catch {
    // What is wrong with the file has been said already.
  }
  return undefined;
}

function bytesIn(message: Uint8Array, number: number): Uint8Array {
  return [...fieldsOf(message)].find(field => field.number === number)?.bytes ?? new Uint8Array();
}
