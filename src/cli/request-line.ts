import { NumberSource } from '../codecs/event-json/number-source.ts';
import { whyNotJson } from '../core/json-fault.ts';
import { fromUtf8 } from '../core/utf8.ts';

/** One line of input, ready to be sent. */
export interface RequestLine {
  readonly lineNumber: number;
  readonly body: Buffer;
  readonly partitionKey: string | undefined;
  /** Of a line that may go into a pack: one request that gives its features, as one instance. */
  readonly row?: RequestRow | undefined;
}

/** A request as a row of a pack. */
export interface RequestRow {
  /** JSON of its id; undefined where it has none. */
  readonly id: string | undefined;
  readonly features: string;
  /** JSON of everything else, the same for all rows of a pack. */
  readonly rest: string;
}

/** A line that was not sent, and why. */
export interface BadLine {
  readonly lineNumber: number;
  readonly reason: string;
}

export interface LineOptions {
  /** Model for requests that name none. */
  readonly model?: string | undefined;
  /** Partition key: the name of a field of the request or of its features, or `=text` for the same key on every line. */
  readonly key?: string | undefined;
  /** Rows an event, at most; absent: a line is an event. */
  readonly pack?: number | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

const EXPECTED =
  'expected one request a line, such as {"model":"diabetes","features":[63,1,24.4,73,160,91.4,48,3,4.6,78]}';

export const NOT_UTF8 = 'not UTF-8 text; save it as UTF-8, or convert it (iconv -f WINDOWS-1252 -t UTF-8 FILE)';

/** Reads one line of a JSON lines file; undefined for an empty one. A line may also hold an array of requests, which travel as one event. */
export function readRequestLine(
  bytes: Uint8Array,
  lineNumber: number,
  options: LineOptions,
): RequestLine | BadLine | undefined {
  const text = fromUtf8(bytes);
  if (text === undefined) return { lineNumber, reason: NOT_UTF8 };
  const line = text.replace(/^\uFEFF/, '');
  const bare = line.trim();
  if (bare === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(bare);
  } catch {
    return { lineNumber, reason: `${whyNotJson('line', line)}; ${EXPECTED}` };
  }
  const requests: readonly unknown[] = Array.isArray(value) ? value : [value];
  for (const request of requests) {
    const fault = faultOf(request);
    if (fault) return { lineNumber, reason: `${fault}; ${EXPECTED}` };
  }
  if (requests.length === 0) return { lineNumber, reason: `an empty array; ${EXPECTED}` };
  const key = keyOf(requests[0] as Fields, options.key);
  if (key === undefined && options.key) {
    const next = `give a field that every line has, or --key ='${options.key}' for the same key on all`;
    return { lineNumber, reason: `no field ${options.key} to take the partition key from; ${next}` };
  }
  const whole = options.model ? withModel(value, options.model) : value;
  const body = options.model ? JSON.stringify(whole) : bare;
  const row = options.pack === undefined || Array.isArray(whole) ? undefined : rowOf(whole as Fields, bare);
  return { lineNumber, body: Buffer.from(body), partitionKey: key, row };
}

/** Undefined for what may be more than a row: an Open Inference request, one with ids of its own, lists in a list. */
function rowOf(request: Fields, json: string): RequestRow | undefined {
  const { request_id: id, features, ...rest } = request;
  if (features === undefined || features === null || 'ids' in rest || 'on_error' in rest) return undefined;
  if (Array.isArray(features) && typeof features[0] === 'object') return undefined; // it may be several instances already
  if (id !== undefined && id !== null && typeof id !== 'string' && typeof id !== 'number') return undefined;
  return { id: jsonOfId(id, json), features: JSON.stringify(features), rest: JSON.stringify(rest) };
}

/** A number digit by digit as it stands there. */
function jsonOfId(id: string | number | undefined | null, json: string): string | undefined {
  if (id === undefined || id === null) return undefined;
  if (typeof id === 'string' || Number.isSafeInteger(id)) return JSON.stringify(id);
  return new NumberSource(json).idAt(undefined) ?? JSON.stringify(id);
}

function faultOf(request: unknown): string | undefined {
  if (typeof request !== 'object' || request === null || Array.isArray(request)) {
    return `${JSON.stringify(request)?.slice(0, 40)} is no request`;
  }
  if ('features' in request || 'inputs' in request) return undefined;
  const fields = Object.keys(request).slice(0, 5).join(', ') || 'none';
  return `no field "features" (fields here: ${fields})`;
}

function keyOf(request: Fields, key: string | undefined): string | undefined {
  if (!key) return undefined;
  if (key.startsWith('=')) return key.slice(1);
  const features = request.features as Fields | null | undefined;
  const value = request[key] ?? (typeof features === 'object' ? features?.[key] : undefined);
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/** The model for those that name none: in `model`, or in `parameters.model` of an Open Inference Protocol request. */
function withModel(value: unknown, model: string): unknown {
  if (Array.isArray(value)) return value.map(request => withModel(request, model));
  const request = value as Fields;
  if ((request.model ?? undefined) !== undefined) return request;
  if (!('inputs' in request)) return { ...request, model };
  const parameters = (request.parameters ?? {}) as Fields;
  return { ...request, parameters: { model, ...parameters } };
}
