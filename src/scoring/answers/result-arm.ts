import { digitsOf, writeWhole } from '../../core/digits.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { Event } from '../../core/event.ts';
import type { RowCounts } from '../../core/outcome.ts';
import type { RequestId } from '../../core/request.ts';
import type { RolloutMark } from '../../core/routing.ts';
import type { Arm } from '../../core/scored-batch.ts';
import { latencyOf } from '../../core/times.ts';
import type { Way } from '../group.ts';
import { maxIdBytesOf, type Run } from '../run.ts';
import { append } from './answer-columns.ts';
import type { AnswerTable, PlacedAnswers } from './answer-table.ts';
import { modelMsOf, scoredAtMsOf } from './pack-answers.ts';
import { carriedJson, endingJson, flagsJson, OPENING, quote, RESULT_ID } from './result-json.ts';
import type { Wording, Wordings } from './wordings.ts';
import { copyId, writeId } from './write-id.ts';
import { roomForPack, roomOf, writeAnswer, writePack } from './write-pack.ts';

const QUOTE = 34;
/** Room for longer ids is made for each by itself. */
const MAX_ID_BYTES = 4_096;
/** Digits of the largest safe integer, and of the place among an event's requests. */
const DIGITS = 16 + 6;
/** Times, latencies and what stands between the parts. */
const FRAME_BYTES = 256;

const opening = Buffer.from(OPENING);

/**
 * The results of requests that went one way, written as bytes: 200 ns each where a template of strings takes 560. What they share is copied, and the times are
 * formatted once for all that share them. A row is its request's place in the run.
 */
export class ResultArm implements Arm {
  readonly kind = 'result';
  readonly model: string;
  readonly modelVersion: string;
  readonly variant: string | undefined;
  readonly rollout: RolloutMark | undefined;
  readonly fallback: boolean;
  readonly #run: Run;
  readonly #way: Way;
  readonly #cached: boolean;
  readonly isSingle: boolean;
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

  constructor(run: Run, way: Way, cached: boolean, resultIdPrefix: string) {
    const { group, route, degraded } = way;
    const { name, label } = group.version;
    this.model = name;
    this.modelVersion = label;
    this.variant = route.variant;
    this.rollout = route.rollout;
    this.fallback = route.fallback;
    this.#run = run;
    this.#way = way;
    this.#cached = cached;
    this.isSingle = run.isSingle;
    this.#answers = group.answers;
    this.#wordings = group.plan.wordings;
    this.#wording = this.#wordings.of(resultIdPrefix, flagsJson(route, { cached, degraded }));
    const { prefix, about } = this.#wording;
    this.#fixedBytes = 2 * (prefix.length + DIGITS) + about.length + FRAME_BYTES;
    const { maxRoom } = group.answers;
    const isBounded = maxRoom !== undefined && run.isSingle && run.maxIdBytes < MAX_ID_BYTES;
    this.maxBytes = isBounded ? this.#fixedBytes + run.maxIdBytes + maxRoom : undefined;
  }

  /** Whether it is that of a way's results. @param cached those without inference */
  is(way: Way, cached: boolean): boolean {
    return way === this.#way && cached === this.#cached;
  }

  requestId(place: number): RequestId | undefined {
    const run = this.#run;
    const parsed = run.parsed(place);
    if (parsed !== undefined) return parsed.requestId;
    const end = run.idEnd(place);
    return end === 0 ? undefined : JSON.parse(run.event(place).body.toString('latin1', run.idStart(place), end));
  }

  text(place: number): (() => string) | undefined {
    return this.#run.parsed(place)?.text;
  }

  code(): ErrorCode | undefined {
    return undefined;
  }

  bucket(place: number): number {
    return this.rollout === undefined ? -1 : this.#run.bucket(place);
  }

  latencyMs(place: number): number {
    const run = this.#run;
    return latencyOf(scoredAtMsOf(run, this.#way, place), run.event(place).enqueuedAtMs);
  }

  maxBodyBytes(place: number): number {
    const run = this.#run;
    const first = run.firstRow(place);
    const listed = run.listed(place);
    const bytes = this.#fixedBytes + this.#idBytes(place) + carriedBytes(run, place);
    return bytes + (listed === 0 ? roomOf(this.#answers, first) : roomForPack(run, this.#way, place));
  }

  /** How many instances it answers, or passes over. */
  sizeOf(place: number): number {
    const run = this.#run;
    return run.gaps(place)?.size ?? Math.max(1, run.listed(place));
  }

  rowCounts(place: number): RowCounts {
    const skipped = this.#run.gaps(place)?.errors.size ?? 0;
    return { answered: this.sizeOf(place) - skipped, skipped };
  }

  /** How many instances of a pack would fit, were it no longer than that; undefined where it is no pack. @param scratch as large as the body */
  rowsWithin(place: number, scratch: Buffer, maxBytes: number): number | undefined {
    if (this.#run.listed(place) === 0) return undefined;
    const ends: number[] = [];
    const start = writePack(this.#run, this.#way, place, scratch, 0, ends);
    const bytes = this.writeBody(place, scratch, 0);
    const others = bytes - start;
    return ends.findLastIndex(end => others + end <= maxBytes) + 1;
  }

  writeBody(place: number, into: Buffer, start: number): number {
    const run = this.#run;
    const event = run.event(place);
    const { sequenceNumber, enqueuedAtMs } = event;
    const digits = digitsOf(sequenceNumber, this.#digits || 1);
    const idAt = append(into, start, opening);
    const parsed = run.parsed(place);
    if (parsed?.carried !== undefined || (!this.isSingle && (parsed?.text !== undefined || run.listed(place) > 0)))
      return this.#writeUnusual(place, event, into, idAt);
    const firstRow = run.firstRow(place);
    const first = this.#answers.of(firstRow);
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
  #writeUnusual(place: number, event: Event, into: Buffer, start: number): number {
    const run = this.#run;
    const way = this.#way;
    const parsed = run.parsed(place);
    const resultId = quote(parsed?.resultId ?? run.resultId(event));
    let at = parsed === undefined ? copyId(run, place, event, into, start) : writeId(parsed.requestId, into, start);
    if (at === start) at += into.write(resultId, at);
    at += into.write(`${RESULT_ID}${resultId}`, at);
    at = append(into, at, this.#wording.about);
    const from = run.firstRow(place);
    if (run.listed(place) > 0) at = writePack(run, way, place, into, at);
    else at = writeAnswer(this.#answers.of(from), from, into, at);
    if (parsed?.carried !== undefined) at += into.write(carriedJson(parsed.carried), at);
    const ending = this.#endingOf(event.enqueuedAtMs, scoredAtMsOf(run, way, place), modelMsOf(run, way, place));
    return append(into, at, ending);
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
}

/** A UTF-16 unit takes three bytes at most. */
function carriedBytes(run: Run, place: number): number {
  const carried = run.parsed(place)?.carried;
  return carried === undefined ? 0 : 3 * carriedJson(carried).length;
}
