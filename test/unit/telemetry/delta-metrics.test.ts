import { resourceFromAttributes } from '@opentelemetry/resources';
import type { MetricData } from '@opentelemetry/sdk-metrics';
import { describe, expect, it } from 'vitest';
import { createDeltaProducer } from '../../../src/telemetry/delta-metrics.ts';
import { MetricStore } from '../../../src/telemetry/metric-store.ts';

function create(isWhole?: () => boolean) {
  const store = new MetricStore();
  let nowMs = 1_800_000_000_000;
  const producer = createDeltaProducer(
    store,
    async () => {},
    resourceFromAttributes({}),
    () => nowMs,
    isWhole,
  );
  return {
    store,
    async collect(): Promise<Map<string, MetricData>> {
      nowMs += 60_000;
      const { resourceMetrics } = await producer.collect();
      const metrics = resourceMetrics.scopeMetrics.flatMap(scope => scope.metrics);
      return new Map(metrics.map(metric => [metric.descriptor.name, metric]));
    },
  };
}

describe('delta producer', () => {
  it('gives what was added since the last collection', async () => {
    const { store, collect } = create();
    const counter = store.of('hubscore_ledger_skipped_total', '0');
    counter.value = 5;
    await collect();
    counter.value = 12;
    const [point] = (await collect()).get('hubscore_ledger_skipped_total')?.dataPoints ?? [];
    expect(point).toMatchObject({ value: 7, attributes: { partition: '0' }, startTime: [1_800_000_060, 0] });
  });

  it('does the same for sum, count and buckets', async () => {
    const { store, collect } = create();
    const histogram = store.of('hubscore_event_batch_size');
    histogram.observe(3);
    await collect();
    histogram.observe(4);
    histogram.observe(9999);
    const metrics = await collect();
    expect(metrics.get('hubscore_event_batch_size')?.dataPoints[0]?.value).toMatchObject({ count: 2, sum: 10_003 });
    const buckets = metrics.get('hubscore_event_batch_size_bucket')?.dataPoints ?? [];
    expect(buckets.map(({ attributes, value }) => [attributes.le, value])).toEqual([
      ['4', 1],
      ['+Inf', 1],
    ]);
  });

  it('gives buckets, and gauges that stand still, when a collection is whole, and loses none between', async () => {
    let whole = true;
    const { store, collect } = create(() => whole);
    const histogram = store.of('hubscore_event_batch_size');
    const breaker = store.of('hubscore_breaker_state', 'results');
    const lag = store.of('hubscore_partition_lag_events', '0');
    lag.value = 7;
    histogram.observe(3);
    await collect();
    whole = false;
    histogram.observe(3);
    expect([...(await collect()).keys()]).toEqual(['hubscore_event_batch_size', 'hubscore_partition_lag_events']);
    breaker.value = 2;
    expect((await collect()).get('hubscore_breaker_state')?.dataPoints).toMatchObject([{ value: 2 }]);
    histogram.observe(4);
    whole = true;
    const metrics = await collect();
    expect(metrics.get('hubscore_event_batch_size')?.dataPoints[0]?.value).toMatchObject({ count: 1, sum: 4 });
    expect(metrics.get('hubscore_event_batch_size_bucket')?.dataPoints).toMatchObject([{ value: 2 }]);
    expect(metrics.get('hubscore_breaker_state')?.dataPoints).toMatchObject([{ value: 2 }]);
  });

  it('leaves out series without news, but not gauges', async () => {
    const { store, collect } = create();
    store.of('inference_requests_total', 'churn', '1.0.0', 'result').value = 5;
    store.of('inference_latency_seconds', 'churn', '1.0.0').observe(0.5);
    store.of('hubscore_model_loaded', 'churn', '1.0.0').value = 1;
    await collect();
    expect([...(await collect()).keys()]).toEqual(['hubscore_model_loaded']);
  });
});
