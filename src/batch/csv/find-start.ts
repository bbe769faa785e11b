import { isLineEnd } from './form.ts';
import { CUT, type RowSplitter } from './split-row.ts';

const [QUOTE, LF] = [34, 10];
/** Rows that a guess is held against. */
const ROWS = 8;

/**
 * Where the first row begins whose first byte is at `place` or behind it, when nobody knows whether that is inside quotes: both are tried, and the one is taken whose next rows have as many
 * cells as the header. A guess; that all ranges of an input join without a gap proves them. Undefined where the bytes do not tell.
 * @param place 1 at least: the byte before it is looked at
 * @param last the input ends with the bytes
 */
export function findStart(
  bytes: Buffer,
  place: number,
  splitter: RowSplitter,
  columns: number,
  last: boolean,
): number | undefined {
  const outside = lineEnd(bytes, place - 1, splitter);
  const close = closingQuote(bytes, place - 1);
  const inside = close === undefined ? undefined : lineEnd(bytes, close + 1, splitter);
  if (outside === undefined || inside === undefined || outside === inside) return outside ?? inside;
  const one = goodRows(bytes, outside, splitter, columns, last);
  const other = goodRows(bytes, inside, splitter, columns, last);
  return other > one ? inside : outside;
}

/** Behind the first line end outside quotes, `from` being outside. */
function lineEnd(bytes: Buffer, from: number, { delimiter }: RowSplitter): number | undefined {
  let at = from;
  let before = from === 0 ? LF : (bytes[from - 1] as number);
  while (at < bytes.length) {
    let byte = bytes[at] as number;
    if (byte === LF) return at + 1;
    if (byte === QUOTE && (before === delimiter || before === LF)) {
      const close = closingQuote(bytes, at + 1);
      if (close === undefined) return undefined;
      at = close;
      byte = 0;
    }
    before = byte;
    at++;
  }
  return undefined;
}

/** The first quote from `from` on that is not doubled, `from` being inside. */
function closingQuote(bytes: Buffer, from: number): number | undefined {
  for (let at = bytes.indexOf(QUOTE, from); at >= 0; at = bytes.indexOf(QUOTE, at + 2)) {
    if (bytes[at + 1] !== QUOTE) return at;
  }
  return undefined;
}

/** Of the next rows, how many before the first that is not as the header says. */
function goodRows(bytes: Buffer, from: number, splitter: RowSplitter, columns: number, last: boolean): number {
  let at = from;
  for (let row = 0; row < ROWS; row++) {
    while (at < bytes.length && isLineEnd(bytes, at)) at += bytes[at] === LF ? 1 : 2;
    if (at >= bytes.length) return ROWS;
    at = splitter.split(bytes, at, bytes.length, last);
    if (at === CUT) return row;
    if (splitter.count !== columns || !splitter.isClean || splitter.problem !== undefined) return row;
  }
  return ROWS;
}
