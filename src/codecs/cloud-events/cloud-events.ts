import { type Codec, type Found, isPassedOver, type Undecoded } from '../../core/codec.ts';
import { asError, InfrastructureError, malformed, RequestError } from '../../core/errors.ts';
import type { Event } from '../../core/event.ts';
import type { InputMapping } from '../../core/input.ts';
import { nameOfType } from '../../core/words.ts';
import { checkCount, notJson } from '../event-json/event-json.ts';
import { isObject, type JsonObject } from '../event-json/shape.ts';
import { parseJson, readText } from '../text.ts';
import { binaryPrefix } from './attributes.ts';

/** Reads an event by the other formats. */
type Inner = (event: Event, input: InputMapping | undefined) => readonly Found[] | Promise<readonly Found[]>;

const STRUCTURED = /^\s*application\/cloudevents(-batch)?\+json\b/i;

/**
 * CloudEvents 1.0 in all three modes: structured, batched, and binary, whose attributes are application properties or Kafka headers. The data is read as an event by itself; a request without
 * an id has the CloudEvent's. Attributes are properties `ce_<name>` in every mode, for mappings.
 */
export function cloudEvents(inner: Inner): Codec {
  return {
    name: 'cloudevents',
    takes: event => isStructured(event) || binaryPrefix(event) !== undefined,
    decode(event, input) {
      if (!isStructured(event)) return withId(inner(inBinary(event), input), idIn(event));
      const text = readText(event.body);
      const value = parseJson(text);
      if (value === undefined)
        return [notJson('body', text, { event, numbers: undefined, index: undefined, text: undefined })];
      if (!Array.isArray(value)) return readOne(value, event, input, inner, false);
      checkCount(value.length);
      const all = value.map(item => readOne(item, event, input, inner, value.length > 1));
      return all.some(found => found instanceof Promise)
        ? Promise.all(all).then(found => found.flat())
        : (all as (readonly Found[])[]).flat();
    },
  };
}

function isStructured({ contentType }: Event): boolean {
  return contentType !== undefined && STRUCTURED.test(contentType);
}

function readOne(
  value: unknown,
  event: Event,
  input: InputMapping | undefined,
  inner: Inner,
  isPart: boolean,
): readonly Found[] | Promise<readonly Found[]> {
  try {
    if (!isObject(value)) throw malformed(`expected a CloudEvent, an object; got ${nameOfType(value)}`);
    if (typeof value.specversion !== 'string') throw malformed('the CloudEvent has no specversion');
    const found = inner(insideOf(value, event), input);
    const text = isPart ? () => JSON.stringify(withIdInside(value)) : undefined;
    const id = typeof value.id === 'string' ? value.id : undefined;
    const own = found instanceof Promise ? found.catch(thrown => [undecoded(thrown, value, isPart)]) : found;
    return withId(own, id, text);
  } catch (thrown) {
    return [undecoded(thrown, value, isPart)];
  }
}

/** @throws InfrastructureError: what cannot be read now must not end. */
function undecoded(thrown: unknown, value: unknown, isPart: boolean): Undecoded {
  if (thrown instanceof InfrastructureError) throw thrown;
  const id = isObject(value) && typeof value.id === 'string' ? value.id : undefined;
  const text = isPart ? () => JSON.stringify(value) : undefined;
  const error = thrown instanceof RequestError ? thrown : malformed(`the CloudEvent: ${asError(thrown).message}`);
  return { requestId: id, model: undefined, text, error };
}

/** The data as an event of its own. */
function insideOf(envelope: JsonObject, event: Event): Event {
  const { data, data_base64, datacontenttype, ...attributes } = envelope;
  const contentType = typeof datacontenttype === 'string' ? datacontenttype : undefined;
  const properties = { ...event.properties };
  for (const [name, value] of Object.entries(attributes)) properties[`ce_${name}`] = value;
  return {
    ...event,
    body: bytesOf(data, data_base64, contentType),
    contentType,
    contentEncoding: undefined,
    properties,
  };
}

function bytesOf(data: unknown, base64: unknown, contentType: string | undefined): Buffer {
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64');
  if (data === undefined) return Buffer.alloc(0);
  const isText = typeof data === 'string' && contentType !== undefined && !/\bjson\b/i.test(contentType);
  return Buffer.from(isText ? data : JSON.stringify(data));
}

function inBinary(event: Event): Event {
  const properties: Record<string, unknown> = {};
  const prefix = binaryPrefix(event) as string;
  for (const [name, value] of Object.entries(event.properties)) {
    properties[name.startsWith(prefix) ? `ce_${name.slice(prefix.length)}` : name] = value;
  }
  return { ...event, properties };
}

function idIn(event: Event): string | undefined {
  const id = event.properties[`${binaryPrefix(event)}id`];
  return id instanceof Uint8Array ? Buffer.from(id).toString('utf8') : typeof id === 'string' ? id : undefined;
}

/** The one request has the CloudEvent's id where it has none; several keep what they have. */
function withId(
  found: readonly Found[] | Promise<readonly Found[]>,
  id: string | undefined,
  text?: () => string,
): readonly Found[] | Promise<readonly Found[]> {
  if (found instanceof Promise) return found.then(all => withId(all, id, text));
  const [only] = found;
  if (found.length !== 1 || only === undefined || isPassedOver(only)) return found;
  return [{ ...only, requestId: only.requestId ?? id, text: only.text ?? text }];
}

/** A CloudEvent of several as a request of its own, for its dead letter. */
function withIdInside({ id, data, ...rest }: JsonObject): unknown {
  if (data === undefined) return { id, ...rest };
  return isObject(data) ? { request_id: id, ...data } : data;
}
