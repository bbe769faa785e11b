import type { Gaps } from '../gaps.ts';
import type { Way } from '../group.ts';
import { maxIdBytesOf, type Run } from '../run.ts';
import { append } from './answer-columns.ts';
import type { AnswerTable, PlacedAnswers } from './answer-table.ts';
import { rowErrors, standInJson } from './pack-answers.ts';
import { SEVERAL } from './result-json.ts';
import { writeId } from './write-id.ts';

const [COMMA, CLOSE, CLOSE_LIST, SPACE, QUOTE] = [44, 125, 93, 32, 34];
const opening = Buffer.from(SEVERAL.opening);
const rowOfId = Buffer.from(SEVERAL.rowOfId);
const row = Buffer.from(SEVERAL.row);
const none = Buffer.from(SEVERAL.none);
const closing = Buffer.from(SEVERAL.closing);
/** Braces, the id's key and the commas of a row. */
const ROW_BYTES = 16;
const FRAME_BYTES = 64;
/** Bytes of a UTF-16 unit in UTF-8, at most. */
const BYTES_A_UNIT = 3;

/** No less than `writePack` takes, bytes. */
export function roomForPack(run: Run, way: Way, place: number): number {
  const { answers } = way.group;
  const listed = run.listed(place);
  const from = run.firstRow(place);
  const gaps = run.gaps(place);
  let bytes = FRAME_BYTES + idBytes(run, place);
  if (gaps !== undefined) return bytes + roomForGaps(run, way, place, gaps);
  if (answers.maxRoom !== undefined) return bytes + listed * (ROW_BYTES + answers.maxRoom);
  for (let at = from; at < from + listed; at++) bytes += ROW_BYTES + roomOf(answers, at);
  return bytes;
}

/**
 * Writes the answers to a list of instances, from the columns.
 * @param ends takes where each row ends, for whoever wants to know
 */
export function writePack(run: Run, way: Way, place: number, into: Buffer, start: number, ends?: number[]): number {
  const gaps = run.gaps(place);
  const at = append(into, start, opening);
  if (gaps !== undefined) return writeGappy(run, way, place, gaps, into, at, ends);
  return append(into, writeWhole(run, way, place, into, at, ends), closing);
}

function writeWhole(run: Run, way: Way, place: number, into: Buffer, start: number, ends?: number[]): number {
  const { answers: table } = way.group;
  const ids = run.parsed(place)?.ids;
  const first = run.firstRow(place);
  const end = first + run.listed(place);
  const { body } = run.event(place);
  // Behind the bracket; 0 where they are not to be copied.
  let idAt = run.parsed(place) === undefined && run.rowIdsEnd(place) > 0 ? run.rowIdsStart(place) + 1 : 0;
  let at = start;
  for (let next = first; next < end; ) {
    const placed = table.of(next);
    const { answers, from, at: firstAnswer } = placed;
    const { heads } = answers;
    const stop = Math.min(placed.to, end);
    for (; next < stop; next++) {
      if (next > first) into[at++] = COMMA;
      if (idAt > 0) {
        at = append(into, at, rowOfId);
        while ((body[idAt] as number) <= SPACE) idAt++;
        // A number ends where a comma, a space or the bracket stands, a text at its quote: neither has any other meaning in what a scanner takes.
        const quoted = body[idAt] === QUOTE;
        do into[at++] = body[idAt++] as number;
        while (quoted ? body[idAt] !== QUOTE : isInNumber(body[idAt] as number));
        if (quoted) into[at++] = body[idAt++] as number;
        while ((body[idAt] as number) <= SPACE) idAt++;
        idAt++;
        into[at++] = COMMA;
      } else at = openRow(ids?.[next - first], into, at);
      const answerRow = next - from + firstAnswer;
      at = append(into, at, heads[answers.headOf(answerRow)] as Buffer);
      at = answers.writeRest(answerRow, into, at);
      into[at++] = CLOSE;
      ends?.push(at);
    }
  }
  return at;
}

function isInNumber(byte: number): boolean {
  return byte > SPACE && byte !== COMMA && byte !== CLOSE_LIST;
}

function writeGappy(
  run: Run,
  way: Way,
  place: number,
  gaps: Gaps,
  into: Buffer,
  start: number,
  ends?: number[],
): number {
  const { ids } = run.request(place);
  let own = run.firstRow(place);
  let at = start;
  for (let index = 0; index < gaps.size; index++) {
    if (index > 0) into[at++] = COMMA;
    const ownRow = gaps.hasRow(index) ? own++ : -1;
    const standIn = gaps.standIns.get(index);
    if (gaps.errors.has(index)) at = append(into, at, none);
    else {
      at = openRow(ids?.[index], into, at);
      if (standIn !== undefined) at += into.write(standInJson(standIn.way), at);
      const table = (standIn?.way ?? way).group.answers;
      const answered = standIn?.row ?? ownRow;
      at = writeAnswer(table.of(answered), answered, into, at);
      into[at++] = CLOSE;
    }
    ends?.push(at);
  }
  at = append(into, at, closing);
  return at + into.write(errorsJson(run, place, gaps), at);
}

function errorsJson(run: Run, place: number, gaps: Gaps): string {
  return gaps.errors.size === 0 ? '' : SEVERAL.errors + JSON.stringify(rowErrors(run, place, gaps));
}

function openRow(id: Parameters<typeof writeId>[0], into: Buffer, start: number): number {
  if (id === undefined) return append(into, start, row);
  const at = writeId(id, into, append(into, start, rowOfId));
  into[at] = COMMA;
  return at + 1;
}

/** One answer, its head included. */
export function writeAnswer(
  { answers, from, at: first }: PlacedAnswers,
  row: number,
  into: Buffer,
  start: number,
): number {
  const answerRow = row - from + first;
  const at = append(into, start, answers.heads[answers.headOf(answerRow)] as Buffer);
  return answers.writeRest(answerRow, into, at);
}

export function roomOf(table: AnswerTable, row: number): number {
  const { answers, from, at } = table.of(row);
  return answers.room(row - from + at);
}

function roomForGaps(run: Run, way: Way, place: number, gaps: Gaps): number {
  let bytes = errorsJson(run, place, gaps).length * BYTES_A_UNIT;
  let own = run.firstRow(place);
  for (let index = 0; index < gaps.size; index++) {
    const ownRow = gaps.hasRow(index) ? own++ : -1;
    const standIn = gaps.standIns.get(index);
    bytes += ROW_BYTES;
    if (standIn !== undefined) {
      bytes += standInJson(standIn.way).length * BYTES_A_UNIT + roomOf(standIn.way.group.answers, standIn.row);
    } else if (!gaps.errors.has(index)) bytes += roomOf(way.group.answers, ownRow);
  }
  return bytes;
}

function idBytes(run: Run, place: number): number {
  const parsed = run.parsed(place);
  if (parsed === undefined) return run.rowIdsEnd(place) - run.rowIdsStart(place);
  let bytes = 0;
  for (const id of parsed.ids ?? []) bytes += maxIdBytesOf(id);
  return bytes;
}
