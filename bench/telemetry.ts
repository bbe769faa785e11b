/**
 * What telemetry costs an event: our own counters, filled a batch at a time, beside `histogram.record` of the OpenTelemetry SDK for
 * every event. Run: node bench/telemetry.ts
 */
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import type { Event, EventBatch } from '../src/core/event.ts';
import type { Outcome } from '../src/core/outcome.ts';
import { ScoredBatch } from '../src/core/scored-batch.ts';
import { createTelemetry } from '../src/telemetry/telemetry.ts';
import { compare, record } from './harness.ts';

const SIZE = 256;
const NOW_MS = Date.now();

class IdleReader extends MetricReader {
  protected async onShutdown() {}
  protected async onForceFlush() {}
}

const events: Event[] = Array.from({ length: SIZE }, (_, i) => ({
  body: Buffer.alloc(0),
  sequenceNumber: i,
  enqueuedAtMs: NOW_MS - 200 + (i % 100),
  partitionKey: undefined,
  contentType: undefined,
  contentEncoding: undefined,
  properties: {},
}));
const batch: EventBatch = { hub: 'inference-requests', consumerGroup: 'inference-consumer', partition: '0', events };
const outcomes: Outcome[] = events.map(event => ({
  kind: 'result',
  event,
  resultId: `inference-requests/0/${event.sequenceNumber}`,
  requestId: undefined,
  model: 'diabetes',
  modelVersion: '1.1.0+a1b2c3d4',
  variant: undefined,
  body: event.body,
  code: undefined,
  latencyMs: NOW_MS - event.enqueuedAtMs,
}));
const slices = [{ model: 'diabetes', modelVersion: '1.1.0+a1b2c3d4', instances: SIZE, computeMs: 0.03 }];
const scored = ScoredBatch.of(batch, outcomes, slices);

const telemetry = createTelemetry({
  connectionString: undefined,
  authentication: undefined,
  tracesPerSecond: 5,
  clock: Date.now,
  log: console,
});

const meter = new MeterProvider({ readers: [new IdleReader()] }).getMeter('bench');
const requests = meter.createCounter('inference_requests_total');
const latency = meter.createHistogram('inference_latency_seconds');
const queue = meter.createHistogram('inference_queue_seconds');
const endToEnd = meter.createHistogram('inference_end_to_end_seconds');

const comparison = await compare(
  [
    {
      name: 'our counters',
      run() {
        telemetry.recordBatch(batch, scored, { receivedAtMs: NOW_MS, sentAtMs: NOW_MS + 5 });
        return SIZE;
      },
    },
    {
      name: 'OpenTelemetry record',
      run() {
        for (const { model, modelVersion, latencyMs, event } of outcomes) {
          const attributes = { model, version: modelVersion };
          requests.add(1, { ...attributes, outcome: 'result' });
          latency.record(latencyMs / 1000, attributes);
          queue.record((NOW_MS - event.enqueuedAtMs) / 1000, attributes);
          endToEnd.record((NOW_MS + 5 - event.enqueuedAtMs) / 1000, attributes);
        }
        return SIZE;
      },
    },
  ],
  9,
  200,
);
await telemetry.close();
console.log(comparison);
console.log(record('telemetry', comparison));
