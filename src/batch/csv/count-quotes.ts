import type { Quotes } from '../batch-table.ts';
import type { Range, Source } from '../range.ts';

const [QUOTE, LF] = [34, 10];
const BLOCK_BYTES = 1024 * 1024;

/**
 * Counts a range's quotes, and finds where its first row begins, being outside of quotes at its beginning and being inside. A doubled quote is two, so that a line break is one of a text where an odd
 * number of quotes stands before it, wherever the bytes are cut. Quotes that stand in the middle of a cell mislead it; the chain of ranges shows that.
 */
export async function countQuotes(source: Source, { from, to }: Pick<Range, 'from' | 'to'>): Promise<Quotes> {
  let odd = false;
  let outside: number | undefined;
  let inside: number | undefined;
  // A row begins behind a line end: that of the last row before lies one byte ahead of the range.
  for (let place = Math.max(0, from - 1); place < to - 1; ) {
    const bytes = await source.read(place, Math.min(BLOCK_BYTES, to - 1 - place));
    if (bytes.length === 0) break;
    let at = 0;
    for (; at < bytes.length && (outside === undefined || inside === undefined); at++) {
      const byte = bytes[at];
      if (byte === QUOTE) odd = !odd;
      else if (byte !== LF) continue;
      else if (odd) inside ??= place + at + 1;
      else outside ??= place + at + 1;
    }
    for (at = bytes.indexOf(QUOTE, at); at >= 0; at = bytes.indexOf(QUOTE, at + 1)) odd = !odd;
    place += bytes.length;
  }
  return { outside: outside ?? source.size, inside: inside ?? source.size, odd };
}
