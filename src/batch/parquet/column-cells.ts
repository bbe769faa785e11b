import { type Cells, type ColumnType, csvCell, textOf, writeEach } from '../cells.ts';
import type { Column } from './parquet-file.ts';

/** Cells by column; each row of the block is one of theirs. */
export class ColumnCells implements Cells {
  readonly types: readonly ColumnType[];
  /** By slot; undefined where rows are numbered. */
  columns: readonly (Column | undefined)[] = [];
  readonly #places: Int32Array;
  readonly #texts: string[] = [];
  #textsOf = -1;

  constructor(types: readonly ColumnType[], blockRows: number) {
    this.types = types;
    this.#places = new Int32Array(blockRows);
  }

  set(row: number, place: number): void {
    this.#places[row] = place;
  }

  room(row: number): number {
    let bytes = 0;
    for (let slot = 0; slot < this.types.length; slot++) {
      const text = csvCell(textOf(this.value(row, slot)));
      this.#texts[slot] = text;
      bytes += 1 + 3 * text.length;
    }
    this.#textsOf = row;
    return bytes;
  }

  writeCsv(row: number, slot: number, into: Buffer, at: number): number {
    const text = this.#textsOf === row ? (this.#texts[slot] as string) : csvCell(textOf(this.value(row, slot)));
    return at + into.write(text, at, 'utf8');
  }

  writeKept(row: number, into: Buffer, at: number): number {
    return writeEach(this, row, into, at);
  }

  value(row: number, slot: number): unknown {
    return this.columns[slot]?.[this.#places[row] as number];
  }
}
