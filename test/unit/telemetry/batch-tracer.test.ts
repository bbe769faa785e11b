import { SpanStatusCode } from '@opentelemetry/api';
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { describe, expect, it } from 'vitest';
import { createBatchTracer, parseTraceparent } from '../../../src/telemetry/batch-tracer.ts';
import { batch, deadLetter, event, result, scored } from './scored.ts';

const NOW_MS = 1_800_000_000_000;
const traceId = (n: number) => n.toString(16).padStart(32, 'a');
const traceparent = (n: number, flags = '01') => `00-${traceId(n)}-00f067aa0ba902b7-${flags}`;
const timing = { receivedAtMs: NOW_MS, sentAtMs: NOW_MS + 20 };

function create(rowsPerSecond = 5) {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    sampler: new AlwaysOnSampler(),
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  let nowMs = NOW_MS;
  const tracer = createBatchTracer(provider.getTracer('test'), rowsPerSecond, () => nowMs);
  return { tracer, spans: () => exporter.getFinishedSpans(), pass: (ms: number) => (nowMs += ms) };
}

describe('batch tracer', () => {
  it('goes from the producer through the batch to the result', () => {
    const { tracer, spans } = create();
    const events = [event(7, NOW_MS - 90, { traceparent: traceparent(1) }), event(8, NOW_MS - 10)];
    const outcomes = [result(events[0]!, 95), result(events[1]!, 15)];
    tracer.trace(...scored(batch(events), outcomes, []), timing);

    const [request, whole] = spans();
    expect(spans()).toHaveLength(2);
    expect(whole?.name).toBe('process inference-requests');
    expect(whole?.links.map(link => link.context.traceId)).toEqual([traceId(1)]);
    expect(whole?.attributes).toMatchObject({
      'messaging.destination.partition.id': '2',
      'messaging.batch.message_count': 2,
      'hubscore.results': 2,
    });
    expect(request?.spanContext().traceId).toBe(traceId(1));
    expect(request?.parentSpanContext?.spanId).toBe('00f067aa0ba902b7');
    expect(request?.links[0]?.context.spanId).toBe(whole?.spanContext().spanId);
    expect(request?.attributes['messaging.message.id']).toBe('inference-requests/2/7');
    expect(request?.duration).toEqual([0, 110_000_000]);
  });

  it('marks a dead letter by its code and bears no payload', () => {
    const { tracer, spans } = create();
    const one = event(7, NOW_MS, { 'diagnostic-Id': Buffer.from(traceparent(3)) });
    tracer.trace(...scored(batch([one]), [deadLetter(one, 'schema_mismatch', 'churn')], []), timing);
    const [request, whole] = spans();
    expect(request?.status.code).toBe(SpanStatusCode.ERROR);
    expect(request?.attributes['error.type']).toBe('schema_mismatch');
    expect(whole?.attributes['hubscore.dead_letters']).toBe(1);
    expect(JSON.stringify(spans().map(({ name, attributes }) => [name, attributes]))).not.toContain('secret');
  });

  it('leaves out producers that did not sample', () => {
    const { tracer, spans } = create();
    const one = event(7, NOW_MS, { traceparent: traceparent(1, '00') });
    const outcomes = [result(one, 1)];
    tracer.trace(...scored(batch([one]), outcomes, []), timing);
    expect(spans()).toHaveLength(1);
    expect(spans()[0]?.links).toEqual([]);
  });

  it('names its rows as Azure Monitor reads names', () => {
    const { tracer, spans } = create();
    const one = event(7, NOW_MS, { traceparent: traceparent(1) });
    tracer.trace(...scored(batch([one]), [result(one, 1)], []), timing);
    expect(spans().map(({ name, attributes }) => [name, attributes['ai.operation.name']])).toEqual([
      ['score diabetes', 'score diabetes'],
      ['process inference-requests', 'process inference-requests'],
    ]);
  });

  it('makes the batch a child of the invocation that brought it, and leaves requests with their producers', () => {
    const { tracer, spans } = create();
    const one = event(7, NOW_MS, { traceparent: traceparent(1) });
    tracer.trace(...scored(batch([one]), [result(one, 1)], []), timing, traceparent(9, '00'));
    const [request, whole] = spans();
    expect(whole?.spanContext().traceId).toBe(traceId(9));
    expect(whole?.parentSpanContext?.spanId).toBe('00f067aa0ba902b7');
    expect(request?.spanContext().traceId).toBe(traceId(1));
  });

  it('counts the codes of dead letters on the batch, and tells of one without a trace of its producer in the trace of the batch', () => {
    const { tracer, spans } = create();
    const events = [7, 8, 9].map(sequence => event(sequence, NOW_MS));
    const outcomes = [
      deadLetter(events[0]!, 'schema_mismatch', 'churn'),
      result(events[1]!, 1),
      deadLetter(events[2]!, 'unknown_model'),
    ];
    tracer.trace(...scored(batch(events), outcomes, []), timing);
    const [first, second, whole] = spans();
    expect(spans()).toHaveLength(3);
    expect(whole?.attributes['hubscore.dead_letter_codes']).toBe('{"schema_mismatch":1,"unknown_model":1}');
    expect(first?.attributes).toMatchObject({
      'messaging.message.id': 'inference-requests/2/7',
      'hubscore.code': 'schema_mismatch',
    });
    expect(second?.name).toBe('score request');
    for (const one of [first, second]) {
      expect(one?.spanContext().traceId).toBe(whole?.spanContext().traceId);
      expect(one?.parentSpanContext?.spanId).toBe(whole?.spanContext().spanId);
    }
  });

  it('is bounded in a batch and by its rows: all of a batch or none', () => {
    const { tracer, spans, pass } = create(2);
    const events = Array.from({ length: 256 }, (_, i) => event(i, NOW_MS, { traceparent: traceparent(i + 1) }));
    const many = scored(
      batch(events),
      events.map(one => result(one, 1)),
      [],
    );
    for (let i = 0; i < 10; i++) tracer.trace(...many, timing);
    const batches = () => spans().filter(({ name }) => name.startsWith('process'));
    expect(batches()).toHaveLength(3); // 60 rows may come at once
    expect(batches()[0]?.links).toHaveLength(32);
    expect(spans().length - batches().length).toBe(3 * 16);
    pass(3000); // 9 + 6
    tracer.trace(...many, timing);
    expect(batches()).toHaveLength(3);
    pass(1000);
    tracer.trace(...many, timing);
    expect(batches()).toHaveLength(4);
  });

  it('has room for dead letters, whatever else is traced', () => {
    const { tracer, spans } = create(0.05);
    const one = event(7, NOW_MS);
    for (let i = 0; i < 100; i++) tracer.trace(...scored(batch([one]), [result(one, 1)], []), timing);
    expect(spans()).toHaveLength(60);
    tracer.trace(...scored(batch([one]), [deadLetter(one, 'unknown_model')], []), timing);
    expect(spans()).toHaveLength(62);
  });

  it('traces nothing where it may send no row', () => {
    const { tracer, spans, pass } = create(0);
    const one = event(7, NOW_MS);
    pass(3_600_000);
    tracer.trace(...scored(batch([one]), [deadLetter(one, 'unknown_model')], []), timing);
    expect(spans()).toEqual([]);
  });

  it.each([
    ['no text', 7],
    ['of zeros', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
    ['of a forbidden version', `ff-${traceId(1)}-00f067aa0ba902b7-01`],
    ['cut off', `00-${traceId(1)}-00f067aa0ba9`],
    ['in capitals', traceparent(1).toUpperCase()],
  ])('takes a traceparent %s for none', (_, value) => {
    expect(parseTraceparent(value)).toBeUndefined();
  });

  it('reads a traceparent of a later version by what it knows', () => {
    expect(parseTraceparent(`01-${traceId(1)}-00f067aa0ba902b7-01-more`)?.traceId).toBe(traceId(1));
  });
});
