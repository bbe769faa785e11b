import { type Cells, type ColumnType, csvCell, writeEach } from '../cells.ts';
import { copy } from '../growing.ts';
import type { CsvForm } from './form.ts';
import { unquoted } from './split-row.ts';
import { type Decode, decoderOf } from './text.ts';

const [COMMA, QUOTE, LF, CR] = [44, 34, 10, 13];

/** Cells of the rows of a block that go to the output, by where they stand in the input's bytes. Where the input is UTF-8 between commas they are copied as they are. */
export class CsvCells implements Cells {
  readonly types: readonly ColumnType[];
  /** Cells a row. */
  readonly slots: number;
  readonly decode: Decode;
  readonly #copies: boolean;
  /** By slot: the last of those behind it that stand side by side in the input, too, and are copied with it. */
  readonly #runEnds: Int32Array;
  #bytes: Buffer = Buffer.alloc(0);
  #starts: Int32Array;
  #ends: Int32Array;

  /**
   * @param kept columns in their order, as a plan has them
   * @param toCsv `value` is asked of none
   */
  constructor({ delimiter, encoding }: CsvForm, kept: readonly number[], toCsv: boolean) {
    const slots = 1 + kept.length;
    this.slots = slots;
    this.types = new Array<ColumnType>(slots).fill('STRING');
    this.decode = decoderOf(encoding);
    this.#copies = toCsv && delimiter === COMMA && encoding === 'utf-8';
    this.#runEnds = Int32Array.from({ length: slots }, (_, slot) => slot);
    for (let slot = slots - 2; slot > 0 && this.#copies; slot--)
      if (kept[slot] === (kept[slot - 1] as number) + 1) this.#runEnds[slot] = this.#runEnds[slot + 1] as number;
    this.#starts = new Int32Array(slots * 256);
    this.#ends = new Int32Array(slots * 256);
  }

  /** Whether it stands between others that it is copied with, and need not be set. */
  isInner(slot: number): boolean {
    const end = this.#runEnds[slot] as number;
    return slot > 1 && end !== slot && this.#runEnds[slot - 1] === end;
  }

  /** What the places that follow are places in. */
  in(bytes: Buffer): void {
    this.#bytes = bytes;
  }

  /** Room for a row's cells, before they are set. */
  reserve(row: number): void {
    const needed = (row + 1) * this.slots;
    if (needed <= this.#starts.length) return;
    this.#starts = grown(this.#starts, 2 * needed);
    this.#ends = grown(this.#ends, 2 * needed);
  }

  set(row: number, slot: number, start: number, end: number): void {
    this.#starts[row * this.slots + slot] = start;
    this.#ends[row * this.slots + slot] = end;
  }

  room(row: number): number {
    const first = row * this.slots;
    let bytes = 0;
    for (let slot = 0; slot < this.slots; slot++) {
      const from = slot;
      slot = this.#runEnds[slot] as number;
      bytes += (this.#ends[first + slot] as number) - (this.#starts[first + from] as number) + 1;
    }
    // Of one byte three may come, or of a quote two.
    return this.#copies ? bytes : 2 * this.slots + 3 * bytes;
  }

  writeCsv(row: number, slot: number, into: Buffer, at: number): number {
    const cell = row * this.slots + slot;
    const start = this.#starts[cell] as number;
    const end = this.#ends[cell] as number;
    if (this.#copies || this.#isPlain(start, end)) return copy(into, at, this.#bytes, start, end);
    return at + into.write(csvCell(this.value(row, slot)), at, 'utf8');
  }

  writeKept(row: number, into: Buffer, start: number): number {
    if (!this.#copies) return writeEach(this, row, into, start);
    const first = row * this.slots;
    let at = start;
    for (let slot = 1; slot < this.slots; slot++) {
      const from = slot;
      slot = this.#runEnds[slot] as number;
      into[at++] = COMMA;
      at = copy(into, at, this.#bytes, this.#starts[first + from] as number, this.#ends[first + slot] as number);
    }
    return at;
  }

  /** @throws TypeError where its bytes are none of the encoding. */
  value(row: number, slot: number): string {
    const cell = row * this.slots + slot;
    return unquoted(this.decode(this.#bytes, this.#starts[cell] as number, this.#ends[cell] as number));
  }

  /** ASCII that needs no quotes in any CSV. */
  #isPlain(start: number, end: number): boolean {
    for (let at = start; at < end; at++) {
      const byte = this.#bytes[at] as number;
      if (byte > 127 || byte === COMMA || byte === QUOTE || byte === LF || byte === CR) return false;
    }
    return true;
  }
}

function grown(column: Int32Array, size: number): Int32Array {
  const larger = new Int32Array(size);
  larger.set(column);
  return larger;
}
