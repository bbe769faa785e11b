import { fromHalf, toHalf } from '../../core/half.ts';
import type { Tensor, TensorType } from '../../core/tensor.ts';
import { zerosOf } from './tensor-bytes.ts';

/** `JSON.rawJSON`: whole numbers beyond 2^53 are written as they are. */
const { rawJSON: rawJson } = JSON as unknown as { rawJSON(text: string): unknown };

/** A tensor's values as JSON has them, flat. What is not finite is null, as there is nothing better. */
export function listOf({ type, data }: Tensor): readonly unknown[] {
  if (Array.isArray(data)) return data;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array)
    return Array.from(data, value => rawJson(String(value)));
  if (type === 'bool') return Array.from(data, value => value !== 0);
  return type === 'float16' ? Array.from(data, fromHalf) : Array.from(data);
}

const MOST_DIMENSIONS = 16;

/** A tensor of values that came as JSON, flat or nested. @throws Error where they are not those of the type and the shape. */
export function tensorOf(name: string, type: TensorType, dims: readonly number[], list: readonly unknown[]): Tensor {
  const values = list.some(Array.isArray) ? (list.flat(MOST_DIMENSIONS) as readonly unknown[]) : list;
  const size = dims.reduce((product, dimension) => product * dimension, 1);
  if (values.length !== size) {
    throw new Error(`output ${name}: ${values.length} values came; [${dims.join(', ')}] takes ${size}`);
  }
  if (type === 'string') return { type, dims, data: values.map(value => String(value ?? '')) };
  const data = zerosOf(type, size);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array)
    for (let i = 0; i < size; i++) data[i] = wholeOf(values[i], name);
  else
    for (let i = 0; i < size; i++) {
      const number = numberOf(values[i], type, name);
      data[i] = type === 'float16' ? toHalf(number) : number;
    }
  return { type, dims, data };
}

function numberOf(value: unknown, type: TensorType, name: string): number {
  if (typeof value === 'number') return value;
  const number = value === null ? Number.NaN : Number(value);
  if (Number.isNaN(number) && !type.startsWith('float'))
    throw new Error(`output ${name}: ${String(value)} is no ${type}`);
  return number;
}

function wholeOf(value: unknown, name: string): bigint {
  try {
    return BigInt(value as number);
  } catch {
    throw new Error(`output ${name}: ${String(value)} is no whole number`);
  }
}
