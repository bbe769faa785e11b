import type { Tensor, TensorData, TensorSpec } from '../../core/tensor.ts';
import { dataFor } from './elements.ts';

/** The rows of one model input while they are gathered, columnar: straight into what the tensor will hold. */
export interface Block {
  /** Makes room for that many rows. */
  reserve(rows: number): void;
  /** Elements that rows `from` to `to` take once they are padded to the longest; undefined where rows have one width. */
  paddedSize(from: number, to: number): number | undefined;
  /**
   * Rows `from` to `to` as a tensor of `size` rows, the last one repeated where the model wants more than there are.
   * @param lent it may share the block's memory: whoever gets it reads it on this thread, and is done before more rows come
   */
  tensor(from: number, to: number, size: number, lent: boolean): Tensor;
  /** What a row holds, as a text that only rows of the same content have. */
  key(row: number): string;
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

  paddedSize(): undefined {}

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

/** Rows of different lengths; a slice is padded with 0 (texts: empty) to its longest. */
export class RaggedBlock implements Block {
  readonly spec: TensorSpec;
  readonly rows: RaggedRow[] = [];

  constructor(spec: TensorSpec) {
    this.spec = spec;
  }

  reserve(): void {}

  paddedSize(from: number, to: number): number {
    return (to - from) * widthOf(longestOf(this.rows.slice(from, to)));
  }

  tensor(from: number, to: number, size: number): Tensor {
    const rows = this.rows.slice(from, to);
    while (rows.length < size) rows.push(rows[rows.length - 1] as RaggedRow);
    const longest = longestOf(rows);
    const width = widthOf(longest);
    const data = dataFor(this.spec.type, size * width);
    rows.forEach((row, index) => {
      copyPadded(data, index * width, longest, row, 0, 0);
    });
    return { type: this.spec.type, dims: [size, ...longest], data };
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

function longestOf(rows: readonly RaggedRow[]): readonly number[] {
  const [first] = rows;
  return (first?.dims ?? []).map((_, axis) => rows.reduce((most, row) => Math.max(most, row.dims[axis] as number), 0));
}

function widthOf(rowDims: readonly number[]): number {
  return rowDims.reduce((product, size) => product * size, 1);
}

/** Copies a row into a larger box of the same rank; returns how many of its elements it has read. */
function copyPadded(
  into: TensorData,
  at: number,
  box: readonly number[],
  row: RaggedRow,
  axis: number,
  read: number,
): number {
  const length = row.dims[axis] as number;
  if (axis === box.length - 1) {
    copy(into, at, row.data, read, length);
    return read + length;
  }
  const step = box.slice(axis + 1).reduce((product, size) => product * size, 1);
  let next = read;
  for (let i = 0; i < length; i++) next = copyPadded(into, at + i * step, box, row, axis + 1, next);
  return next;
}

function copy(into: TensorData, at: number, from: TensorData, start: number, length: number): void {
  if (Array.isArray(into) || Array.isArray(from)) {
    for (let i = 0; i < length; i++) (into as string[])[at + i] = (from as string[])[start + i] as string;
  } else {
    (into as Float64Array).set((from as Float64Array).subarray(start, start + length), at);
  }
}
