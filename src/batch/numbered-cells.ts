import type { Cells, ColumnType } from './cells.ts';

/** Cells whose first is the row's number. */
export class NumberedCells implements Cells {
  readonly types: readonly ColumnType[];
  readonly #cells: Cells;
  readonly #numbers: Float64Array;

  constructor(cells: Cells, numbers: Float64Array) {
    this.types = ['INT64', ...cells.types.slice(1)];
    this.#cells = cells;
    this.#numbers = numbers;
  }

  room(row: number): number {
    return 20 + this.#cells.room(row);
  }

  writeCsv(row: number, slot: number, into: Buffer, at: number): number {
    if (slot > 0) return this.#cells.writeCsv(row, slot, into, at);
    return at + into.write(String(this.#numbers[row]), at, 'latin1');
  }

  writeKept(row: number, into: Buffer, at: number): number {
    return this.#cells.writeKept(row, into, at);
  }

  value(row: number, slot: number): unknown {
    return slot > 0 ? this.#cells.value(row, slot) : this.#numbers[row];
  }
}
