import type { RequestLine, RequestRow } from './request-line.ts';

/** An event of 1 MB, less its headers and properties. */
export const MAX_EVENT_BYTES = 900_000;
/** The result is an event too. What a row's answer takes beside its id where nobody says: a classifier's of some thirty classes. */
export const ANSWER_BYTES = 1_000;
export const MAX_RESULT_BYTES = 900_000;

/** Some lines as one event, their rows in order under their requests' ids. */
export interface PackedLines {
  readonly lines: readonly RequestLine[];
  readonly body: Buffer;
}

/**
 * Puts neighbours that say the same but for id and features into packs of at most `most` rows; neither the event nor its result grows too large.
 * A line that cannot go into one stays an event of its own, in its place.
 * @param answerBytes what the answer to a row takes at most, by what its request says beside id and features
 */
export function packLines(
  lines: readonly RequestLine[],
  most: number,
  answerBytes: (rest: string) => number = () => ANSWER_BYTES,
): readonly PackedLines[] {
  const packed: PackedLines[] = [];
  let open: RequestLine[] = [];
  let bytes = 0;
  let resultBytes = 0;
  const close = () => {
    if (open.length > 0) packed.push({ lines: open, body: bodyOf(open) });
    open = [];
    bytes = 0;
    resultBytes = 0;
  };
  for (const line of lines) {
    const { row } = line;
    if (row === undefined) {
      close();
      packed.push({ lines: [line], body: line.body });
      continue;
    }
    const idBytes = Buffer.byteLength(idOf(line, row)) + 1;
    const rowBytes = Buffer.byteLength(row.features) + 1 + idBytes;
    const answer = idBytes + answerBytes(row.rest);
    const isFull = open.length === most || bytes + rowBytes > MAX_EVENT_BYTES;
    if (isFull || resultBytes + answer > MAX_RESULT_BYTES || open[0]?.row?.rest !== row.rest) close();
    if (open.length === 0) bytes = Buffer.byteLength(row.rest);
    open.push(line);
    bytes += rowBytes;
    resultBytes += answer;
  }
  close();
  return packed;
}

/** A request of its own is refused by itself where it is bad: so is a row. */
function bodyOf(lines: readonly RequestLine[]): Buffer {
  const rows = lines.map(line => ({ line, row: line.row as RequestRow }));
  const ids = rows.map(({ line, row }) => idOf(line, row)).join(',');
  const features = rows.map(({ row }) => row.features).join(',');
  const rest = rows[0]?.row.rest.slice(1, -1) ?? '';
  return Buffer.from(`{${rest}${rest && ','}"ids":[${ids}],"on_error":"skip","features":[${features}]}`);
}

/** Without one of its own, the number of its line. */
function idOf({ lineNumber }: RequestLine, { id }: RequestRow): string {
  return id ?? String(lineNumber);
}
