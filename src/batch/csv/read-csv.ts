import { isUtf8 } from 'node:buffer';
import { RequestError } from '../../core/errors.ts';
import type { Feature } from '../../core/model.ts';
import { NumberScanner } from '../../core/scan-number.ts';
import type { TableRows } from '../../core/table-scorer.ts';
import type { ColumnPlan } from '../columns.ts';
import type { FeatureTally } from '../features.ts';
import type { CsvCells } from './csv-cells.ts';
import { exactNumber } from './exact-number.ts';
import type { CsvForm } from './form.ts';
import { KnownTexts } from './known-texts.ts';
import { CUT, closing, RowSplitter, unquoted } from './split-row.ts';

const [QUOTE, LF, CR] = [34, 10, 13];

export interface CsvReaderOptions {
  readonly form: CsvForm;
  readonly plan: ColumnPlan;
  readonly features: readonly Feature[];
  /** As of the scorer: 0 where every row is split into cells. */
  readonly plainWidth: number;
  readonly rows: TableRows;
  readonly cells: CsvCells;
  readonly tally: FeatureTally;
}

/** Who is told of rows. */
export interface PlainRows {
  /** Rows that there is room for. */
  readonly room: number;
  /** The row's place among the rows, and where it stands in the input. */
  acceptAt(row: number, from: number, to: number): void;
}

/**
 * Reads rows into what the model is given. Rows of plain numbers go from bytes into the tensor, with no text a cell in between; the others, and those of models that take anything else, are split into
 * cells first, and mean what they would mean as a request.
 */
export class CsvReader {
  readonly splitter: RowSplitter;
  /** Why the row read last is not in; undefined where it is. */
  error: RequestError | undefined;
  readonly #options: CsvReaderOptions;
  readonly #scanner = new NumberScanner();
  readonly #featureOf: Int32Array;
  /** By column: the slot among the cells that go to the output; -1 where none. */
  readonly #slotOf: Int32Array;
  /** The same without those that need not be set in rows of plain numbers. */
  readonly #plainSlotOf: Int32Array;
  readonly #values: unknown[];
  readonly #numeric: readonly boolean[];
  readonly #parsed: readonly boolean[];
  readonly #texts: KnownTexts;
  #checked: Buffer | undefined;
  #isUtf8 = true;
  /** Where the last line of those bytes ends. */
  #lastLine = 0;

  constructor(options: CsvReaderOptions) {
    const { form, plan, features } = options;
    this.#options = options;
    this.splitter = new RowSplitter(form.delimiter);
    this.#texts = new KnownTexts(options.cells.decode);
    this.#featureOf = Int32Array.from(plan.featureOf);
    this.#slotOf = new Int32Array(plan.names.length).fill(-1);
    if (plan.id !== undefined) this.#slotOf[plan.id] = 0;
    plan.kept.forEach((column, i) => {
      this.#slotOf[column] = i + 1;
    });
    this.#plainSlotOf = this.#slotOf.map(slot => (options.cells.isInner(slot) ? -1 : slot));
    this.#values = new Array(features.length);
    this.#numeric = features.map(({ type }) => type === 'number');
    this.#parsed = features.map(({ type }) => type === 'tensor');
  }

