import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { HEAD_BYTES, isLineEnd, readCsvForm } from '../batch/csv/form.ts';
import { CUT, RowSplitter, unquoted } from '../batch/csv/split-row.ts';
import { decoderOf, encodingOf } from '../batch/csv/text.ts';
import { BatchRefusal } from '../batch/problems.ts';
import { closest } from '../core/closest.ts';
import type { Feature } from '../core/model.ts';
import { RowSample } from '../drift/make-profile.ts';
import { Refusal } from './terminal.ts';

export interface TrainingRows {
  /** Texts by the place of their feature; undefined where the file has no such column and the card fills it. At most `MAX_PROFILE_ROWS` of them. */
  readonly rows: readonly (readonly (string | undefined)[])[];
  /** In the file. */
  readonly seen: number;
  /** Its columns were taken by their place: none bears the name of a feature. */
  readonly byPlace: boolean;
}

const NOT_PUSHED = 'It was not pushed.';

/** Reads a CSV of training data as the columns of a model's features; other columns are passed over. @throws Refusal */
export async function readTrainingRows(path: string, features: readonly Feature[]): Promise<TrainingRows> {
  const title = basename(path);
  const form = await readForm(path).catch(thrown => {
    if (thrown instanceof BatchRefusal) throw new Refusal(`${title}: ${thrown.message}`, NOT_PUSHED);
    throw new Refusal(`${path} cannot be read: ${(thrown as Error).message}`, NOT_PUSHED, { cause: thrown });
  });
  const { columns, byPlace } = columnsOf(form.names, features, title);
  const decode = decoderOf(form.encoding);
  const splitter = new RowSplitter(form.delimiter);
  const sample = new RowSample<readonly (string | undefined)[]>();
  let rest: Buffer = Buffer.alloc(0);
  const take = (bytes: Buffer, last: boolean): Buffer => {
    let at = 0;
    while (at < bytes.length) {
      if (isLineEnd(bytes, at)) {
        at++;
        continue;
      }
      const next = splitter.split(bytes, at, bytes.length, last);
      if (next === CUT) break;
      if (splitter.problem !== undefined || splitter.count !== form.names.length) {
        const cells = `it has ${splitter.count} cells, the header ${form.names.length}`;
        throw new Refusal(`${title}: row ${sample.seen + 1}: ${splitter.problem ?? cells}`, NOT_PUSHED);
      }
      const cell = (column: number) =>
        column < 0
          ? undefined
          : unquoted(decode(bytes, splitter.starts[column] as number, splitter.ends[column] as number));
      sample.add(columns.map(cell));
      at = next;
    }
    return bytes.subarray(at);
  };
  for await (const chunk of createReadStream(path, { start: form.dataStart, highWaterMark: 1024 * 1024 }))
    rest = take(Buffer.concat([rest, chunk as Buffer]), false);
  take(rest, true);
  return { rows: sample.rows, seen: sample.seen, byPlace };
}

async function readForm(path: string) {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const { bytesRead, buffer } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const head = buffer.subarray(0, bytesRead);
    const { encoding } = encodingOf(head);
    if (encoding.startsWith('utf-16')) throw new BatchRefusal('it is UTF-16; UTF-8 is expected');
    return readCsvForm(head, size);
  } finally {
    await file.close();
  }
}

/** By name; where none of the names is there, as of plain arrays, by place. @throws Refusal */
function columnsOf(names: readonly string[], features: readonly Feature[], title: string) {
  const columns = features.map(({ name }) => names.indexOf(name));
  if (columns.every(column => column < 0) && names.length >= features.length)
    return { columns: features.map((_, place) => place), byPlace: true };
  const lacking = features.filter(({ fill }, i) => columns[i] === -1 && fill === undefined).map(({ name }) => name);
  const [first] = lacking;
  if (first === undefined) return { columns, byPlace: false };
  const near = closest(first, names);
  const more = lacking.length > 1 ? ` and ${lacking.length - 1} more` : '';
  const nearest = near === undefined ? '' : ` (the nearest is ${JSON.stringify(near)})`;
  throw new Refusal(`${title} has no column ${JSON.stringify(first)}${more}${nearest}`, NOT_PUSHED);
}
