import type { ColumnPlan } from '../columns.ts';
import type { Range, Source } from '../range.ts';
import { findStart } from './find-start.ts';
import type { CsvForm } from './form.ts';
import { RowSplitter } from './split-row.ts';

const TAIL_BYTES = 64 * 1024;

/** The bytes of a range and some around it; more are read where a row ends behind them. */
export class Window {
  bytes: Buffer;
  offset: number;
  readonly #source: Source;
  /** Grows: a row of many megabytes is not put together from crumbs. */
  #step: number;

  constructor(source: Source, offset: number, bytes: Buffer, tailBytes: number) {
    this.#source = source;
    this.#step = tailBytes;
    this.offset = offset;
    this.bytes = bytes;
  }

  /** The input ends with the bytes. */
  get last(): boolean {
    return this.offset + this.bytes.length >= this.#source.size;
  }

  /** Reads on; what stands before `keep` is let go. */
  async extend(keep: number): Promise<void> {
    const more = await this.#source.read(this.offset + this.bytes.length, this.#step);
    this.#step *= 2;
    this.bytes = Buffer.concat([this.bytes.subarray(keep), more]);
    this.offset += keep;
  }
}

export async function openWindow(source: Source, { from, to, start, tailBytes = TAIL_BYTES }: Range): Promise<Window> {
  // The byte before tells whether a row begins at `from`.
  const offset = start ?? Math.max(0, from - 1);
  const length = Math.max(0, to - offset) + tailBytes;
  return new Window(source, offset, await source.read(offset, Math.min(length, source.size - offset)), tailBytes);
}

/** Where the first row of the range stands in the window: as is known, else as is likely. */
export async function findFirst(
  window: Window,
  { form, plan }: { readonly form: CsvForm; readonly plan: Pick<ColumnPlan, 'names'> },
  { from, start }: Range,
): Promise<number> {
  const known = start ?? (from <= form.dataStart ? form.dataStart : undefined);
  if (known !== undefined) {
    while (known > window.offset + window.bytes.length) await window.extend(window.bytes.length);
    return whole(known - window.offset);
  }
  const splitter = new RowSplitter(form.delimiter);
  for (;;) {
    const found = findStart(window.bytes, from - window.offset, splitter, plan.names.length, window.last);
    if (found !== undefined) return whole(found);
    if (window.last) return window.bytes.length;
    await window.extend(0);
  }
}

/** The same number as 32 bits: what comes of places in a file may be a double to the engine, and then so is all that is reckoned from it. */
function whole(place: number): number {
  return place | 0;
}
