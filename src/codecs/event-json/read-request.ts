import type { DecodedRequest } from '../../core/codec.ts';
import { malformed, type RequestError } from '../../core/errors.ts';
import type { Event } from '../../core/event.ts';
import type { OnError, RequestId } from '../../core/request.ts';
import { NO_SEGMENTS } from '../../core/routing.ts';
import { fromUtf8 } from '../../core/utf8.ts';
import { nameOfType } from '../../core/words.ts';
import { openInference } from '../open-inference/open-inference.ts';
import { listOfRows } from './list-of-rows.ts';
import type { NumberSource } from './number-source.ts';
import { isObject, type JsonObject, type Shape } from './shape.ts';

/** Where a request was found. */
export interface Origin {
  readonly event: Event;
  /** See DecodedRequest. */
  readonly text: (() => string) | undefined;
  /** Where the exact text of a numeric id is to be had; `index`: of the request in an array. */
  readonly numbers: NumberSource | undefined;
  readonly index: number | undefined;
}

const request: Shape = {
  name: 'request',
  takes: body => body.features !== undefined && body.features !== null,
  id: body => body.request_id,
  features: body => body.features,
  parameters: () => undefined,
};

/** Every shape a single request may have; the first that takes an object reads it. */
const SHAPES: readonly Shape[] = [request, openInference];

/** @throws RequestError malformed_payload where the value is no request or a field has the wrong type. */
export function readRequest(value: unknown, origin: Origin): DecodedRequest {
  if (!isObject(value)) throw malformed(`expected a request, an object with features; got ${nameOfType(value)}`);
  const shape = SHAPES.find(candidate => candidate.takes(value));
  if (shape === undefined) throw malformed('the request has neither features nor inputs');
  const { event } = origin;
  const parameters = shape.parameters(value);
  const field = (name: string) => value[name] ?? parameters?.[name] ?? property(event, name);
  const ids = readIds(value.ids ?? parameters?.ids, origin);
  return {
    requestId: readId(shape.id(value), origin),
    model: readName('model', field('model')),
    modelVersion: readVersion(field('model_version')),
    features: ids === undefined ? shape.features(value) : listOfRows(shape.features(value), ids.length),
    ids,
    onError: readOnError(value.on_error ?? parameters?.on_error),
    priority: readNumber('priority', field('priority')),
    timeoutMs: readTimeout(value.timeout_ms ?? parameters?.timeout_ms),
    routingKey: readRoutingKey(field('routing_key')),
    segments: readSegments(field('segment')),
    text: origin.text,
  };
}

/** The id and the model of what may be no whole request, for its dead letter; whatever can be read. */
export function readHead(value: unknown, origin: Origin): Pick<DecodedRequest, 'requestId' | 'model'> {
  if (!isObject(value)) return { requestId: undefined, model: undefined };
  const model = readModel(value, origin);
  try {
    return { requestId: readId(value.request_id ?? (value.inputs ? value.id : undefined), origin), model };
  } catch {
    return { requestId: undefined, model };
  }
}

function readModel(value: JsonObject, { event }: Origin): string | undefined {
  try {
    const named = value.model ?? property(event, 'model');
    return typeof named === 'string' ? named : undefined;
  } catch {
    return undefined;
  }
}

/** An application property as a field's value: Kafka producers send theirs as bytes. @throws RequestError malformed_payload where they are no UTF-8. */
function property(event: Event, name: string): unknown {
  const value = event.properties[name];
  if (!(value instanceof Uint8Array)) return value;
  const text = fromUtf8(value);
  if (text === undefined) throw malformed(`the property ${name} is not UTF-8 text`);
  return text;
}

function readId(id: unknown, origin: Origin): RequestId | undefined {
  if (typeof id === 'string') return id;
  if (id === undefined || id === null) return undefined;
  if (typeof id !== 'number') throw mistyped('request_id', 'text or a number', id);
  return exact(id, () => origin.numbers?.idAt(origin.index));
}

/** A number digit by digit as it came. */
function exact(id: number, sourceOf: () => string | undefined): RequestId {
  const source = Number.isSafeInteger(id) ? undefined : sourceOf();
  return source === undefined || source === String(id) ? id : rawNumber(source);
}

function readIds(ids: unknown, { numbers, index }: Origin): readonly RequestId[] | undefined {
  if (ids === undefined || ids === null) return undefined;
  if (!Array.isArray(ids)) throw mistyped('ids', 'a list, an id a row', ids);
  return ids.map((id: unknown, row) => {
    if (typeof id === 'string') return id;
    if (typeof id === 'number') return exact(id, () => numbers?.rowIdAt(index, row));
    throw mistyped(`ids[${row}]`, 'text or a number', id);
  });
}

function readOnError(value: unknown): OnError | undefined {
  if (value === undefined || value === null) return undefined;
  if (value === 'refuse' || value === 'skip') return value;
  throw malformed('on_error takes "refuse" or "skip"');
}

/** `JSON.rawJSON`, which the language library of our TypeScript target does not declare yet. */
const { rawJSON: rawNumber } = JSON as unknown as { rawJSON(text: string): { readonly rawJSON: string } };

/** Names are echoed in every ending; longer ones are none. */
const MAX_NAME_LENGTH = 256;

function readName(name: string, value: unknown): string | undefined {
  if (typeof value === 'string' && value.length <= MAX_NAME_LENGTH) return value;
  if (typeof value === 'string') throw malformed(`${name} has ${value.length} characters; at most ${MAX_NAME_LENGTH}`);
  if (value === undefined || value === null) return undefined;
  throw mistyped(name, 'text', value);
}

/** A version may be a bare major number; 1.1 as a number is refused since 1.10 would read the same. */
function readVersion(value: unknown): string | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : readName('model_version', value);
}

/** Numbers of application properties often come as text. */
function readNumber(name: string, value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number === 'number' && Number.isFinite(number)) return number;
  throw mistyped(name, 'a number', value);
}

function readTimeout(value: unknown): number | undefined {
  const timeoutMs = readNumber('timeout_ms', value);
  if (timeoutMs !== undefined && timeoutMs < 0) throw malformed('timeout_ms is negative');
  return timeoutMs;
}

function readRoutingKey(value: unknown): string | undefined {
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw mistyped('routing_key', 'text', value);
}

function readSegments(value: unknown): readonly string[] {
  if (value === undefined || value === null) return NO_SEGMENTS;
  if (typeof value === 'string') return [value];
  if (Array.isArray(value) && value.every(segment => typeof segment === 'string')) return value;
  throw mistyped('segment', 'text or a list of texts', value);
}

function mistyped(name: string, takes: string, value: unknown): RequestError {
  return malformed(`${name} takes ${takes}; got ${nameOfType(value)}`);
}
