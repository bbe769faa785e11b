import { digitsOf, writeWhole } from '../../core/digits.ts';
import type { Event } from '../../core/event.ts';
import type { ResultBlock } from '../../core/result-block.ts';
import { latencyOf, type TimeFormat } from '../times.ts';
import { append, type SliceAnswers } from './answers.ts';
import type { FastPlan } from './plan.ts';

/** Ids as the scanner found them in the events' bodies. */
export interface ScannedIds {
  readonly starts: Uint32Array;
  /** 0: the request gave none. */
  readonly ends: Uint32Array;
  /** 1: a whole number, without quotes. */
  readonly numbers: Uint8Array;
}

/** A slice of the batch that the model has run over. */
export interface AnsweredSlice {
  readonly from: number;
  readonly answers: SliceAnswers;
  readonly computeMs: number;
}

const OPENING = Buffer.from('{"request_id":');
const ID = Buffer.from(',"result_id":"');
const QUOTE = 34;
/** Digits of the largest safe integer. */
const DIGITS = 16;

/**
 * Writes results as bytes, 200 ns each where a template of strings takes 560: what events share is copied, the request's id comes straight out
 * of its body, and the times are formatted once for all events that share them.
 */
export class ResultWriter implements ResultBlock {
  readonly events: readonly Event[];
  readonly model: string;
  readonly modelVersion: string;
  readonly resultIdPrefix: string;
  readonly maxBodyBytes: number;
  readonly #ids: ScannedIds;
  readonly #slices: readonly AnsweredSlice[];
  readonly #sliceRows: number;
  readonly #scoredAtMs: number;
  readonly #prefix: Buffer;
  readonly #enqueued: TimeFormat;
  readonly #scored: string;
  #digits = 0;
  /** By head of an answer: from behind the request's id through that head, with room for so many digits. */
  #middles: Buffer[] = [];
  #endOf: AnsweredSlice | undefined;
  #endEnqueuedAtMs = Number.NaN;
  #end = Buffer.alloc(0);

  constructor(
    plan: FastPlan,
    resultIdPrefix: string,
    batch: { readonly events: readonly Event[]; readonly ids: ScannedIds; readonly slices: readonly AnsweredSlice[] },
    scoredAtMs: number,
  ) {
    const { name, label } = plan.version;
    this.events = batch.events;
    this.model = name;
    this.modelVersion = label;
    this.resultIdPrefix = resultIdPrefix;
    this.#ids = batch.ids;
    this.#slices = batch.slices;
    this.#sliceRows = plan.sliceRows;
    this.#scoredAtMs = scoredAtMs;
    this.#enqueued = plan.times.enqueued;
    this.#scored = plan.times.scored.iso(scoredAtMs);
    this.#prefix = Buffer.from(resultIdPrefix);
    const { starts, ends } = batch.ids;
    let longestId = 0;
    for (let row = 0; row < starts.length; row++)
      longestId = Math.max(longestId, (ends[row] as number) - (starts[row] as number));
    this.maxBodyBytes =
      OPENING.length +
      ID.length +
      longestId +
      2 * (this.#prefix.length + DIGITS) +
      Math.max(...batch.slices.map(({ answers }) => answers.maxBytes)) +
      160; // times and latencies
  }

  latencyMs(row: number): number {
    return latencyOf(this.#scoredAtMs, (this.events[row] as Event).enqueuedAtMs);
  }

  writeBody(row: number, into: Buffer, start: number): number {
    const { body, sequenceNumber, enqueuedAtMs } = this.events[row] as Event;
    const digits = digitsOf(sequenceNumber);
    let at = append(into, start, OPENING);
    const { starts, ends, numbers } = this.#ids;
    const end = ends[row] as number;
    const quoted = numbers[row] === 0;
    if (quoted) into[at++] = QUOTE;
    if (end === 0) at = writeWhole(into, append(into, at, this.#prefix), sequenceNumber, digits);
    else for (let i = starts[row] as number; i < end; i++) into[at++] = body[i] as number;
    if (quoted) into[at++] = QUOTE;
    const slice = this.#slices[Math.floor(row / this.#sliceRows)] as AnsweredSlice;
    const { answers, from } = slice;
    const middle = this.#middle(answers.heads, answers.headOf(row - from), digits);
    into.set(middle, at);
    writeWhole(into, at + ID.length + this.#prefix.length, sequenceNumber, digits);
    at = answers.writeRest(row - from, into, at + middle.length);
    return append(into, at, this.#ending(slice, enqueuedAtMs));
  }

  /** Result id, model and version in one copy instead of three. */
  #middle(heads: readonly Buffer[], head: number, digits: number): Buffer {
    if (digits !== this.#digits) {
      this.#middles = heads.map(text => Buffer.concat([ID, this.#prefix, Buffer.alloc(digits), text]));
      this.#digits = digits;
    }
    return this.#middles[head] as Buffer;
  }

  #ending(slice: AnsweredSlice, enqueuedAtMs: number): Buffer {
    if (enqueuedAtMs !== this.#endEnqueuedAtMs || slice !== this.#endOf) {
      this.#endEnqueuedAtMs = enqueuedAtMs;
      this.#endOf = slice;
      this.#end = Buffer.from(
        `,"enqueued_at":"${this.#enqueued.iso(enqueuedAtMs)}","timestamp":"${this.#scored}"` +
          `,"latency_ms":${latencyOf(this.#scoredAtMs, enqueuedAtMs)},"model_ms":${Math.round(slice.computeMs * 1000) / 1000}}`,
        'latin1',
      );
    }
    return this.#end;
  }
}
