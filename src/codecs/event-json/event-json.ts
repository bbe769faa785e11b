import { asError, RequestError } from '../../core/errors.ts';
import type { Event, EventBatch } from '../../core/event.ts';
import type { EventRequest, RequestId } from '../../core/request.ts';
import { bodyText } from './body-text.ts';
import { NumberSource } from './number-source.ts';
import { malformed, type Origin, readHead, readRequest } from './read-request.ts';

/** What an event carried where a request was expected. */
export interface Undecoded {
  readonly event: Event;
  readonly resultId: string;
  readonly requestId: RequestId | undefined;
  readonly model: string | undefined;
  readonly text: (() => string) | undefined;
  readonly error: RequestError;
}

export type Decoded = EventRequest | Undecoded;

export function isRequest(decoded: Decoded): decoded is EventRequest {
  return !('error' in decoded);
}

/** A small body can hold half a million empty lists, each of which would end as a dead letter of its own. */
const MAX_REQUESTS_PER_EVENT = 10_000;

/** What an event's text may be, tried in this order; undefined: not that. */
const CONTAINERS: readonly ((text: string, origin: Origin) => Decoded[] | undefined)[] = [readJson, readJsonLines];

/** Every event's requests, in order; what is no request comes as `Undecoded`. At least one of them for every event. */
export function decode(batch: EventBatch, defaultTimeoutMs: number | undefined): readonly Decoded[] {
  const decoded: Decoded[] = [];
  const prefix = `${batch.hub}/${batch.partition}/`;
  for (const event of batch.events) {
    const resultId = prefix + event.sequenceNumber;
    const origin = { event, resultId, text: undefined, numbers: undefined, index: undefined, defaultTimeoutMs };
    for (const item of decodeEvent(origin)) decoded.push(item);
  }
  return decoded;
}

function decodeEvent(origin: Origin): readonly Decoded[] {
  try {
    const text = bodyText(origin.event);
    for (const read of CONTAINERS) {
      const decoded = read(text, origin);
      if (decoded !== undefined) return decoded;
    }
    throw malformed(text.trim() === '' ? 'the event is empty' : whyNotJson('body', text));
  } catch (thrown) {
    return [undecoded(thrown, undefined, origin)];
  }
}

/** One request, or an array of requests. */
function readJson(text: string, whole: Origin): Decoded[] | undefined {
  const value = parseJson(text);
  if (value === undefined) return undefined;
  const origin = { ...whole, numbers: new NumberSource(text) };
  if (!Array.isArray(value)) return [readOne(value, origin)];
  checkCount(value.length);
  return value.map((item, index) => {
    if (value.length === 1) return readOne(item, { ...origin, index });
    const resultId = `${whole.resultId}/${index}`;
    return readOne(item, { ...origin, resultId, index, text: () => JSON.stringify(item) });
  });
}

/** Several lines of which the first looks like an object: a broken one among them is a dead letter of its own. */
function readJsonLines(text: string, whole: Origin): Decoded[] | undefined {
  const lines: string[] = [];
  for (const line of linesOf(text)) {
    if (lines.length === 0 && !/^\{.*\}$/.test(line.trim())) return undefined;
    if (lines.push(line) > MAX_REQUESTS_PER_EVENT) checkCount(lines.length);
  }
  if (lines.length < 2) return undefined;
  return lines.map((line, index) => {
    const resultId = `${whole.resultId}/${index}`;
    const origin = { ...whole, resultId, text: () => line, numbers: new NumberSource(line) };
    const value = parseJson(line);
    return value === undefined
      ? undecoded(malformed(whyNotJson('line', line)), undefined, origin)
      : readOne(value, origin);
  });
}

/** Lines that are not blank, one by one: a text can have millions. */
function* linesOf(text: string): Iterable<string> {
  for (let from = 0; from < text.length; ) {
    const newline = text.indexOf('\n', from);
    const to = newline < 0 ? text.length : newline;
    const line = text.slice(from, to);
    if (line.trim() !== '') yield line;
    from = to + 1;
  }
}

function readOne(value: unknown, origin: Origin): Decoded {
  try {
    return readRequest(value, origin);
  } catch (thrown) {
    return undecoded(thrown, value, origin);
  }
}

function undecoded(thrown: unknown, value: unknown, origin: Origin): Undecoded {
  const cause = asError(thrown);
  const error =
    cause instanceof RequestError ? cause : new RequestError('unexpected', 'decode', cause.message, { cause });
  const { event, resultId, text } = origin;
  return { event, resultId, text, error, ...readHead(value, origin) };
}

function checkCount(count: number): void {
  if (count === 0) throw malformed('the event holds no request');
  if (count > MAX_REQUESTS_PER_EVENT) {
    throw malformed(`the event holds more than ${MAX_REQUESTS_PER_EVENT} requests`);
  }
}

/** Undefined where the text is no JSON, which JSON itself cannot say. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The parser's own message quotes the payload; its position alone does not. */
function whyNotJson(what: string, text: string): string {
  try {
    JSON.parse(text);
  } catch (thrown) {
    const position = /position \d+/.exec(asError(thrown).message)?.[0];
    return `the ${what} is not JSON${position ? ` (${position})` : ''}`;
  }
  return `the ${what} is not JSON`;
}
