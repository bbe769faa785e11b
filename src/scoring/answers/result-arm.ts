import { digitsOf, writeWhole } from '../../core/digits.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { Event } from '../../core/event.ts';
import type { RequestId } from '../../core/request.ts';
import type { Arm } from '../../core/scored-batch.ts';
import { latencyOf } from '../../core/times.ts';
import type { Way } from '../group.ts';
import { maxIdBytesOf, type Run } from '../run.ts';
import { append } from './answer-columns.ts';
import type { AnswerTable, PlacedAnswers } from './answer-table.ts';
import { carriedJson, endingJson, flagsJson, OPENING, quote, RESULT_ID, SEVERAL } from './result-json.ts';
import type { Wording, Wordings } from './wordings.ts';

const QUOTE = 34;
const BACKSLASH = 92;
const [SPACE, TILDE] = [32, 126];
/** Room for longer ids is made for each by itself. */
const MAX_ID_BYTES = 4_096;
/** Digits of the largest safe integer, and of the place among an event's requests. */
const DIGITS = 16 + 6;
/** Times, latencies and what stands between the parts. */
const FRAME_BYTES = 256;

const opening = Buffer.from(OPENING);
const several = {
  opening: Buffer.from(SEVERAL.opening),
  between: Buffer.from(SEVERAL.between),
  closing: Buffer.from(SEVERAL.closing),
};

/**
 * The results of requests that went one way, written as bytes: 200 ns each where a template of strings takes 560. What they share is copied, and the times are
 * formatted once for all that share them.
 */
export class ResultArm implements Arm {
  readonly kind = 'result';
  readonly model: string;
  readonly modelVersion: string;
  readonly variant: string | undefined;
  readonly #run: Run;
  /** By row: its request's place in the run; undefined while they are the same. */
  #places: number[] | undefined;
  #rows = 0;
  readonly #answers: AnswerTable;
  readonly #wording: Wording;
  readonly #wordings: Wordings;
  readonly #fixedBytes: number;
  readonly maxBytes: number | undefined;
  #digits = 0;
  #heads: readonly Buffer[] = [];
  #middles: readonly Buffer[] = [];
  #enqueuedAtMs = Number.NaN;
  #scoredAtMs = Number.NaN;
  #modelMs = Number.NaN;
  #ending = Buffer.alloc(0);

  constructor(run: Run, { group, route, degraded }: Way, cached: boolean, resultIdPrefix: string) {
    const { name, label } = group.version;
    this.model = name;
    this.modelVersion = label;
    this.variant = route.variant;
    this.#run = run;
    this.#answers = group.answers;
    this.#wordings = group.plan.wordings;
    this.#wording = this.#wordings.of(resultIdPrefix, flagsJson(route, { cached, degraded }));
    const { prefix, about } = this.#wording;
    this.#fixedBytes = 2 * (prefix.length + DIGITS) + about.length + FRAME_BYTES;
    const { maxRoom } = group.answers;
    const isBounded = maxRoom !== undefined && run.isSingle && run.maxIdBytes < MAX_ID_BYTES;
    this.maxBytes = isBounded ? this.#fixedBytes + run.maxIdBytes + maxRoom : undefined;
  }

