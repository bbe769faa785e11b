import { PROPERTY_NAMES } from '../../property-names.ts';
import type { AmqpMap, AmqpValue } from './amqp-value.ts';
import type { ReceivedEvent } from './received-event.ts';

/** Where events came from. */
export interface PartitionContext {
  readonly fullyQualifiedNamespace: string;
  readonly eventHubName: string;
  readonly consumerGroup: string;
  readonly partitionId: string;
  readonly isCheckpointingAfterInvocation: boolean;
}

/**
 * `context.triggerMetadata` of a batch, key by key what the extension's binding data look like once host, gRPC and library
 * are through with them: strings that are JSON arrive parsed, events without a partition key leave no gap in
 * `partitionKeyArray`, first letters of keys are lower case. The arrays are built when they are first read.
 */
export function batchMetadata(events: readonly ReceivedEvent[], partition: PartitionContext): Record<string, unknown> {
  return lazily({
    triggerPartitionContext: () => ({ ...partition }),
    partitionContext: () => ({ ...partition }),
    partitionKeyArray: () =>
      events.filter(({ partitionKey }) => partitionKey).map(({ partitionKey }) => parsed(partitionKey as string)),
    offsetArray: () => events.map(({ offset }) => numericOffset(offset)),
    offsetStringArray: () => events.map(({ offset }) => parsed(offset)),
    sequenceNumberArray: () => events.map(({ sequenceNumber }) => sequenceNumber),
    enqueuedTimeUtcArray: () => events.map(({ enqueuedAtMs }) => unspecifiedTime(enqueuedAtMs)),
    propertiesArray: () => events.map(event => toJsonMap(event.applicationProperties())),
    systemPropertiesArray: () => events.map(systemProperties),
  });
}

/** The same for a function of cardinality one, with the fields of a body that is a JSON object. */
export function eventMetadata(
  event: ReceivedEvent,
  partition: PartitionContext,
  isText = false,
): Record<string, unknown> {
  const { partitionKey, offset, sequenceNumber, enqueuedAtMs } = event;
  return lazily({
    triggerPartitionContext: () => ({ ...partition }),
    partitionContext: () => ({ ...partition }),
    ...(partitionKey === undefined ? {} : { partitionKey: () => parsed(partitionKey) }),
    offset: () => numericOffset(offset),
    offsetString: () => parsed(offset),
    sequenceNumber: () => sequenceNumber,
    enqueuedTimeUtc: () => unspecifiedTime(enqueuedAtMs),
    properties: () => toJsonMap(event.applicationProperties()),
    systemProperties: () => systemProperties(event),
    ...(isText ? fieldsOf(event.body) : {}),
  });
}

function fieldsOf(body: Buffer): Record<string, () => unknown> {
  const value = body[0] === 0x7b ? parsed(body.toString()) : undefined;
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [camelCase(key), () => field]));
}

/** An object whose properties are computed on first reading, and plain data from then on. */
function lazily(values: Readonly<Record<string, () => unknown>>): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [key, compute] of Object.entries(values)) {
    const define = (value: unknown) => {
      Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
      return value;
    };
    Object.defineProperty(object, key, {
      get: () => define(compute()),
      set: define,
      enumerable: true,
      configurable: true,
    });
  }
  return object;
}

/** The AMQP properties that are set, every annotation, and under .NET names the four that the service adds. */
function systemProperties(event: ReceivedEvent): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const fields = event.properties();
  for (let i = 0; i < fields.length; i++) {
    const value = fields[i];
    const name = PROPERTY_NAMES[i];
    if (value === null || value === undefined || name === undefined) continue;
    if (name === 'user-id') result[name] = memoryOf(value);
    else if (value instanceof Date) result[name] = offsetTime(value.getTime());
    else result[name] = name.endsWith('-id') ? toText(toJson(value)) : toJson(value);
  }
  const annotations = event.annotations();
  for (const key in annotations) {
    const value = annotations[key];
    result[camelCase(key)] = key === 'x-opt-enqueued-time' ? offsetTime(event.enqueuedAtMs) : toJson(value ?? null);
  }
  result.sequenceNumber = event.sequenceNumber;
  result.offset = numericOffset(event.offset);
  result.offsetString = event.offset;
  result.partitionKey = event.partitionKey ?? null;
  result.enqueuedTimeUtc = unspecifiedTime(event.enqueuedAtMs);
  return result;
}

/** How .NET writes its ReadOnlyMemory of bytes. */
function memoryOf(value: AmqpValue): unknown {
  const length = Buffer.isBuffer(value) ? value.length : Buffer.byteLength(toText(toJson(value)));
  return { length, isEmpty: length === 0 };
}

/** An id may be anything a producer wrote, a map with a key `toString` among it. */
function toText(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function toJsonMap(map: AmqpMap): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const key in map) result[camelCase(key)] = toJson(map[key] ?? null);
  return result;
}

/** A value after .NET has written it as JSON and the library has parsed it. */
function toJson(value: AmqpValue): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return `${unspecifiedTime(value.getTime())}Z`;
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (Array.isArray(value)) return value.map(toJson);
  if ('descriptor' in value && 'value' in value) return toJson((value as { value: AmqpValue }).value);
  return toJsonMap(value as AmqpMap);
}

function camelCase(key: string): string {
  const first = key.charCodeAt(0);
  return first >= 65 && first <= 90
    ? String.fromCharCode(first + 32) + key.slice(1)
    : key.charAt(0).toLowerCase() + key.slice(1);
}

/** What JSON can begin with; a key that does not is left alone without the 9 µs that a failed JSON.parse takes. */
const JSON_START = /^[\s{["\-0-9tfn]/;

/** The library parses every string as JSON where it can. */
function parsed(text: string): unknown {
  if (!JSON_START.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function numericOffset(offset: string): number {
  return /^-?\d+$/.test(offset) ? Number(offset) : -1;
}

let lastMilliseconds = Number.NaN;
let lastTime = '';

/** A .NET DateTime of unspecified kind: no `Z`, no trailing zeros. Events that came together share theirs: writing one takes 1 µs. */
function unspecifiedTime(milliseconds: number): string {
  if (milliseconds !== lastMilliseconds) {
    lastMilliseconds = milliseconds;
    lastTime = new Date(milliseconds).toISOString().replace(/\.?0*Z$/, '');
  }
  return lastTime;
}

/** A .NET DateTimeOffset in UTC. */
function offsetTime(milliseconds: number): string {
  return `${unspecifiedTime(milliseconds)}+00:00`;
}
