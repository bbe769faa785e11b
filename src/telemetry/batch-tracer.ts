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
import type { ScoredBatch } from '../core/scored-batch.ts';
import { codesOf, deadLettersOf } from './dead-letters.ts';
import { createRowBudget } from './row-budget.ts';

/** Links of a batch to its producers' spans, and spans of requests; a batch may have thousands of events. */
const MAX_LINKS = 32;
const MAX_REQUEST_SPANS = 16;
/** Rows that may come at once after a quiet time. */
const BURST_ROWS = 60;
const SAMPLED = 1;
/** Azure Monitor's exporter takes the name of a row in `requests` from here: of a span that no HTTP server made it takes no other. */
const OPERATION_NAME = 'ai.operation.name';

/** When things happened to a batch, milliseconds since the epoch. */
export interface BatchTiming {
  /** The function had the events. */
  readonly receivedAtMs: number;
  /** Every ending was acknowledged. */
  readonly sentAtMs: number;
}

/** Writes traces of batches after the fact: from the times they took, so that nothing is carried through scoring. */
export interface BatchTracer {
  /** @param invocation W3C traceparent of the host's invocation that brought the batch */
  trace(batch: EventBatch, scored: ScoredBatch, timing: BatchTiming, invocation?: string): void;
}

/**
 * A span a batch, the child of the host's invocation, linked to the spans of the producers that sampled theirs. For these requests a span in
 * the producer's own trace, from enqueued to acknowledged, that names the result; for dead letters one in any case. `rowsPerSecond` spans on
 * average, and as many again of batches with dead letters; of a batch all that are due or none.
 */
export function createBatchTracer(tracer: Tracer, rowsPerSecond: number, clock: Clock): BatchTracer {
  const budgets = {
    all: createRowBudget(rowsPerSecond, BURST_ROWS, clock),
    withDeadLetters: createRowBudget(rowsPerSecond, BURST_ROWS, clock),
  };
  return {
    trace(batch, scored, timing, invocation) {
      const dead = deadLettersOf(scored);
      const producers = sampledProducers(batch.events);
      const told = requestsToTell(scored, dead, producers);
      const budget = dead.length > 0 ? budgets.withDeadLetters : budgets.all;
      if (!budget.take(1 + told.length)) return;
      const links: Link[] = [...producers.values()].slice(0, MAX_LINKS).map(context => ({ context }));
      const around = { tracer, batch, scored, timing };
      const span = startBatch(around, dead, links, parseTraceparent(invocation));
      for (const ending of told) {
        traceRequest(around, ending, producers.get(scored.event(ending)), span.spanContext());
      }
      span.end(timing.sentAtMs);
    },
  };
}

interface Around {
  readonly tracer: Tracer;
  readonly batch: EventBatch;
  readonly scored: ScoredBatch;
  readonly timing: BatchTiming;
}

function startBatch(
  { tracer, batch, scored, timing }: Around,
  dead: readonly number[],
  links: Link[],
  invocation: SpanContext | undefined,
) {
  const name = `process ${batch.hub}`;
  const attributes: Attributes = {
    [OPERATION_NAME]: name,
    ...messaging(batch),
    'messaging.batch.message_count': batch.events.length,
    'hubscore.first_sequence_number': batch.events[0]?.sequenceNumber,
    'hubscore.results': scored.length - dead.length,
    'hubscore.dead_letters': dead.length,
    ...(dead.length > 0 && { 'hubscore.dead_letter_codes': JSON.stringify(codesOf(scored, dead)) }),
  };
  const parent = invocation ? trace.setSpanContext(ROOT_CONTEXT, invocation) : ROOT_CONTEXT;
  const options = { kind: SpanKind.CONSUMER, startTime: timing.receivedAtMs, attributes, links };
  return tracer.startSpan(name, options, parent);
}

/** Dead letters first, then requests of the producers that trace. */
function requestsToTell(
  scored: ScoredBatch,
  dead: readonly number[],
  producers: ReadonlyMap<Event, SpanContext>,
): number[] {
  const told = new Set(dead.slice(0, MAX_REQUEST_SPANS));
  for (let ending = 0; ending < scored.length && producers.size > 0 && told.size < MAX_REQUEST_SPANS; ending++) {
    if (producers.has(scored.event(ending))) told.add(ending);
  }
  return [...told];
}

/** In the producer's trace, linked to the batch; without one in the batch's own. */
function traceRequest(
  { tracer, batch, scored, timing }: Around,
  ending: number,
  producer: SpanContext | undefined,
  whole: SpanContext,
): void {
  const { model, modelVersion, kind } = scored.arm(ending);
  const code = scored.arm(ending).code(scored.rowOf(ending));
  const name = `score ${model ?? 'request'}`;
  const attributes: Attributes = {
    [OPERATION_NAME]: name,
    ...messaging(batch),
    'messaging.message.id': scored.resultId(ending),
    'hubscore.model': model,
    'hubscore.model_version': modelVersion,
    'hubscore.outcome': kind,
  };
  const startTime = scored.event(ending).enqueuedAtMs;
  const links: Link[] = producer ? [{ context: whole }] : [];
  const options = { kind: SpanKind.CONSUMER, startTime, attributes, links };
  const span = tracer.startSpan(name, options, trace.setSpanContext(ROOT_CONTEXT, producer ?? whole));
  // `error.type` is the convention, and Azure Monitor's exporter leaves it out.
  if (code) span.setAttributes({ 'error.type': code, 'hubscore.code': code }).setStatus({ code: SpanStatusCode.ERROR });
  span.end(Math.max(startTime, timing.sentAtMs));
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
