import type { Range, RangeResult } from '../range.ts';
import { isLineEnd } from './form.ts';
import type { CsvTable } from './score-csv.ts';
import { CUT, RowSplitter } from './split-row.ts';
import { findFirst, openWindow } from './window.ts';

/** Counts the rows of a range, which then number those of the next. */
export async function countCsv(table: CsvTable, range: Range): Promise<Pick<RangeResult, 'start' | 'end' | 'rows'>> {
  const { form, source } = table;
  const window = await openWindow(source, range);
  let at = await findFirst(window, table, range);
  const start = window.offset + at;
  const splitter = new RowSplitter(form.delimiter);
  let rows = 0;
  while (window.offset + at < range.to) {
    if (at >= window.bytes.length) {
      if (window.last) break;
      await window.extend(at);
      at = 0;
      continue;
    }
    if (isLineEnd(window.bytes, at) && (window.last || at + 1 < window.bytes.length)) {
      at += window.bytes[at] === 10 ? 1 : 2;
      continue;
    }
    const next = splitter.split(window.bytes, at, window.bytes.length, window.last);
    if (next === CUT) {
      await window.extend(at);
      at = 0;
      continue;
    }
    rows++;
    at = next;
  }
  return { start, end: Math.min(window.offset + at, source.size), rows };
}
