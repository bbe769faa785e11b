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

  shape(): undefined {}

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

/** One row whose lengths are its own. */
export interface RaggedRow {
  readonly dims: readonly number[];
  readonly data: TensorData;
}

/** Rows of different lengths. Only those of equal shapes may stand in one tensor: padding changes what many a model says, and what it says of a row must not hang on its neighbours. */
export class RaggedBlock implements Block {
  readonly spec: TensorSpec;
  readonly rows: RaggedRow[] = [];

  constructor(spec: TensorSpec) {
    this.spec = spec;
  }

  reserve(): void {}

  elements(from: number, to: number): number {
    return (to - from) * (this.rows[from] as RaggedRow).data.length;
  }

  shape(row: number): string {
    return (this.rows[row] as RaggedRow).dims.join('x');
  }

  tensor(from: number, to: number, size: number): Tensor {
    const { dims, data: first } = this.rows[from] as RaggedRow;
    const width = first.length;
    const data = dataFor(this.spec.type, size * width);
    for (let place = 0; place < size; place++) {
      const row = this.rows[Math.min(from + place, to - 1)] as RaggedRow;
      copy(data, place * width, row.data, 0, width);
    }
    return { type: this.spec.type, dims: [size, ...dims], data };
  }

  key(row: number): string {
    const { dims, data } = this.rows[row] as RaggedRow;
    return `${dims.join('x')}:${keyOf(data, 0, data.length)}`;
  }

  pick(rows: readonly number[]): RaggedBlock {
    const picked = new RaggedBlock(this.spec);
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
