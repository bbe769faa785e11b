import type { ClassLabel } from '../../core/prediction.ts';
import type { Tensor, Tensors } from '../../core/tensor.ts';
import { writeShortFloat } from './short-float.ts';

/** Writes what a model said of the rows of a slice, as the members of a result's JSON from `model` to `confidence`. */
export interface SliceAnswers {
  /** How an answer can begin: all of it up to its first number. The same list for every slice of a version. */
  readonly heads: readonly Buffer[];
  /** No answer is longer, bytes. */
  readonly maxBytes: number;
  /** Which of `heads` a row's answer begins with. */
  headOf(row: number): number;
  /** Writes the answer behind its head; returns its end. */
  writeRest(row: number, into: Buffer, at: number): number;
}

const NUMBER_BYTES = 25;

/** Undefined where the outputs are not what the fast road takes them for (other shapes, labels outside the classes, no finite number): the plain road judges those. */
export type AnswerReader = (outputs: Tensors, rows: number) => SliceAnswers | undefined;

/** For outputs `label` [N], int64 or string, and `probabilities` [N, classes]. */
export function classesReader(
  about: string,
  label: string,
  probabilities: string,
  classes: readonly ClassLabel[],
): AnswerReader {
  const width = classes.length;
  const keys = classes.map((name, i) => Buffer.from(`${i > 0 ? ',' : ''}${JSON.stringify(String(name))}:`));
  const heads = classes.map(name =>
    Buffer.from(`${about}"prediction":${JSON.stringify(name)},"probabilities":{${keys[0]}`),
  );
  const confidence = Buffer.from('},"confidence":');
  const maxBytes =
    [...keys, confidence].reduce((sum, text) => sum + text.length, 0) +
    Math.max(...heads.map(head => head.length)) +
    (width + 1) * NUMBER_BYTES;

  return (outputs, rows) => {
    const columns = floatsOf(outputs[probabilities], rows, width);
    const places = placesOf(outputs[label], classes, rows);
    if (columns === undefined || places === undefined) return undefined;
    return {
      heads,
      maxBytes,
      headOf: row => places[row] as number,
      writeRest(row, into, start) {
        const place = places[row] as number;
        let at = start;
        let from = at;
        let to = at;
        for (let column = 0; column < width; column++) {
          if (column > 0) at = append(into, at, keys[column] as Buffer);
          const begin = at;
          at = writeShortFloat(into, at, columns[row * width + column] as number);
          if (column === place) {
            from = begin;
            to = at;
          }
        }
        at = append(into, at, confidence);
        for (let i = from; i < to; i++) into[at++] = into[i] as number;
        return at;
      },
    };
  };
}

/** For one float32 output [N] or [N, 1]. */
export function valueReader(about: string, value: string): AnswerReader {
  const heads = [Buffer.from(`${about}"prediction":`)];
  const maxBytes = (heads[0] as Buffer).length + NUMBER_BYTES;
  return (outputs, rows) => {
    const numbers = floatsOf(outputs[value], rows, 1);
    return (
      numbers && {
        heads,
        maxBytes,
        headOf: () => 0,
        writeRest: (row, into, at) => writeShortFloat(into, at, numbers[row] as number),
      }
    );
  };
}

function floatsOf(tensor: Tensor | undefined, rows: number, width: number): Float32Array | undefined {
  const data = tensor?.data;
  if (!(data instanceof Float32Array) || data.length !== rows * width || tensor?.dims[0] !== rows) return undefined;
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return undefined;
  return data;
}

/** The class of every row, as its place among the classes; int64 labels are read as pairs of 32-bit words, since a BigInt each costs 50 ns. */
function placesOf(tensor: Tensor | undefined, classes: readonly ClassLabel[], rows: number): Uint32Array | undefined {
  const data = tensor?.data;
  if (data?.length !== rows || tensor?.dims[0] !== rows) return undefined;
  const places = new Uint32Array(rows);
  const words = data instanceof BigInt64Array ? new Int32Array(data.buffer, data.byteOffset, 2 * rows) : undefined;
  for (let row = 0; row < rows; row++) {
    const low = words?.[2 * row] as number;
    if (words !== undefined && words[2 * row + 1] !== low >> 31) return undefined; // beyond 32 bits
    const place = classes.indexOf(words === undefined ? (data[row] as string) : low);
    if (place < 0) return undefined;
    places[row] = place;
  }
  return places;
}

/** Copies bytes to `at`; returns where they end. */
export function append(into: Buffer, at: number, bytes: Uint8Array): number {
  // A native copy costs 20 to 30 ns however short it is.
  if (bytes.length > 24) into.set(bytes, at);
  else for (let i = 0; i < bytes.length; i++) into[at + i] = bytes[i] as number;
  return at + bytes.length;
}
