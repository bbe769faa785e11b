import type { TensorData } from './tensor.ts';

/** One row whose lengths are its own. */
export interface RaggedRow {
  readonly dims: readonly number[];
  readonly data: TensorData;
}

/** The dimensions of the smallest box that holds all rows, which have one rank. */
export function boxOf(rows: readonly RaggedRow[]): readonly number[] {
  const [first] = rows;
  return (first?.dims ?? []).map((_, axis) => rows.reduce((most, row) => Math.max(most, row.dims[axis] as number), 0));
}

/** Copies a row into the box that begins at `at`; what the row does not fill stays as it is. */
export function copyIntoBox(into: TensorData, at: number, box: readonly number[], { dims, data }: RaggedRow): void {
  let read = 0;
  const copy = (axis: number, to: number): void => {
    const length = dims[axis] as number;
    if (axis === box.length - 1) {
      for (let i = 0; i < length; i++) into[to + i] = data[read + i] as never;
      read += length;
      return;
    }
    const step = box.slice(axis + 1).reduce((product, size) => product * size, 1);
    for (let i = 0; i < length; i++) copy(axis + 1, to + i * step);
  };
  copy(0, at);
}
