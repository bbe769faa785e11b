import type { SuiteTensor } from './read-tensor.ts';

/** A tensor as the protocol answers it. */
export interface AnswerTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

/** The suite's own tolerances. */
const [RELATIVE, ABSOLUTE] = [1e-3, 1e-7];

/** What differs between an output and what the suite expects, type, shape or a value; undefined where nothing does. */
export function difference(got: AnswerTensor, datatype: string, expected: SuiteTensor): string | undefined {
  if (got.datatype !== datatype) return `datatype ${got.datatype}, expected ${datatype}`;
  if (got.shape.join() !== expected.dims.join()) return `shape [${got.shape}], expected [${expected.dims}]`;
  if (got.data.length !== expected.values.length)
    return `${got.data.length} values, expected ${expected.values.length}`;
  const at = expected.values.findIndex((value, i) => !isEqual(got.data[i], value, datatype));
  return at < 0 ? undefined : `value ${at} is ${got.data[at]}, expected ${expected.values[at]}`;
}

function isEqual(got: unknown, wanted: number | bigint | string, datatype: string): boolean {
  if (datatype === 'BOOL') return typeof got === 'boolean' && Number(got) === wanted;
  if (typeof wanted === 'bigint') return (typeof got === 'number' || typeof got === 'bigint') && BigInt(got) === wanted;
  if (typeof wanted === 'string' || !datatype.startsWith('FP')) return got === wanted;
  return typeof got === 'number' && Math.abs(got - wanted) <= ABSOLUTE + RELATIVE * Math.abs(wanted);
}
