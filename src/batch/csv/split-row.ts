const [QUOTE, LF, CR] = [34, 10, 13];

/** Where the row is not whole in the bytes. */
export const CUT = -1;

/**
 * Splits rows into cells as RFC 4180 has it, and as lenient as Python's csv module: a quote opens a cell only at its beginning, `""` inside is a quote, what stands behind the
 * closing one is text.
 */
export class RowSplitter {
  /** Cells of the row split last. */
  count = 0;
  /** By cell: where it begins and ends in the bytes, quotes included. */
  starts = new Int32Array(64);
  ends = new Int32Array(64);
  /** What is wrong with the row; undefined where nothing is. */
  problem: string | undefined;
  /** All quotes stand at the beginning and the end of cells. */
  isClean = true;
  readonly delimiter: number;

  constructor(delimiter: number) {
    this.delimiter = delimiter;
  }

  /** @param last the input ends at `limit`. @returns where the next row begins, or CUT */
  split(bytes: Buffer, from: number, limit: number, last: boolean): number {
    const { delimiter } = this;
    this.count = 0;
    this.problem = undefined;
    this.isClean = true;
    for (let at = from; ; at++) {
      const start = at;
      if (at < limit && bytes[at] === QUOTE) {
        at = closing(bytes, at + 1, limit);
        if (at === limit && last) this.problem = 'a quote is never closed';
        else if (at >= limit - 1 && !last)
          return CUT; // the next byte may be a quote, too
        else at++;
      }
      const rest = at;
      let byte = at < limit ? (bytes[at] as number) : LF;
      while (byte !== delimiter && byte !== LF) {
        if (byte === QUOTE) this.isClean = false;
        else if (byte === CR && bytes[at + 1] !== LF && at + 1 < limit)
          this.problem = 'a CR stands outside quotes without an LF behind it';
        at++;
        byte = at < limit ? (bytes[at] as number) : LF;
      }
      if (at >= limit && !last) return CUT;
      const end = byte === LF && at > rest && bytes[at - 1] === CR ? at - 1 : at;
      if (rest > start && end > rest) this.isClean = false;
      this.#add(start, end);
      if (byte === LF) return Math.min(at + 1, limit);
    }
  }

  #add(start: number, end: number): void {
    if (this.count === this.starts.length) {
      this.starts = grown(this.starts);
      this.ends = grown(this.ends);
    }
    this.starts[this.count] = start;
    this.ends[this.count++] = end;
  }
}

/** The quote that closes a cell whose content begins at `at`; `limit` where there is none. */
export function closing(bytes: Buffer, from: number, limit: number): number {
  let at = from;
  for (;;) {
    while (at < limit && bytes[at] !== QUOTE) at++;
    if (at >= limit - 1 || bytes[at + 1] !== QUOTE) return Math.min(at, limit);
    at += 2;
  }
}

function grown(cells: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(cells.length * 2);
  larger.set(cells);
  return larger;
}

/** A cell's text without its quotes. */
export function unquoted(text: string): string {
  if (text.charCodeAt(0) !== QUOTE) return text;
  let at = 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return text.slice(1).replaceAll('""', '"');
    if (text.charCodeAt(quote + 1) !== QUOTE) return text.slice(1, quote).replaceAll('""', '"') + text.slice(quote + 1);
    at = quote + 2;
  }
}
