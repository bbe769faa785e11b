import { BatchRefusal } from '../problems.ts';
import { CUT, RowSplitter, unquoted } from './split-row.ts';
import { type ByteEncoding, decoderOf, encodingOf } from './text.ts';

/** How a CSV is written. Plain JSON. */
export interface CsvForm {
  readonly encoding: ByteEncoding;
  /** Its byte. */
  readonly delimiter: number;
  readonly names: readonly string[];
  /** Where the first row begins, bytes. */
  readonly dataStart: number;
}

export interface CsvFormOptions {
  /** Undefined: told from the first bytes. */
  readonly encoding?: ByteEncoding | undefined;
  /** One character; undefined: told from the header. */
  readonly delimiter?: string | undefined;
}

/** Enough of a CSV for its form, bytes. */
export const HEAD_BYTES = 64 * 1024;

const DELIMITERS = [',', ';', '\t', '|'].map(text => text.charCodeAt(0));
const [LF, CR] = [10, 13];
/** Rows that are looked at. */
const SAMPLE_ROWS = 10;

/**
 * @param head the first `HEAD_BYTES` of the input, or all of it
 * @param size of the input
 * @throws BatchRefusal where it is empty, has no row, or lines end in another way than LF or CRLF
 */
export function readCsvForm(head: Buffer, size: number, options: CsvFormOptions = {}): CsvForm {
  if (size === 0) throw new BatchRefusal('the file is empty; a header and rows are expected');
  const { encoding, bomBytes } = encodingOf(head, options.encoding);
  if (encoding === 'utf-16le' || encoding === 'utf-16be')
    throw new Error(`${encoding} was to be turned into UTF-8 before`);
  const last = head.length === size;
  let begin = bomBytes;
  while (begin < head.length && isLineEnd(head, begin)) begin++;
  if (begin === size) throw new BatchRefusal('the file is empty but for blanks; a header and rows are expected');
  const named = options.delimiter?.charCodeAt(0);
  const delimiter = named ?? likeliest(head, begin, last);
  const splitter = new RowSplitter(delimiter);
  const next = splitter.split(head, begin, head.length, last);
  if (next === CUT) throw new BatchRefusal(`the header does not end within ${HEAD_BYTES} bytes`);
  if (splitter.problem !== undefined)
    throw new BatchRefusal(`the header cannot be read: ${splitter.problem}${onlyReturns(head, last)}`);
  const decode = decoderOf(encoding);
  const names: string[] = [];
  for (let cell = 0; cell < splitter.count; cell++) {
    names.push(unquoted(decode(head, splitter.starts[cell] as number, splitter.ends[cell] as number)));
  }
  let data = next;
  while (data < head.length && isLineEnd(head, data)) data++;
  if (data >= size) throw new BatchRefusal('the file has a header and no row');
  return { encoding, delimiter, names, dataStart: next };
}

function onlyReturns(head: Buffer, last: boolean): string {
  return last && head.indexOf(LF) < 0 ? ': all lines end with CR alone; LF or CRLF is expected' : '';
}

export function isLineEnd(bytes: Buffer, at: number): boolean {
  return bytes[at] === LF || (bytes[at] === CR && (bytes[at + 1] === LF || bytes[at + 1] === undefined));
}

/** The delimiter by which most of the first rows have as many cells as the header, and more than one; of several that by which they have most. */
function likeliest(head: Buffer, begin: number, last: boolean): number {
  let best = { delimiter: DELIMITERS[0] as number, alike: 0, cells: 1 };
  for (const delimiter of DELIMITERS) {
    const splitter = new RowSplitter(delimiter);
    let at = splitter.split(head, begin, head.length, last);
    const cells = splitter.count;
    if (at === CUT || cells < 2) continue;
    let alike = 1;
    for (let row = 0; row < SAMPLE_ROWS && at < head.length; row++) {
      at = splitter.split(head, at, head.length, last);
      if (at === CUT) break;
      if (splitter.count === cells) alike++;
    }
    if (alike > best.alike || (alike === best.alike && cells > best.cells)) best = { delimiter, alike, cells };
  }
  return best.delimiter;
}
