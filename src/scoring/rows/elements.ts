import { RequestError } from '../../core/errors.ts';
import { toHalf } from '../../core/half.ts';
import type { TensorData, TensorType } from '../../core/tensor.ts';
import { nameOfType } from '../../core/words.ts';

/** What a message says a value is, and which model takes it: `feature bmi`, `diabetes 1.1.0`. */
export interface Subject {
  readonly what: string;
  readonly model: string;
}

export function mismatch(subject: Subject, is: string, takes: string): RequestError {
  return new RequestError('schema_mismatch', 'validate', `${subject.what} ${is}; ${subject.model} takes ${takes}`);
}

/** Writes one value into a tensor's data. @throws RequestError schema_mismatch or non_finite_feature. */
export type Store = (data: TensorData, at: number, value: number, subject: Subject) => void;

/** Numbers from here on round to infinity as float32 or float16 (half way from the largest to the next power of two). */
export const FLOAT32_LIMIT = 2 ** 128 - 2 ** 103;
const FLOAT16_LIMIT = 65_520;

const INTEGER_BOUNDS = {
  int8: [-(2 ** 7), 2 ** 7 - 1],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint8: [0, 2 ** 8 - 1],
  uint16: [0, 2 ** 16 - 1],
  uint32: [0, 2 ** 32 - 1],
} as const;

const BIG_BOUNDS = { int64: [-(2n ** 63n), 2n ** 63n - 1n], uint64: [0n, 2n ** 64n - 1n] } as const;

/** How a number goes into a tensor of a type. Typed arrays coerce silently (NaN of text, 0.5 to 0, 300 to 44): everything is checked before. */
export function storeFor(type: TensorType): Store {
  switch (type) {
    case 'float64':
      return floatStore(Number.POSITIVE_INFINITY);
    case 'float32':
      return floatStore(FLOAT32_LIMIT);
    case 'float16': {
      const check = floatStore(FLOAT16_LIMIT);
      return (data, at, value, subject) => {
        check(data, at, value, subject);
        (data as Uint16Array)[at] = toHalf(value);
      };
    }
    case 'int64':
    case 'uint64':
      return (data, at, value, subject) => {
        if (!Number.isInteger(value)) throw notWhole(value, subject);
        if (!Number.isSafeInteger(value))
          throw mismatch(subject, 'is beyond 2^53', 'such a number as text, digit by digit');
        storeBig(data, at, BigInt(value), type, subject);
      };
    case 'bool':
      return (data, at, value, subject) => {
        if (value !== 0 && value !== 1) throw mismatch(subject, 'is neither true nor false', 'true or false');
        (data as Uint8Array)[at] = value;
      };
    case 'string':
      throw new TypeError('a text input takes no numbers');
    default: {
      const [low, high] = INTEGER_BOUNDS[type];
      return (data, at, value, subject) => {
        if (!Number.isInteger(value)) throw notWhole(value, subject);
        if (value < low || value > high) throw mismatch(subject, 'is out of bounds', `${type}, ${low} to ${high}`);
        (data as Int32Array)[at] = value;
      };
    }
  }
}

function floatStore(limit: number): Store {
  return (data, at, value, subject) => {
    if (!(value < limit && value > -limit)) throw notFinite(subject);
    (data as Float64Array)[at] = value;
  };
}

/** Whole numbers given as text keep all their digits. */
export function storeBig(
  data: TensorData,
  at: number,
  value: bigint,
  type: 'int64' | 'uint64',
  subject: Subject,
): void {
  const [low, high] = BIG_BOUNDS[type];
  if (value < low || value > high) throw mismatch(subject, 'is out of bounds', `${type}, ${low} to ${high}`);
  (data as BigInt64Array)[at] = value;
}

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const NOT_FINITE = /^[+-]?(nan|inf|infinity)$/i;

/** A JSON value as a finite number: numbers, true and false, and numbers as text. */
export function toNumber(value: unknown, subject: Subject): number {
  const number = typeof value === 'number' ? value : parseNumber(value, subject);
  if (!Number.isFinite(number)) throw notFinite(subject);
  return number;
}

function parseNumber(value: unknown, subject: Subject): number {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string') throw mismatch(subject, `is ${nameOfType(value)}`, 'a number');
  const text = value.trim();
  if (DECIMAL.test(text)) return Number(text);
  if (NOT_FINITE.test(text)) return Number.NaN;
  throw mismatch(subject, 'is text that is no number', 'a number');
}

function notWhole(value: number, subject: Subject): RequestError {
  return Number.isFinite(value) ? mismatch(subject, 'is not whole', 'a whole number') : notFinite(subject);
}

function notFinite(subject: Subject): RequestError {
  const message = `${subject.what} is not a finite number; ${subject.model} takes numbers within its input's type`;
  return new RequestError('non_finite_feature', 'validate', message);
}

/** Half of a character that takes two: JSON can say it, UTF-8 cannot. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** A text for a text input. NUL would cut it short in the runtime, and half a character would become U+FFFD. */
export function toText(value: unknown, subject: Subject): string {
  if (typeof value !== 'string') throw mismatch(subject, `is ${nameOfType(value)}`, 'text');
  if (value.includes('\0')) throw mismatch(subject, 'contains a NUL character', 'text without');
  if (LONE_SURROGATE.test(value)) throw mismatch(subject, 'contains half of a character', 'text that is Unicode');
  return value;
}

export function dataFor(type: TensorType, length: number): TensorData {
  switch (type) {
    case 'float32':
      return new Float32Array(length);
    case 'float64':
      return new Float64Array(length);
    case 'float16':
    case 'uint16':
      return new Uint16Array(length);
    case 'int8':
      return new Int8Array(length);
    case 'int16':
      return new Int16Array(length);
    case 'int32':
      return new Int32Array(length);
    case 'int64':
      return new BigInt64Array(length);
    case 'uint8':
    case 'bool':
      return new Uint8Array(length);
    case 'uint32':
      return new Uint32Array(length);
    case 'uint64':
      return new BigUint64Array(length);
    case 'string':
      return new Array<string>(length).fill('');
  }
}
