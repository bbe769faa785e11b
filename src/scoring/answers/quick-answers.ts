import { digitsOf, writeWhole } from '../../core/digits.ts';
import type { ClassLabel, Prediction } from '../../core/prediction.ts';
import { ROUNDING, SUM_TOLERANCE, withinBounds } from '../../core/probabilities.ts';
import { writeShortFloat } from '../../core/short-float.ts';
import type { Tensor, Tensors } from '../../core/tensor.ts';
import { type AnswerColumns, append } from './answer-columns.ts';
import { classAnswerJson, PREDICTION } from './result-json.ts';

const NUMBER_BYTES = 25;

/** The predictions of a slice that came out like this, for whoever wants objects. */
type Predict = (row: number) => Prediction;

/** Undefined where the outputs are not what is usual (other shapes, labels outside the classes, no finite number): the interpreter judges those. */
export type QuickReader = (outputs: Tensors, rows: number, predict: Predict) => AnswerColumns | undefined;

/** For outputs `label` [N], int64 or string, and `probabilities` [N, classes]: written from the tensors, no prediction in between. */
export function classesReader(label: string, probabilities: string, classes: readonly ClassLabel[]): QuickReader {
  const width = classes.length;
  const texts = classAnswerJson(classes);
  // Behind the heads of the classes those of answers without probabilities.
  const heads = [...texts.heads, ...texts.bare].map(text => Buffer.from(text));
  const keys = texts.keys.map(text => Buffer.from(text));
  const confidence = Buffer.from(texts.confidence);
  const room =
    [...keys, confidence].reduce((sum, text) => sum + text.length, 0) +
    Math.max(...heads.map(head => head.length)) +
    (width + 1) * NUMBER_BYTES;

  return (outputs, rows, prediction) => {
    const columns = matrixOf(outputs[probabilities], rows, width);
    const places = placesOf(outputs[label], classes, rows);
    if (columns === undefined || places === undefined || !judgeRows(columns, width, places)) return undefined;
    return {
      heads,
      headOf: row => places[row] as number,
      room: () => room,
      maxRoom: room,
      writeRest(row, into, start) {
        const place = places[row] as number;
        if (place >= width) return start;
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
      prediction,
      said: { kind: 'classes', classes, places, probabilities: columns, prediction },
    };
  };
}

/** For one float32 output [N] or [N, 1]. */
export function valueReader(value: string): QuickReader {
  const heads = [Buffer.from(PREDICTION)];
  const room = PREDICTION.length + NUMBER_BYTES;
  return (outputs, rows, prediction) => {
    const numbers = floatsOf(outputs[value], rows, 1);
    return (
      numbers && {
        heads,
        headOf: () => 0,
        room: () => room,
        maxRoom: room,
        writeRest: (row, into, at) => writeShortFloat(into, at, numbers[row] as number),
        prediction,
        said: { kind: 'numbers', numbers, prediction },
      }
    );
  };
}

/** For one int64 output [N] or [N, 1] of numbers within 32 bits: the classes of servers and files that name none. */
export function wholeReader(label: string): QuickReader {
  const heads = [Buffer.from(PREDICTION)];
  const room = PREDICTION.length + NUMBER_BYTES;
  return (outputs, rows, prediction) => {
    const { data, dims } = outputs[label] ?? {};
    if (!(data instanceof BigInt64Array) || data.length !== rows || dims?.[0] !== rows) return undefined;
    const words = new Int32Array(data.buffer, data.byteOffset, 2 * rows);
    for (let row = 0; row < rows; row++) if (words[2 * row + 1] !== (words[2 * row] as number) >> 31) return undefined;
    return {
      heads,
      headOf: () => 0,
      room: () => room,
      maxRoom: room,
      writeRest(row, into, at) {
        const number = words[2 * row] as number;
        if (number < 0) into[at] = MINUS;
        const size = Math.abs(number);
        return writeWhole(into, number < 0 ? at + 1 : at, size, digitsOf(size));
      },
      prediction,
      said: { kind: 'any', prediction },
    };
  };
}

/** For one float64 output [N] or [N, 1]. */
export function doubleReader(value: string): QuickReader {
  const heads = [Buffer.from(PREDICTION)];
  const room = PREDICTION.length + NUMBER_BYTES;
  return (outputs, rows, prediction) => {
    const { data, dims } = outputs[value] ?? {};
    if (!(data instanceof Float64Array) || data.length !== rows || dims?.[0] !== rows) return undefined;
    for (let row = 0; row < rows; row++) if (!Number.isFinite(data[row])) return undefined;
    return {
      heads,
      headOf: () => 0,
      room: () => room,
      maxRoom: room,
      writeRest: (row, into, at) => at + into.write(JSON.stringify(data[row]), at, 'latin1'),
      prediction,
      said: { kind: 'any', prediction },
    };
  };
}

const MINUS = 45;

function floatsOf(tensor: Tensor | undefined, rows: number, width: number): Float32Array | undefined {
  const data = matrixOf(tensor, rows, width);
  if (data === undefined) return undefined;
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return undefined;
  return data;
}

function matrixOf(tensor: Tensor | undefined, rows: number, width: number): Float32Array | undefined {
  const data = tensor?.data;
  return data instanceof Float32Array && data.length === rows * width && tensor?.dims[0] === rows ? data : undefined;
}

/**
 * Puts the places of rows that hold no probabilities behind those of the classes, and what rounding took past 0 or 1 back to it; false where a
 * number is not finite. In the pass that looked for those, so that it costs nothing to speak of.
 */
function judgeRows(columns: Float32Array, width: number, places: Uint32Array): boolean {
  for (let row = 0, at = 0; row < places.length; row++) {
    let sum = 0;
    let lowest = 0;
    let highest = 1;
    for (const end = at + width; at < end; at++) {
      const value = columns[at] as number;
      sum += value;
      if (value < lowest) lowest = value;
      if (value > highest) highest = value;
    }
    if (!Number.isFinite(sum)) return false; // or the sum of two infinities: the interpreter tells
    const off = Math.abs(sum - 1);
    if (lowest < -ROUNDING || highest > 1 + ROUNDING || off > SUM_TOLERANCE)
      places[row] = (places[row] as number) + width;
    else if (lowest < 0 || highest > 1)
      for (let i = at - width; i < at; i++) columns[i] = withinBounds(columns[i] as number);
  }
  return true;
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
