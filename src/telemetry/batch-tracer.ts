import {
  type Attributes,
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { Event, EventBatch } from '../core/event.ts';
import type { Clock } from '../core/log.ts';
import type { Outcome } from '../core/outcome.ts';
import type { ScoredBatch } from '../core/scored-batch.ts';

/** Links of a batch to its producers' spans, and spans of requests; a batch may have thousands of events. */
const MAX_LINKS = 32;
const MAX_REQUEST_SPANS = 16;
const SAMPLED = 1;

/** When things happened to a batch, milliseconds since the epoch. */
export interface BatchTiming {
  /** The function had the events. */
  readonly receivedAtMs: number;
  /** Every ending was acknowledged. */
  readonly sentAtMs: number;
}

/** Writes traces of batches after the fact: from the times they took, so that nothing is carried through scoring. */
export interface BatchTracer {
  trace(batch: EventBatch, scored: ScoredBatch, timing: BatchTiming): void;
}

/**
 * A span a batch, linked to the spans of the producers that sampled theirs; and for these requests a span in the producer's own trace, from
 * enqueued to acknowledged, that names the result. At most `batchesPerSecond` batches are traced.
 */
export function createBatchTracer(tracer: Tracer, batchesPerSecond: number, clock: Clock): BatchTracer {
  let second = 0;
  let traced = 0;
  function isDue(): boolean {
    const now = Math.floor(clock() / 1000);
    if (now !== second) traced = 0;
    second = now;
    return traced++ < batchesPerSecond;
  }
  return {
    trace(batch, scored, timing) {
      if (isDue()) traceBatch(tracer, batch, scored, timing);
    },
  };
}

function traceBatch(tracer: Tracer, batch: EventBatch, scored: ScoredBatch, timing: BatchTiming): void {
  const producers = sampledProducers(batch.events);
  const links: Link[] = [...producers.values()].slice(0, MAX_LINKS).map(context => ({ context }));
  const deadLetters = countDeadLetters(scored);
  const attributes: Attributes = {
    ...messaging(batch),
    'messaging.batch.message_count': batch.events.length,
    'hubscore.first_sequence_number': batch.events[0]?.sequenceNumber,
    'hubscore.results': scored.length - deadLetters,
    'hubscore.dead_letters': deadLetters,
  };
  const options = { kind: SpanKind.CONSUMER, startTime: timing.receivedAtMs, attributes, links };
  const span = tracer.startSpan(`process ${batch.hub}`, options, ROOT_CONTEXT);
  let requests = 0;
  for (let ending = 0; ending < scored.length && producers.size > 0; ending++) {
    const producer = producers.get(scored.event(ending));
    if (producer === undefined) continue;
    traceRequest(tracer, batch, scored.outcome(ending), { producer, batch: span.spanContext(), timing });
    if (++requests === MAX_REQUEST_SPANS) break;
  }
  span.end(timing.sentAtMs);
}

function countDeadLetters(scored: ScoredBatch): number {
  let count = 0;
  if (scored.arms.every(({ kind }) => kind === 'result')) return count;
  for (let ending = 0; ending < scored.length; ending++) if (scored.arm(ending).kind === 'dead-letter') count++;
  return count;
}

function traceRequest(
  tracer: Tracer,
  batch: EventBatch,
  outcome: Outcome,
  { producer, ...around }: { producer: SpanContext; batch: SpanContext; timing: BatchTiming },
): void {
  const attributes: Attributes = {
    ...messaging(batch),
    'messaging.message.id': outcome.resultId,
    'hubscore.model': outcome.model,
    'hubscore.model_version': outcome.modelVersion,
    'hubscore.outcome': outcome.kind,
  };
  const startTime = outcome.event.enqueuedAtMs;
  const options = { kind: SpanKind.CONSUMER, startTime, attributes, links: [{ context: around.batch }] };
  const span = tracer.startSpan(
    `score ${outcome.model ?? 'request'}`,
    options,
    trace.setSpanContext(ROOT_CONTEXT, producer),
  );
  if (outcome.code) span.setAttribute('error.type', outcome.code).setStatus({ code: SpanStatusCode.ERROR });
  span.end(Math.max(startTime, around.timing.sentAtMs));
}

/** OpenTelemetry's semantic conventions for messaging. */
function messaging({ hub, partition, consumerGroup }: EventBatch): Attributes {
  return {
    'messaging.system': 'eventhubs',
    'messaging.operation.type': 'process',
    'messaging.operation.name': 'process',
    'messaging.destination.name': hub,
    'messaging.destination.partition.id': partition,
    'messaging.consumer.group.name': consumerGroup,
  };
}

function sampledProducers(events: readonly Event[]): Map<Event, SpanContext> {
  const producers = new Map<Event, SpanContext>();
  for (const event of events) {
    const context = parseTraceparent(traceparentOf(event));
    if (context && (context.traceFlags & SAMPLED) === SAMPLED) producers.set(event, context);
    if (producers.size === MAX_LINKS) break;
  }
  return producers;
}

/** The Azure SDKs write `Diagnostic-Id`, which the Functions worker gives on with a small first letter. */
function traceparentOf({ properties }: Event): unknown {
  return properties.traceparent ?? properties['Diagnostic-Id'] ?? properties['diagnostic-Id'];
}

/** W3C Trace Context, version 00 and later ones that begin as it does. Kafka headers come as bytes. Anything else is no context. */
export function parseTraceparent(value: unknown): SpanContext | undefined {
  const text = value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value;
  if (typeof text !== 'string') return undefined;
  const match = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(text);
  if (!match) return undefined;
  const [, traceId = '', spanId = '', flags = '00'] = match;
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(context) ? context : undefined;
}
