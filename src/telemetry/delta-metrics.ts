import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import type { Clock } from '../core/log.ts';
import { Histogram } from './histogram.ts';
import type { Cell, Family, MetricStore } from './metric-store.ts';

interface Interval {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
}

/** A series' numbers at the last collection: a counter's value, or a histogram's sum and then its buckets. */
type Before = Map<Cell | Histogram, Float64Array>;

/**
 * The store as an OpenTelemetry MetricProducer, the specification's door for numbers that were aggregated elsewhere: what was added
 * since the last collection, as Application Insights wants it. Series without news are left out, so an idle model costs no ingestion.
 *
 * Application Insights keeps sum and count of a histogram and drops its buckets. They come once more as a counter `<name>_bucket` with
 * the attribute `le`: not cumulative, ready for KQL's `percentilesw`.
 */
export function createDeltaProducer(
  store: MetricStore,
  refresh: () => Promise<void>,
  resource: Resource,
  clock: Clock,
): MetricProducer {
  const before: Before = new Map();
  let lastMs = clock();
  return {
    async collect(): Promise<CollectionResult> {
      await refresh();
      const nowMs = clock();
      const interval = { startTime: hrTime(lastMs), endTime: hrTime(nowMs) };
      lastMs = nowMs;
      const metrics = [...store.families()]
        .flatMap(family => collectFamily(family, before, interval))
        .filter(({ dataPoints }) => dataPoints.length > 0);
      return { resourceMetrics: { resource, scopeMetrics: [{ scope: { name: 'hubscore' }, metrics }] }, errors: [] };
    },
  };
}

function collectFamily(family: Family, before: Before, interval: Interval): MetricData[] {
  const { kind } = family.definition;
  if (kind === 'histogram') return collectHistograms(family, before, interval);
  const dataPoints = [...family.series()].flatMap(({ labels, value }) => {
    const attributes = attributesOf(family, labels);
    if (kind === 'gauge') return [{ ...interval, attributes, value: (value as Cell).value }];
    const [added = 0] = addedSince(before, value);
    return added === 0 ? [] : [{ ...interval, attributes, value: added }];
  });
  return kind === 'gauge'
    ? [{ ...metric(family.name, family), dataPointType: DataPointType.GAUGE, dataPoints }]
    : [sum(family.name, family, dataPoints)];
}

function collectHistograms(family: Family, before: Before, interval: Interval): MetricData[] {
  const whole = [];
  const buckets: DataPoint<number>[] = [];
  for (const { labels, value } of family.series()) {
    const [added = 0, ...counts] = addedSince(before, value);
    const count = counts.reduce((total, one) => total + one, 0);
    if (count === 0) continue;
    const attributes = attributesOf(family, labels);
    const boundaries = [...(value as Histogram).buckets.bounds];
    whole.push({ ...interval, attributes, value: { buckets: { boundaries, counts }, count, sum: added } });
    for (const [i, one] of counts.entries()) {
      const le = String(boundaries[i] ?? '+Inf');
      if (one > 0) buckets.push({ ...interval, attributes: { ...attributes, le }, value: one });
    }
  }
  return [
    { ...metric(family.name, family), dataPointType: DataPointType.HISTOGRAM, dataPoints: whole },
    sum(`${family.name}_bucket`, family, buckets),
  ];
}

function metric(name: string, { definition }: Family) {
  const descriptor = { name, description: definition.help, unit: definition.unit, valueType: ValueType.DOUBLE };
  return { descriptor, aggregationTemporality: AggregationTemporality.DELTA };
}

function sum(name: string, family: Family, dataPoints: DataPoint<number>[]): MetricData {
  return { ...metric(name, family), dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
}

function attributesOf({ definition }: Family, labels: readonly string[]): Attributes {
  return Object.fromEntries(definition.labels.map((label, i) => [label, labels[i]]));
}

function addedSince(before: Before, value: Cell | Histogram): Float64Array {
  const now = value instanceof Histogram ? Float64Array.of(value.sum, ...value.counts) : Float64Array.of(value.value);
  const last = before.get(value);
  before.set(value, now);
  return last ? now.map((number, i) => number - (last[i] as number)) : now;
}

function hrTime(ms: number): HrTime {
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
}
