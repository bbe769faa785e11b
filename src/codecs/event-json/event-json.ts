import type { Codec, Decoded, Undecoded } from '../../core/codec.ts';
import { asError, malformed, RequestError } from '../../core/errors.ts';
import { repairJson, whyNotJson } from '../../core/json-fault.ts';
import { parseJson, readText } from '../text.ts';
import { NumberSource } from './number-source.ts';
import { type Origin, readHead, readRequest } from './read-request.ts';

/** A small body can hold half a million empty lists, each of which would end as a dead letter of its own. */
export const MAX_REQUESTS_PER_EVENT = 10_000;

/** One request as JSON, or an array of requests. Takes every event: what is neither is told so. */
export const eventJson: Codec = {
  name: 'event-json',
  takes: () => true,
  decode(event) {
    const text = readText(event.body);
    const value = parseJson(text);
    if (value === undefined)
      return [notJson('body', text, { event, numbers: undefined, index: undefined, text: undefined })];
    const numbers = new NumberSource(text);
    if (!Array.isArray(value)) return [readOne(value, { event, numbers, index: undefined, text: undefined })];
    checkCount(value.length);
    return value.map((item, index) =>
      readOne(item, { event, numbers, index, text: value.length === 1 ? undefined : () => JSON.stringify(item) }),
    );
  },
};

export function readOne(value: unknown, origin: Origin): Decoded {
  try {
    return readRequest(value, origin);
  } catch (thrown) {
    return undecoded(thrown, value, origin);
  }
}

/** What is no JSON, with the id and the model that can be read from it all the same. */
export function notJson(what: string, text: string, origin: Origin): Undecoded {
  const why = text.trim() === '' ? 'the event is empty' : whyNotJson(what, text);
  const repaired = repairJson(text);
  return undecoded(malformed(why), parseJson(repaired), { ...origin, numbers: new NumberSource(repaired) });
}

function undecoded(thrown: unknown, value: unknown, origin: Origin): Undecoded {
  const cause = asError(thrown);
  const error =
    cause instanceof RequestError ? cause : new RequestError('unexpected', 'decode', cause.message, { cause });
  return { text: origin.text, error, ...readHead(value, origin) };
}

/** @throws RequestError malformed_payload where an event holds no request, or too many. */
export function checkCount(count: number): void {
  if (count === 0) throw malformed('the event holds no request');
  if (count > MAX_REQUESTS_PER_EVENT) {
    throw malformed(`the event holds more than ${MAX_REQUESTS_PER_EVENT} requests`);
  }
}
