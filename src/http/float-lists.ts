import { randomUUID } from 'node:crypto';
import { writeShortFloat } from '../core/short-float.ts';

/** Of a shorter list JSON.stringify is as quick. */
const LEAST_VALUES = 64;
/** With the comma before it. */
const NUMBER_BYTES = 26;
const [OPEN, COMMA, CLOSE] = [91, 44, 93];
/** Stands where a list will; nobody's text holds it. */
const MARK = `list ${randomUUID()} `;

/** JSON with long lists of floats in it, which are written as bytes: in a quarter of the time that numbers and their texts take. */
export class FloatLists {
  readonly #lists: Float32Array[] = [];

  /** What stands for a list in the value that `stringify` is given; undefined where the list may as well stand there itself. */
  put(values: Float32Array): string | undefined {
    return values.length < LEAST_VALUES ? undefined : `${MARK}${this.#lists.push(values) - 1}`;
  }

  /** The numbers as JSON.stringify writes `shortFloat` of them. */
  stringify(value: unknown): string | Buffer {
    const json = JSON.stringify(value);
    if (this.#lists.length === 0) return json;
    const [head = '', ...others] = json.split(`"${MARK}`);
    const parts = others.flatMap(other => {
      const end = other.indexOf('"');
      return [listJson(this.#lists[Number(other.slice(0, end))] as Float32Array), Buffer.from(other.slice(end + 1))];
    });
    return Buffer.concat([Buffer.from(head), ...parts]);
  }
}

function listJson(values: Float32Array): Buffer {
  const into = Buffer.allocUnsafe(2 + NUMBER_BYTES * values.length);
  let at = 0;
  into[at++] = OPEN;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (i > 0) into[at++] = COMMA;
    at = Number.isFinite(value) ? writeShortFloat(into, at, value) : at + into.write('null', at, 'latin1');
  }
  into[at++] = CLOSE;
  return into.subarray(0, at);
}
