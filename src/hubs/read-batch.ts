import { InfrastructureError } from '../core/errors.ts';
import type { Event, EventBatch } from '../core/event.ts';
import { readKafkaKey, withKafkaHeaders } from './kafka-headers.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The functions host's batch (`cardinality: many`, `dataType: binary`) as events.
 *
 * The host's metadata lies in places: `partitionKeyArray` drops nulls, so it is misaligned; sequence numbers are numbers or
 * `{low, high}` by worker version; times have no `Z` though they are UTC. So key, number and time are taken from
 * `systemPropertiesArray[i]`, and from the other arrays only where they have one element for every event.
 *
 * @throws InfrastructureError where an event's partition, sequence number or time cannot be told: a guess could lose or repeat events.
 */
export function readBatch(
  bodies: unknown,
  metadata: unknown,
  source: { readonly hub: string; readonly consumerGroup: string },
): EventBatch {
  if (!Array.isArray(bodies)) {
    throw new InfrastructureError(
      `the trigger gave ${typeof bodies} where an array of events is expected: cardinality must be many`,
    );
  }
  const fields = asFields(metadata);
  const count = bodies.length;
  const partition = partitionOf(fields);
  const system = alignedArray(fields.systemPropertiesArray, count);
  const properties = alignedArray(fields.propertiesArray, count);
  /** From one of the other arrays; hosts may build them only once they are read, and mostly they are not. */
  const other = (name: string, i: number) => alignedArray(fields[name], count)?.[i];
  const readTime = timeReader();
  const events = new Array<Event>(count);
  let previous = -1;
  for (let i = 0; i < count; i++) {
    const body: unknown = bodies[i];
    if (!Buffer.isBuffer(body)) {
      throw new InfrastructureError(
        `event ${i} came as ${typeof body}, not as bytes: the trigger needs dataType binary`,
      );
    }
    const own = asFields(system?.[i]);
    const sequenceNumber = wholeNumber(
      own.sequenceNumber ?? own['x-opt-sequence-number'] ?? other('sequenceNumberArray', i),
    );
    const enqueuedAtMs = readTime(
      own.enqueuedTimeUtc ?? own['x-opt-enqueued-time'] ?? other('enqueuedTimeUtcArray', i),
    );
    if (sequenceNumber === undefined || enqueuedAtMs === undefined) {
      throw new InfrastructureError(
        `the host's metadata has no usable ${sequenceNumber === undefined ? 'sequence number' : 'enqueued time'} for event ${i} of ${count} ` +
          `of partition ${partition}: ${lengthsOf(fields)}`,
      );
    }
    if (sequenceNumber <= previous) {
      throw new InfrastructureError(
        `the host's batch of partition ${partition} is not ascending: sequence number ${sequenceNumber} follows ${previous}`,
      );
    }
    previous = sequenceNumber;
    const kafkaKey = own['x-opt-kafka-key'];
    events[i] = {
      body,
      sequenceNumber,
      enqueuedAtMs,
      partitionKey: asText(
        own.partitionKey ??
          own['x-opt-partition-key'] ??
          readKafkaKey(kafkaKey) ??
          (own.partitionKey === undefined ? other('partitionKeyArray', i) : undefined),
      ),
      contentType: asText(own['content-type'] ?? own.contentType),
      contentEncoding: asText(own['content-encoding'] ?? own.contentEncoding),
      correlationId: asText(own['correlation-id'] ?? own.correlationId),
      properties: withKafkaHeaders(asFields(properties?.[i]), kafkaKey !== undefined && kafkaKey !== null),
      system: own,
    };
  }
  return { hub: source.hub, consumerGroup: source.consumerGroup, partition, events };
}

const NOTHING: Fields = Object.freeze({});

function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : NOTHING;
}

/** Newer hosts say `triggerPartitionContext` beside `partitionContext`. */
function partitionOf(fields: Fields): string {
  const context = asFields(fields.triggerPartitionContext ?? fields.partitionContext);
  const partition = context.partitionId;
  if (typeof partition === 'string' || typeof partition === 'number') return String(partition);
  throw new InfrastructureError(
    `the host's metadata names no partition (partitionContext.partitionId); it has ${Object.keys(fields).join(', ') || 'nothing'}`,
  );
}

/** An array whose i-th element can be trusted to belong to the i-th event. */
function alignedArray(value: unknown, count: number): readonly unknown[] | undefined {
  return Array.isArray(value) && value.length === count ? value : undefined;
}

/** A number, its text, or protobuf's `{low, high}`. */
function wholeNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined;
  if (typeof value === 'string') return value.trim() === '' ? undefined : wholeNumber(Number(value));
  if (typeof value === 'bigint') return wholeNumber(Number(value));
  const { low, high } = asFields(value);
  if (typeof low === 'number' && typeof high === 'number') return wholeNumber(high * 2 ** 32 + (low >>> 0));
  return undefined;
}

/** Events that arrived together share their time's text, so the last one parsed is kept: parsing is the dearest thing here. */
function timeReader(): (value: unknown) => number | undefined {
  let lastText = '';
  let lastTime: number | undefined;
  return value => {
    if (typeof value === 'string') {
      if (value !== lastText) {
        lastText = value;
        lastTime = parseTime(value);
      }
      return lastTime;
    }
    if (value instanceof Date) return value.getTime();
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
  };
}

/** ISO 8601 with any number of fraction digits; without a zone it is UTC. */
function parseTime(text: string): number | undefined {
  const zoned = /(?:Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`;
  const time = Date.parse(zoned);
  return Number.isNaN(time) ? undefined : time;
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function lengthsOf(fields: Fields): string {
  return ['systemPropertiesArray', 'sequenceNumberArray', 'enqueuedTimeUtcArray', 'propertiesArray']
    .map(name => {
      const value = fields[name];
      return `${name} ${Array.isArray(value) ? `has ${value.length}` : 'is absent'}`;
    })
    .join(', ');
}