  /**
   * Reads rows of plain numbers from a place on, and tells of each: as many as stand there before another one, `to`, or the block's end.
   * @returns where the row begins that it has not read
   */
  readPlain(bytes: Buffer, from: number, to: number, into: PlainRows): number {
    const { plainWidth: width, rows, cells, form } = this.#options;
    if (width === 0 || !this.#isValid(bytes)) return from;
    const { delimiter } = form;
    // No row that is read reaches beyond the last line's end: a single read behind the buffer's end makes the engine's code for all of them slower by half.
    const limit = this.#lastLine;
    const stop = Math.min(to, limit) | 0; // as 32 bits: see `whole` in window.ts
    const featureOf = this.#featureOf;
    const slotOf = this.#plainSlotOf;
    const scanner = this.#scanner;
    const columns = featureOf.length;
    const first = rows.count;
    const most = into.room;
    let row = first;
    let data = rows.plain(row + 1);
    let begin = from;
    reading: for (; begin < stop && row - first < most; row++) {
      const offset = row * width;
      if (offset + width > data.length) data = rows.plain(row + 1);
      cells.reserve(row);
      let at = begin;
      for (let column = 0; column < columns; column++) {
        if (column > 0 && bytes[at++] !== delimiter) break reading;
        const start = at;
        const feature = featureOf[column] as number;
        if (feature >= 0) {
          at = scanner.scan(bytes, start);
          if (at < 0) break reading;
          data[offset + feature] = scanner.value;
        } else {
          let byte = bytes[at] as number;
          if (byte === QUOTE) {
            at = closing(bytes, at + 1, limit) + 1;
            if (at >= limit) break reading;
            byte = delimiter;
          }
          while (byte !== delimiter && byte !== LF && byte !== CR) byte = bytes[++at] as number;
        }
        const slot = slotOf[column] as number;
        if (slot >= 0) cells.set(row, slot, start, at);
      }
      if (bytes[at] === CR) at++;
      if (bytes[at] !== LF) break;
      into.acceptAt(row, begin, at + 1);
      begin = at + 1;
    }
    rows.took(row - first);
    return begin;
  }

  /** Reads the row at a place, whatever stands in it; gives where the next begins, or CUT. Where `error` is set afterwards the row is not among the rows. */
  read(bytes: Buffer, from: number, last: boolean): number {
    this.error = undefined;
    const { splitter } = this;
    const { plan, rows, cells, features, tally, plainWidth } = this.#options;
    const next = splitter.split(bytes, from, bytes.length, last);
    if (next === CUT) return CUT;
    const { starts, ends, count } = splitter;
    this.error = this.#problem(count);
    if (this.error !== undefined) return next;
    const values = this.#values;
    try {
      for (let i = 0; i < features.length; i++) {
        const column = plan.columnOf[i] as number;
        values[i] = column < 0 ? undefined : this.#value(bytes, starts[column] as number, ends[column] as number, i);
      }
      const row = rows.count;
      cells.reserve(row);
      for (let column = 0; column < count; column++) {
        const slot = this.#slotOf[column] as number;
        if (slot >= 0) this.#keep(bytes, row, slot, starts[column] as number, ends[column] as number);
      }
      tallyAndAdd(tally, values, rows, features, plainWidth);
    } catch (thrown) {
      if (!(thrown instanceof RequestError)) throw thrown;
      this.error = thrown;
    }
    return next;
  }

  #keep(bytes: Buffer, row: number, slot: number, start: number, end: number): void {
    if (!this.#isValid(bytes)) this.#text(bytes, start, end);
    this.#options.cells.set(row, slot, start, end);
  }

  #problem(count: number): RequestError | undefined {
    const { names } = this.#options.plan;
    if (this.splitter.problem !== undefined) return malformedRow(this.splitter.problem);
    if (count === names.length) return undefined;
    return malformedRow(`the row has ${count} cell${count === 1 ? '' : 's'}, the header ${names.length}`);
  }

  #value(bytes: Buffer, start: number, end: number, feature: number): unknown {
    if (this.#numeric[feature]) {
      const number = exactNumber(bytes, start, end);
      if (!Number.isNaN(number)) return number;
    }
    const text = this.#text(bytes, start, end);
    return this.#parsed[feature] ? parsed(text) : text;
  }

  #text(bytes: Buffer, start: number, end: number): string {
    try {
      return unquoted(this.#texts.decode(bytes, start, end));
    } catch {
      throw malformedRow(`a cell is no ${this.#options.form.encoding}`);
    }
  }

  /** Looked at once for all its rows. */
  #isValid(bytes: Buffer): boolean {
    if (this.#checked === bytes) return this.#isUtf8;
    this.#checked = bytes;
    this.#lastLine = bytes.lastIndexOf(LF) + 1;
    this.#isUtf8 = this.#options.form.encoding !== 'utf-8' || isUtf8(wholeCharacters(bytes));
    return this.#isUtf8;
  }
}

/** Without what a cut has left of a character at either end. */
function wholeCharacters(bytes: Buffer): Buffer {
  let from = 0;
  while (from < 3 && ((bytes[from] ?? 0) & 0xc0) === 0x80) from++;
  let to = bytes.length;
  while (to > from && to > bytes.length - 4 && ((bytes[to - 1] as number) & 0xc0) === 0x80) to--;
  return bytes.subarray(from, to > from && (bytes[to - 1] as number) > 127 ? to - 1 : to);
}

/** Of models of one input an instance is a list, whatever the card calls its columns. */
function tallyAndAdd(
  tally: FeatureTally,
  values: readonly unknown[],
  rows: TableRows,
  features: readonly Feature[],
  plainWidth: number,
): void {
  const [first] = features;
  try {
    rows.add(features.length === 1 && first?.type === 'tensor' ? values[0] : values);
  } catch (thrown) {
    tally.add(values, false);
    throw thrown;
  }
  tally.add(values, plainWidth === 0);
}

/** A list in a cell is JSON. What is none stays a text, which the encoder refuses in its own words. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function malformedRow(message: string): RequestError {
  return new RequestError('malformed_payload', 'decode', message);
}
