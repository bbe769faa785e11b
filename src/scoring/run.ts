import type { Decoded, Decoder } from '../core/codec.ts';
import { RequestError } from '../core/errors.ts';
import type { Event, EventBatch } from '../core/event.ts';
import type { Clock } from '../core/log.ts';
import type { ModelVersion } from '../core/model.ts';
import type { SliceTiming } from '../core/outcome.ts';
import type { Request } from '../core/request.ts';
import type { Route } from '../core/routing.ts';
import { toRequest } from './decode.ts';
import { Group, type Way } from './group.ts';

/** What a run needs besides its requests. */
export interface RunOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** For requests that name no time-out; undefined: none. */
  readonly requestTimeoutMs: number | undefined;
}

/** One pass of requests through the stages: what they are, the way each goes, where its instances stand. Columns by place, which is the requests' order. */
export class Run {
  readonly batch: EventBatch | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How many requests there are. */
  count = 0;
  /** By place: the event that carried it. */
  eventOf: Uint32Array;
  /** By place: the request as an object; undefined for one that was only scanned. */
  readonly parsed: (Request | undefined)[];
  /** By place, of scanned requests: where the id's JSON stands in the event's body; end 0 where it has none. */
  idStart: Uint32Array;
  idEnd: Uint32Array;
  /** By place; undefined until it is routed. */
  readonly ways: (Way | undefined)[];
  /** By place: the first of its instances among its group's rows. */
  firstRow: Uint32Array;
  /** By place: how many instances its list gave; 0 where it gave one instance, and no list. */
  listed: Uint32Array;
  /** By place, of those that end as dead letters. */
  readonly refusals = new Map<number, { readonly error: RequestError; readonly failedAtMs: number }>();
  readonly groups = new Map<ModelVersion, Group>();
  readonly slices: SliceTiming[] = [];
  readonly #decoder: Decoder | undefined;
  readonly requestTimeoutMs: number | undefined;
  /** What was enqueued before this had no time left when the run began, milliseconds since the epoch. */
  readonly lateBeforeMs: number;
  #hasDeadlines: boolean;
  #hasPriorities = false;

  /** @param expected how many requests there will be, about */
  constructor(options: RunOptions, expected: number, batch?: EventBatch, decoder?: Decoder) {
    this.parsed = new Array(expected);
    this.ways = new Array(expected);
    this.eventOf = new Uint32Array(expected);
    this.idStart = new Uint32Array(expected);
    this.idEnd = new Uint32Array(expected);
    this.firstRow = new Uint32Array(expected);
    this.listed = new Uint32Array(expected);
    this.clock = options.clock;
    this.signal = options.signal;
    this.batch = batch;
    this.#decoder = decoder;
    this.requestTimeoutMs = options.requestTimeoutMs;
    this.lateBeforeMs = options.clock() - (options.requestTimeoutMs ?? Number.POSITIVE_INFINITY);
    this.#hasDeadlines = options.requestTimeoutMs !== undefined;
  }

  /** A request as an object, carried by the event at this place of the batch; gives its own place. */
  add(request: Request, event: number): number {
    const place = this.#next(event);
    this.parsed[place] = request;
    if (request.timeoutMs !== undefined) this.#hasDeadlines = true;
    if (request.priority !== 1) this.#hasPriorities = true;
    return place;
  }

  /** A request that was scanned; gives its place. */
  addScanned(event: number, idStart: number, idEnd: number): number {
    const place = this.#next(event);
    this.idStart[place] = idStart;
    this.idEnd[place] = idEnd;
    return place;
  }

  refuse(place: number, error: RequestError): void {
    this.refusals.set(place, { error, failedAtMs: this.clock() });
  }

  /** A request whole; a scanned one is parsed for it. */
  request(place: number): Request {
    let request = this.parsed[place];
    if (request === undefined) {
      const event = this.event(place);
      // What a scanner has taken is one request, decoded without waiting.
      const [decoded] = this.#decoder?.decode(event) as readonly Decoded[];
      request = toRequest(decoded as Decoded, event, this.resultId(event), this.requestTimeoutMs);
      this.parsed[place] = request;
    }
    return request;
  }

  event(place: number): Event {
    return this.batch?.events[this.eventOf[place] as number] as Event;
  }

  /** The way of a route, among the requests that its version answers in this run. */
  wayOf(route: Route): Way {
    const { version } = route;
    let group = this.groups.get(version);
    if (group === undefined) {
      group = new Group(version, this.eventOf.length);
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

  /** Refuses a request whose time is up; true where it is. */
  refuseLate(place: number, nowMs: number): boolean {
    if (nowMs <= this.deadlineMs(place)) return false;
    const { timeoutMs, enqueuedAtMs } = this.#timesOf(place);
    const message = `timeout_ms is ${timeoutMs}; the request waited ${Math.round(nowMs - enqueuedAtMs)} ms`;
    this.refuse(place, new RequestError('deadline_exceeded', 'infer', message));
    return true;
  }

  #timesOf(place: number): { readonly timeoutMs: number | undefined; readonly enqueuedAtMs: number } {
    return this.parsed[place] ?? { timeoutMs: this.requestTimeoutMs, enqueuedAtMs: this.event(place).enqueuedAtMs };
  }

  priority(place: number): number {
    return this.parsed[place]?.priority ?? 1;
  }

  /** Of an event's one request. */
  resultId({ sequenceNumber }: Event): string {
    return `${this.batch?.hub}/${this.batch?.partition}/${sequenceNumber}`;
  }

  #next(event: number): number {
    if (this.count === this.eventOf.length) this.#grow(2 * this.count + 1);
    this.eventOf[this.count] = event;
    return this.count++;
  }

  #grow(size: number): void {
    this.eventOf = grown(this.eventOf, size);
    this.idStart = grown(this.idStart, size);
    this.idEnd = grown(this.idEnd, size);
    this.firstRow = grown(this.firstRow, size);
    this.listed = grown(this.listed, size);
  }
}

export function grown(column: Uint32Array, size: number): Uint32Array {
  const larger = new Uint32Array(size);
  larger.set(column);
  return larger;
}