  /** Adds the results of the requests at places from one to behind another; gives the first one's row. */
  add(from: number, to: number): number {
    const first = this.#rows;
    this.#rows += to - from;
    if (this.#places === undefined && from !== first) this.#places = [...Array(first).keys()];
    if (this.#places !== undefined) for (let place = from; place < to; place++) this.#places.push(place);
    return first;
  }

  #place(row: number): number {
    return this.#places === undefined ? row : (this.#places[row] as number);
  }

  requestId(row: number): RequestId | undefined {
    const place = this.#place(row);
    const run = this.#run;
    const parsed = run.parsed(place);
    if (parsed !== undefined) return parsed.requestId;
    const end = run.idEnd(place);
    return end === 0 ? undefined : JSON.parse(run.event(place).body.toString('latin1', run.idStart(place), end));
  }

  text(row: number): (() => string) | undefined {
    return this.#run.parsed(this.#place(row))?.text;
  }

  code(): ErrorCode | undefined {
    return undefined;
  }

  latencyMs(row: number): number {
    const place = this.#place(row);
    const run = this.#run;
    return latencyOf(this.#scoredAt(place), run.event(place).enqueuedAtMs);
  }

  maxBodyBytes(row: number): number {
    const place = this.#place(row);
    const run = this.#run;
    const first = run.firstRow(place);
    const listed = run.listed(place);
    let bytes = this.#fixedBytes + this.#idBytes(place) + carriedBytes(run, place);
    if (listed === 0) return bytes + this.#roomOf(first);
    for (let i = first; i < first + listed; i++) bytes += this.#roomOf(i) + several.between.length;
    return bytes;
  }

  writeBody(row: number, into: Buffer, start: number): number {
    const place = this.#place(row);
    const run = this.#run;
    const event = run.event(place);
    const { sequenceNumber, enqueuedAtMs } = event;
    const digits = digitsOf(sequenceNumber, this.#digits || 1);
    const idAt = append(into, start, opening);
    const parsed = run.parsed(place);
    const firstRow = run.firstRow(place);
    const first = this.#answers.of(firstRow);
    if (parsed !== undefined && (parsed.text !== undefined || parsed.carried !== undefined || run.listed(place) > 0)) {
      return this.#writeUnusual(place, first, into, idAt);
    }
    let at = parsed === undefined ? copyId(run, place, event, into, idAt) : writeId(parsed.requestId, into, idAt);
    if (at === idAt) at = this.#writeResultId(into, at, sequenceNumber, digits);
    const answerRow = firstRow - first.from + first.at;
    const middle = this.#middle(first, answerRow, digits);
    into.set(middle, at);
    writeWhole(into, at + this.#wording.digitsAt, sequenceNumber, digits);
    at = first.answers.writeRest(answerRow, into, at + middle.length);
    return append(into, at, this.#endingOf(enqueuedAtMs, first.scoredAtMs, first.computeMs));
  }

  /** One of several requests of an event, or one with a list of instances. */
  #writeUnusual(place: number, first: PlacedAnswers, into: Buffer, start: number): number {
    const run = this.#run;
    const request = run.request(place);
    const resultId = quote(request.resultId);
    let at = writeId(request.requestId, into, start);
    if (at === start) at += into.write(resultId, at);
    at += into.write(`${RESULT_ID}${resultId}`, at);
    at = append(into, at, this.#wording.about);
    const from = run.firstRow(place);
    const listed = run.listed(place);
    if (listed === 0) at = writeAnswer(first, from, into, at);
    else {
      for (let row = from; row < from + listed; row++) {
        at = append(into, at, row === from ? several.opening : several.between);
        at = writeAnswer(this.#answers.of(row), row, into, at);
      }
      at = append(into, at, several.closing);
    }
    if (request.carried !== undefined) at += into.write(carriedJson(request.carried), at);
    return append(
      into,
      at,
      this.#endingOf(request.enqueuedAtMs, this.#scoredAt(place), modelMsOf(this.#answers, from, listed)),
    );
  }

  #scoredAt(place: number): number {
    const run = this.#run;
    return scoredAtMsOf(this.#answers, run.firstRow(place), run.listed(place));
  }

  /** In place of a request's own id. */
  #writeResultId(into: Buffer, start: number, sequenceNumber: number, digits: number): number {
    into[start] = QUOTE;
    const at = writeWhole(into, append(into, start + 1, this.#wording.prefix), sequenceNumber, digits);
    into[at] = QUOTE;
    return at + 1;
  }

  #middle({ answers }: PlacedAnswers, row: number, digits: number): Buffer {
    if (digits !== this.#digits || answers.heads !== this.#heads) {
      this.#middles = this.#wording.middles(digits, answers.heads);
      this.#digits = digits;
      this.#heads = answers.heads;
    }
    return this.#middles[answers.headOf(row)] as Buffer;
  }

  #endingOf(enqueuedAtMs: number, scoredAtMs: number, modelMs: number): Buffer {
    if (enqueuedAtMs !== this.#enqueuedAtMs || scoredAtMs !== this.#scoredAtMs || modelMs !== this.#modelMs) {
      this.#enqueuedAtMs = enqueuedAtMs;
      this.#scoredAtMs = scoredAtMs;
      this.#modelMs = modelMs;
      const { enqueued, scored } = this.#wordings;
      const latencyMs = latencyOf(scoredAtMs, enqueuedAtMs);
      this.#ending = Buffer.from(
        endingJson(enqueued.iso(enqueuedAtMs), scored.iso(scoredAtMs), latencyMs, modelMs),
        'latin1',
      );
    }
    return this.#ending;
  }

  #idBytes(place: number): number {
    const run = this.#run;
    const parsed = run.parsed(place);
    return parsed === undefined ? run.idEnd(place) - run.idStart(place) : maxIdBytesOf(parsed.requestId);
  }

  #roomOf(row: number): number {
    const { answers, from, at } = this.#answers.of(row);
    return answers.room(row - from + at);
  }
}

/** A UTF-16 unit takes three bytes at most. */
function carriedBytes(run: Run, place: number): number {
  const carried = run.parsed(place)?.carried;
  return carried === undefined ? 0 : 3 * carriedJson(carried).length;
}

function writeAnswer({ answers, from, at: first }: PlacedAnswers, row: number, into: Buffer, start: number): number {
  const answerRow = row - from + first;
  const at = append(into, start, answers.heads[answers.headOf(answerRow)] as Buffer);
  return answers.writeRest(answerRow, into, at);
}

/** When the last of a request's instances was scored. @param listed see Run */
export function scoredAtMsOf(answers: AnswerTable, firstRow: number, listed: number): number {
  let scoredAtMs = 0;
  for (let row = firstRow; row < firstRow + Math.max(1, listed); row++) {
    scoredAtMs = Math.max(scoredAtMs, answers.of(row).scoredAtMs);
  }
  return scoredAtMs;
}

/** What the slices of a request's instances took in the model, milliseconds. */
export function modelMsOf(answers: AnswerTable, firstRow: number, listed: number): number {
  let modelMs = 0;
  let last: PlacedAnswers | undefined;
  for (let row = firstRow; row < firstRow + Math.max(1, listed); row++) {
    const placed = answers.of(row);
    if (placed !== last) modelMs += placed.computeMs;
    last = placed;
  }
  return modelMs;
}

/** As it stands in the event's body. */
function copyId(run: Run, place: number, { body }: Event, into: Buffer, start: number): number {
  const end = run.idEnd(place);
  let at = start;
  for (let i = run.idStart(place); i < end; i++) into[at++] = body[i] as number;
  return at;
}

/** Nothing where the request gave none. */
function writeId(id: RequestId | undefined, into: Buffer, start: number): number {
  if (id === undefined) return start;
  const plainEnd = typeof id === 'string' ? writePlain(id, into, start) : -1;
  return plainEnd >= 0 ? plainEnd : start + into.write(JSON.stringify(id), start, 'utf8');
}

/** A text of plain ASCII between quotes; -1 where it is none. */
function writePlain(text: string, into: Buffer, start: number): number {
  let at = start;
  into[at++] = QUOTE;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < SPACE || code > TILDE || code === QUOTE || code === BACKSLASH) return -1;
    into[at++] = code;
  }
  into[at++] = QUOTE;
  return at;
}
