/** What a column of Parquet can hold of an input's. */
export type ColumnType = 'BOOLEAN' | 'INT32' | 'INT64' | 'FLOAT' | 'DOUBLE' | 'STRING' | 'TIMESTAMP';

/** What the input had in rows that are written: slot 0 is the id's, the others those of the columns that are kept. */
export interface Cells {
  /** By slot, whatever the rows say. */
  readonly types: readonly ColumnType[];
  /** No less than a row's cells take in CSV, commas included, bytes. */
  room(row: number): number;
  /** Writes a cell as CSV; returns its end. */
  writeCsv(row: number, slot: number, into: Buffer, at: number): number;
  /** Writes all cells but the first, each behind a comma; returns their end. */
  writeKept(row: number, into: Buffer, at: number): number;
  /** A cell as a value: a text where the input is CSV. */
  value(row: number, slot: number): unknown;
}

/** A text as a cell. */
export function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const COMMA = 44;

/** `writeKept` of cells that are written one by one. */
export function writeEach(cells: Cells, row: number, into: Buffer, start: number): number {
  let at = start;
  for (let slot = 1; slot < cells.types.length; slot++) {
    into[at++] = COMMA;
    at = cells.writeCsv(row, slot, into, at);
  }
  return at;
}

/** Values of any kind, row by row. */
export class ValueCells implements Cells {
  readonly types: readonly ColumnType[];
  readonly #rows: unknown[][] = [];
  readonly #texts: string[][] = [];

  constructor(slots: number) {
    this.types = new Array<ColumnType>(slots).fill('STRING');
  }

  set(row: number, values: unknown[]): void {
    this.#rows[row] = values;
    this.#texts[row] = [];
  }

  room(row: number): number {
    const values = this.#rows[row] as unknown[];
    let bytes = 0;
    for (let slot = 0; slot < values.length; slot++) bytes += 1 + 3 * this.#text(row, slot).length;
    return bytes;
  }

  writeCsv(row: number, slot: number, into: Buffer, at: number): number {
    return at + into.write(this.#text(row, slot), at, 'utf8');
  }

  writeKept(row: number, into: Buffer, at: number): number {
    return writeEach(this, row, into, at);
  }

  value(row: number, slot: number): unknown {
    return this.#rows[row]?.[slot];
  }

  #text(row: number, slot: number): string {
    const texts = this.#texts[row] as string[];
    texts[slot] ??= csvCell(textOf(this.value(row, slot)));
    return texts[slot] as string;
  }
}

/** A value as a cell of CSV says it. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? JSON.stringify(value, bigsAsText) : String(value);
}

export function bigsAsText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
