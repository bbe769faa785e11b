import { toHalf } from '../../core/half.ts';
import { boxOf, copyIntoBox, type RaggedRow } from '../../core/pad.ts';
import type { Tensor, TensorData, TensorSpec } from '../../core/tensor.ts';
import { dataFor } from './elements.ts';

/** The rows of one model input while they are gathered, columnar: straight into what the tensor will hold. */
export interface Block {
  /** Makes room for that many rows. */
  reserve(rows: number): void;
  /** Elements of rows `from` to `to`; undefined where every row of the model has as many. */
  elements(from: number, to: number): number | undefined;
  /**
   * Rows `from` to `to`, all of one shape, as a tensor of `size` rows, the last one repeated where the model wants more than there are.
   * @param lent it may share the block's memory: whoever gets it reads it on this thread, and is done before more rows come
   */
  tensor(from: number, to: number, size: number, lent: boolean): Tensor;
  /** What a row holds, as a text that only rows of the same content have. */
  key(row: number): string;
  /** What only rows of the same shape have in common; undefined where all rows of the block have one. */
  shape(row: number): string | undefined;
  /** A block of these rows alone. */
  pick(rows: readonly number[]): Block;
}

/** Rows of one fixed width. */
export class DenseBlock implements Block {
  readonly spec: TensorSpec;
  readonly rowDims: readonly number[];
  readonly width: number;
  data: TensorData;

  constructor(spec: TensorSpec, rowDims: readonly number[], rows: number) {
    this.spec = spec;
    this.rowDims = rowDims;
    this.width = widthOf(rowDims);
    this.data = dataFor(spec.type, rows * this.width);
  }

  reserve(rows: number): void {
    const needed = rows * this.width;
    if (needed <= this.data.length) return;
    const grown = dataFor(this.spec.type, Math.max(needed, this.data.length * 2));
    copy(grown, 0, this.data, 0, this.data.length);
    this.data = grown;
  }

  elements(): undefined {}

  shape(_row: number): string | undefined {
    return undefined;
  }

  tensor(from: number, to: number, size: number, lent: boolean): Tensor {
    const { data, width, spec } = this;
    const dims = [size, ...this.rowDims];
    const start = from * width;
    const length = size * width;
    const whole = to - from === size;
    if (start === 0 && data.length === length && whole) return { type: spec.type, dims, data };
    if (lent && whole && !Array.isArray(data)) {
      return { type: spec.type, dims, data: data.subarray(start, start + length) as typeof data };
    }
    // A view would drag all its rows along to another thread.
    const part = dataFor(spec.type, length);
    copy(part, 0, data, start, (to - from) * width);
    for (let row = to - from; row < size; row++) copy(part, row * width, data, (to - 1) * width, width);
    return { type: spec.type, dims, data: part };
  }

  key(row: number): string {
    return keyOf(this.data, row * this.width, this.width);
  }

  pick(rows: readonly number[]): DenseBlock {
    const picked = new DenseBlock(this.spec, this.rowDims, rows.length);
    const { width } = this;
    rows.forEach((row, place) => {
      copy(picked.data, place * width, this.data, row * width, width);
    });
    return picked;
  }
}

/** Values of an input that is one for the whole run, whatever its rows: only those of the same value may share one. */
export class ScalarBlock extends DenseBlock {
  constructor(spec: TensorSpec, rows: number) {
    super(spec, [], rows);
  }

  override shape(row: number): string {
    return this.key(row);
  }

  override tensor(from: number): Tensor {
    const { data, spec } = this;
    return { type: spec.type, dims: [], data: data.slice(from, from + 1) as TensorData };
  }

  override pick(rows: readonly number[]): ScalarBlock {
    const picked = new ScalarBlock(this.spec, rows.length);
    rows.forEach((row, place) => {
      copy(picked.data, place, this.data, row, 1);
    });
    return picked;
  }
}

/**
 * Rows of different lengths. Only those of equal shapes may stand in one tensor, unless the model was seen to answer the same where they are padded: padding changes what many a model says, and what
 * it says of a row must not hang on its neighbours.
 */
export class RaggedBlock implements Block {
  readonly spec: TensorSpec;
  readonly rows: RaggedRow[] = [];
  readonly #padding: number | string | undefined;

  /** @param padding what fills rows up to the longest; undefined: they are not padded */
  constructor(spec: TensorSpec, padding: number | string | undefined) {
    this.spec = spec;
    this.#padding = padding;
  }

  get pads(): boolean {
    return this.#padding !== undefined;
  }

  reserve(): void {}

  elements(from: number, to: number): number {
    return (to - from) * widthOf(boxOf(this.rows.slice(from, to)));
  }

  shape(row: number): string | undefined {
    return this.#padding === undefined ? (this.rows[row] as RaggedRow).dims.join('x') : undefined;
  }

  tensor(from: number, to: number, size: number): Tensor {
    const box = boxOf(this.rows.slice(from, to));
    const width = widthOf(box);
    const data = dataFor(this.spec.type, size * width);
    if (this.#padding !== undefined && this.#padding !== 0) fill(data, this.spec.type, this.#padding);
    for (let place = 0; place < size; place++) {
      const row = this.rows[Math.min(from + place, to - 1)] as RaggedRow;
      if (row.data.length === width) copy(data, place * width, row.data, 0, width);
      else copyIntoBox(data, place * width, box, row);
    }
    return { type: this.spec.type, dims: [size, ...box], data };
  }

  key(row: number): string {
    const { dims, data } = this.rows[row] as RaggedRow;
    return `${dims.join('x')}:${keyOf(data, 0, data.length)}`;
  }

  pick(rows: readonly number[]): RaggedBlock {
    const picked = new RaggedBlock(this.spec, this.#padding);
    picked.rows.push(...rows.map(row => this.rows[row] as RaggedRow));
    return picked;
  }
}

/** Texts cannot hold NUL, so it parts them; numbers are taken byte by byte. */
function keyOf(data: TensorData, start: number, length: number): string {
  if (Array.isArray(data)) return length === 1 ? (data[start] as string) : data.slice(start, start + length).join('\0');
  const { BYTES_PER_ELEMENT: size, buffer, byteOffset } = data;
  return Buffer.from(buffer, byteOffset + start * size, length * size).toString('latin1');
}

/** Sets every element. */
export function fill(data: TensorData, type: TensorSpec['type'], value: number | string): void {
  if (Array.isArray(data)) data.fill(String(value));
  else if (data instanceof BigInt64Array || data instanceof BigUint64Array) data.fill(BigInt(value));
  else data.fill(type === 'float16' ? toHalf(Number(value)) : Number(value));
}

function widthOf(rowDims: readonly number[]): number {
  return rowDims.reduce((product, size) => product * size, 1);
}

function copy(into: TensorData, at: number, from: TensorData, start: number, length: number): void {
  if (Array.isArray(into) || Array.isArray(from)) {
    for (let i = 0; i < length; i++) (into as string[])[at + i] = (from as string[])[start + i] as string;
  } else {
    (into as Float64Array).set((from as Float64Array).subarray(start, start + length), at);
  }
}
