import type { Decoder, RequestScanner } from '../core/codec.ts';
import { RequestError } from '../core/errors.ts';
import type { Event, EventBatch } from '../core/event.ts';
import type { Clock } from '../core/log.ts';
import type { ModelVersion } from '../core/model.ts';
import type { SliceTiming } from '../core/outcome.ts';
import type { Request, RequestId } from '../core/request.ts';
import type { Route } from '../core/routing.ts';
import { Gaps } from './gaps.ts';
import { Group, type Way } from './group.ts';
import { toRequest } from './to-request.ts';

/** What a run needs besides its requests. */
export interface RunOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** For requests that name no time-out; undefined: none. */
  readonly requestTimeoutMs: number | undefined;
}

/** Where the ids of a scanned request stand in its event's body. */
export type Scanned = Pick<RequestScanner, 'idStart' | 'idEnd' | 'rowIdsStart' | 'rowIdsEnd'>;

/** Where a request has no instances among the rows. */
export const NO_ROW = 2 ** 32 - 1;

/** Why a request ends as a dead letter. */
export interface Refusal {
  readonly error: RequestError;
  readonly failedAtMs: number;
}

/** Numbers kept of a request, side by side: views on columns would take as long to make as filling them does. */
const CELLS = 5;
/** The bucket one higher: 0 where there is none. */
const [EVENT, ID_START, ID_END, FIRST_ROW, BUCKET] = [0, 1, 2, 3, 4];

/** One pass of requests through the stages: what they are, the way each goes, where its instances stand. Columns by place, which is the requests' order. */
export class Run {
  readonly batch: EventBatch | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How many requests there are. */
  count = 0;
  /** By place; undefined until it is routed. */
  readonly ways: (Way | undefined)[];
  /** No id's JSON is longer, bytes. */
  maxIdBytes = 0;
  /** By place, of those that end as dead letters. */
  readonly refusals = new Map<number, Refusal>();
  readonly groups = new Map<ModelVersion, Group>();
  readonly slices: SliceTiming[] = [];
  /** By event's place in the batch: how many of its records were passed over. */
  readonly passedOver = new Map<number, number>();
  readonly #parts: number[] = [];
  readonly #decoder: Decoder | undefined;
  readonly requestTimeoutMs: number | undefined;
  /** What was enqueued before this had no time left when the run began, milliseconds since the epoch. */
  readonly lateBeforeMs: number;
  #hasDeadlines: boolean;
  #hasPriorities = false;
  #firstDeadlineMs = Number.POSITIVE_INFINITY;
  #hasParts = false;
  #cells: Uint32Array;
  #listed: Uint32Array | undefined;
  /** Two numbers a request: where the ids of its rows stand in the event's body. */
  #rowIds: Uint32Array | undefined;
  #gaps: Map<number, Gaps> | undefined;
  #placesOf: Map<Group, Uint32Array> | undefined;
  #isOneToOne = true;
  #parsed: (Request | undefined)[] | undefined;

  /** @param expected how many requests there will be, about */
  constructor(options: RunOptions, expected: number, batch?: EventBatch, decoder?: Decoder) {
    this.ways = new Array(expected);
    this.#cells = new Uint32Array(expected * CELLS);
    this.clock = options.clock;
    this.signal = options.signal;
    this.batch = batch;
    this.#decoder = decoder;
    this.requestTimeoutMs = options.requestTimeoutMs;
    this.lateBeforeMs = options.clock() - (options.requestTimeoutMs ?? Number.POSITIVE_INFINITY);
    this.#hasDeadlines = options.requestTimeoutMs !== undefined;
  }

  /** A request as an object, carried by the event at this place of the batch, at `part` of its records (-1: as its only one); gives its own place. */
  add(request: Request, event: number, part = -1): number {
    const place = this.#next(event);
    if (part >= 0) this.#parts[place] = part;
    this.#keep(place, request);
    this.moveTo(place, NO_ROW);
    const idBytes = maxIdBytesOf(request.requestId);
    if (idBytes > this.maxIdBytes) this.maxIdBytes = idBytes;
    if (request.text !== undefined || request.carried !== undefined) this.#hasParts = true;
    if (request.timeoutMs !== undefined) {
      this.#hasDeadlines = true;
      this.#firstDeadlineMs = Math.min(this.#firstDeadlineMs, request.enqueuedAtMs + request.timeoutMs);
    }
    if (request.priority !== 1) this.#hasPriorities = true;
    return place;
  }

  /** A record of the event at this place of the batch is no request, and has no ending. */
  passOver(event: number): void {
    this.passedOver.set(event, (this.passedOver.get(event) ?? 0) + 1);
  }

  /** By place: which of its event's records it is, -1 where the event has but one; undefined where they follow each other. */
  get partOf(): Int32Array | undefined {
    if (this.passedOver.size === 0) return undefined;
    return Int32Array.from({ length: this.count }, (_, place) => this.#parts[place] ?? -1);
  }

  /** A request that was scanned: where the id's JSON stands in its event's body, end 0 where it has none; the way it goes, and its row. */
  addScanned(event: number, idStart: number, idEnd: number, way: Way, row: number): void {
    const place = this.#next(event);
    const cells = this.#cells;
    cells[place * CELLS + ID_START] = idStart;
    cells[place * CELLS + ID_END] = idEnd;
    cells[place * CELLS + FIRST_ROW] = row;
    this.ways[place] = way;
    if (this.requestTimeoutMs !== undefined) this.#firstDeadlineMs = Number.NEGATIVE_INFINITY; // not looked at
    if (idEnd - idStart > this.maxIdBytes) this.maxIdBytes = idEnd - idStart;
  }

  /** The same of a scanned pack, whose list of ids stands there in its event's body; end 0 where it has none. */
  addScannedPack(event: number, ids: Scanned, way: Way, row: number, rows: number): void {
    const place = this.count;
    this.addScanned(event, ids.idStart, ids.idEnd, way, row);
    this.list(place, rows);
    if (ids.rowIdsEnd === 0) return;
    this.#rowIds ??= new Uint32Array(2 * this.#capacity);
    this.#rowIds[2 * place] = ids.rowIdsStart;
    this.#rowIds[2 * place + 1] = ids.rowIdsEnd;
  }

  /** Of a scanned pack: where the list of its ids begins in the event's body, and ends; end 0 where it has none. */
  rowIdsStart(place: number): number {
    return this.#rowIds === undefined ? 0 : (this.#rowIds[2 * place] as number);
  }

  rowIdsEnd(place: number): number {
    return this.#rowIds === undefined ? 0 : (this.#rowIds[2 * place + 1] as number);
  }

  /** Of a scanned request: where the id's JSON stands in the event's body; end 0 where it has none. */
  idStart(place: number): number {
    return this.#cells[place * CELLS + ID_START] as number;
  }

  idEnd(place: number): number {
    return this.#cells[place * CELLS + ID_END] as number;
  }

  /** The first of its instances among its group's rows; NO_ROW while it has none. */
  firstRow(place: number): number {
    return this.#cells[place * CELLS + FIRST_ROW] as number;
  }

  /** Where its instances stand from now on. */
  moveTo(place: number, firstRow: number): void {
    this.#cells[place * CELLS + FIRST_ROW] = firstRow;
  }

  /** By place: the event that carried it. */
  get eventOf(): Uint32Array {
    const eventOf = new Uint32Array(this.count);
    for (let place = 0; place < this.count; place++) eventOf[place] = this.#cells[place * CELLS + EVENT] as number;
    return eventOf;
  }

  /** How many instances of a request's list are among the rows; 0 where it gave one instance, and no list. */
  listed(place: number): number {
    return this.#listed === undefined ? 0 : (this.#listed[place] as number);
  }

  list(place: number, instances: number): void {
    if (instances === 0 && this.#listed === undefined) return;
    this.#listed ??= new Uint32Array(this.#capacity);
    this.#listed[place] = instances;
  }

  /** What its key falls into; -1 where no rollout chose. */
  bucket(place: number): number {
    return (this.#cells[place * CELLS + BUCKET] as number) - 1;
  }

  keepBucket(place: number, bucket: number): void {
    this.#cells[place * CELLS + BUCKET] = bucket + 1;
  }

  /** What is missing of a pack; undefined where nothing is. */
  gaps(place: number): Gaps | undefined {
    return this.#gaps?.get(place);
  }

  /** The same, made where there is none yet. @param size instances of its list */
  gapsOf(place: number, size: number): Gaps {
    this.#gaps ??= new Map();
    let gaps = this.#gaps.get(place);
    if (gaps === undefined) {
      gaps = new Gaps(size);
      this.#gaps.set(place, gaps);
    }
    return gaps;
  }

  forgetGaps(place: number): void {
    this.#gaps?.delete(place);
  }

  /** Packs of which something is missing, in order. */
  get gappy(): readonly (readonly [place: number, gaps: Gaps])[] {
    return this.#gaps === undefined ? [] : [...this.#gaps].sort(([one], [other]) => one - other);
  }

  /** Whether every event of the batch carried exactly one request. */
  get isOneToOne(): boolean {
    return this.#isOneToOne && this.count === this.batch?.events.length && this.passedOver.size === 0;
  }

  /** The place of the request that a row of a group belongs to; once all are in. */
  placeOf(group: Group, row: number): number {
    let places = this.#placesOf?.get(group);
    if (places === undefined) {
      places = new Uint32Array(group.rows.count);
      for (let place = 0; place < this.count; place++) {
        if (this.ways[place]?.group !== group || this.firstRow(place) === NO_ROW) continue;
        const first = this.firstRow(place);
        places.fill(place, first, first + Math.max(1, this.listed(place)));
      }
      this.#placesOf ??= new Map();
      this.#placesOf.set(group, places);
    }
    return places[row] as number;
  }

  /** By row of a group: the places of requests whose way leads elsewhere. */
  lead(group: Group, places: readonly number[]): void {
    this.#placesOf ??= new Map();
    this.#placesOf.set(group, Uint32Array.from(places));
  }

  refuse(place: number, error: RequestError): void {
    this.refusals.set(place, { error, failedAtMs: this.clock() });
  }

  /** A request that came as an object; undefined for one that was only scanned. */
  parsed(place: number): Request | undefined {
    return this.#parsed?.[place];
  }

  /** Whether each is its event's only one and gives one instance, and no list. */
  get isSingle(): boolean {
    return !this.#hasParts && this.#listed === undefined;
  }

  #keep(place: number, request: Request): void {
    this.#parsed ??= new Array(this.#capacity);
    this.#parsed[place] = request;
  }

  /** A request whole; a scanned one is parsed for it. */
  request(place: number): Request {
    let request = this.parsed(place);
    if (request === undefined) {
      const event = this.event(place);
      const decoded = (this.#decoder as Decoder).decodeScanned(event);
      request = toRequest(decoded, event, this.resultId(event), this.requestTimeoutMs);
      this.#keep(place, request);
    }
    return request;
  }

  event(place: number): Event {
    return this.batch?.events[this.#cells[place * CELLS + EVENT] as number] as Event;
  }

  /** The way of a route, among the requests that its version answers in this run. */
  wayOf(route: Route): Way {
    const { version } = route;
    let group = this.groups.get(version);
    if (group === undefined) {
      group = new Group(version, this.#capacity);
      this.groups.set(version, group);
    }
    return group.wayOf(route);
  }

  /** Whether any request says when or how urgently it wants its answer. */
  get isParticular(): boolean {
    return this.#hasDeadlines || this.#hasPriorities;
  }

  /** Until when a request wants its answer, milliseconds since the epoch; infinite where it does not say. */
  deadlineMs(place: number): number {
    if (!this.#hasDeadlines) return Number.POSITIVE_INFINITY;
    const { timeoutMs, enqueuedAtMs } = this.#timesOf(place);
    return timeoutMs === undefined ? Number.POSITIVE_INFINITY : enqueuedAtMs + timeoutMs;
  }

  /** All that is asked is in time if it is there by then, milliseconds since the epoch; some may have longer. */
  get firstDeadlineMs(): number {
    return this.#firstDeadlineMs;
  }

  get hasPriorities(): boolean {
    return this.#hasPriorities;
  }

  get hasDeadlines(): boolean {
    return this.#hasDeadlines;
  }

  /**
   * Refuses a request whose time is up, or will be before it has its answer; true where it is so.
   * @param expectedMs what its answer takes at least @param toTheEnd it has been waited for, so that the last moment is too late as well
   */
  refuseLate(place: number, nowMs: number, expectedMs = 0, toTheEnd = false): boolean {
    const endsMs = nowMs + expectedMs;
    const deadlineMs = this.deadlineMs(place);
    if (endsMs < deadlineMs || (endsMs === deadlineMs && !toTheEnd)) return false;
    const wait = `the request waited ${Math.round(nowMs - this.#timesOf(place).enqueuedAtMs)} ms`;
    this.#refuseLate(place, nowMs > deadlineMs ? wait : `${wait}, and its answer takes ${expectedMs} ms or more`);
    return true;
  }

  /** Refuses a request that was answered too late. */
  refuseAnsweredLate(place: number, scoredAtMs: number): void {
    if (scoredAtMs <= this.deadlineMs(place)) return;
    const tookMs = Math.round(scoredAtMs - this.#timesOf(place).enqueuedAtMs);
    this.#refuseLate(place, `the answer was there after ${tookMs} ms`);
  }

  #refuseLate(place: number, why: string): void {
    const message = `timeout_ms is ${this.#timesOf(place).timeoutMs}; ${why}`;
    this.refuse(place, new RequestError('deadline_exceeded', 'infer', message));
  }

  #timesOf(place: number): { readonly timeoutMs: number | undefined; readonly enqueuedAtMs: number } {
    return this.parsed(place) ?? { timeoutMs: this.requestTimeoutMs, enqueuedAtMs: this.event(place).enqueuedAtMs };
  }

  priority(place: number): number {
    return this.parsed(place)?.priority ?? 1;
  }

  /** Of an event's one request. */
  resultId({ sequenceNumber }: Event): string {
    return `${this.batch?.hub}/${this.batch?.partition}/${sequenceNumber}`;
  }

  get #capacity(): number {
    return this.#cells.length / CELLS;
  }

  #next(event: number): number {
    const place = this.count++;
    if (place === this.#capacity) this.#grow(2 * place + 1);
    if (event !== place) this.#isOneToOne = false;
    this.#cells[place * CELLS + EVENT] = event;
    return place;
  }

  #grow(capacity: number): void {
    this.#cells = grown(this.#cells, capacity * CELLS);
    if (this.#listed !== undefined) this.#listed = grown(this.#listed, capacity);
    if (this.#rowIds !== undefined) this.#rowIds = grown(this.#rowIds, 2 * capacity);
  }
}

/** What a UTF-16 unit takes in JSON at most, `\\ud800`. */
const BYTES_A_UNIT = 6;

/** No less than the JSON of an id takes, bytes. */
export function maxIdBytesOf(id: RequestId | undefined): number {
  if (typeof id === 'string') return 2 + BYTES_A_UNIT * id.length;
  return id === undefined ? 0 : JSON.stringify(id).length;
}

function grown(column: Uint32Array, size: number): Uint32Array {
  const larger = new Uint32Array(size);
  larger.set(column);
  return larger;
}
