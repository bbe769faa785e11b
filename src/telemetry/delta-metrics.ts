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
import type { Histogram } from './histogram.ts';
import type { Cell, Family, MetricStore } from './metric-store.ts';

interface Interval {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
}

/** What was there when a series was sent last. */
interface Before {
  /** A counter's value, or a histogram's sum and count. */
  readonly values: Map<Cell | Histogram, Float64Array>;
  readonly buckets: Map<Histogram, Float64Array>;
  /** Of steady gauges, by name and labels. */
  readonly gauges: Map<string, number>;
}

/**
 * The store as an OpenTelemetry MetricProducer, the specification's door for numbers that were aggregated elsewhere: what was added
 * since the last collection, as Application Insights wants it. Series without news are left out, so an idle model costs no ingestion.
 * What costs many rows and is not read by the minute comes when a collection is whole: buckets, and steady gauges that have not changed.
 *
 * Application Insights keeps sum and count of a histogram and drops its buckets. They come once more as a counter `<name>_bucket` with
 * the attribute `le`: not cumulative, ready for KQL's `percentilesw`.
 */
export function createDeltaProducer(
  store: MetricStore,
  refresh: () => Promise<void>,
  resource: Resource,
  clock: Clock,
  isWhole: () => boolean = () => true,
): MetricProducer {
  const before: Before = { values: new Map(), buckets: new Map(), gauges: new Map() };
  let lastMs = clock();
  return {
    async collect(): Promise<CollectionResult> {
      await refresh();
      const nowMs = clock();
      const interval = { startTime: hrTime(lastMs), endTime: hrTime(nowMs) };
      lastMs = nowMs;
      const whole = isWhole();
      const metrics = [...store.families()]
        .flatMap(family => collectFamily(family, before, interval, whole))
        .filter(({ dataPoints }) => dataPoints.length > 0);
      return { resourceMetrics: { resource, scopeMetrics: [{ scope: { name: 'hubscore' }, metrics }] }, errors: [] };
    },
  };
}

function collectFamily(family: Family, before: Before, interval: Interval, whole: boolean): MetricData[] {
  const { kind } = family.definition;
  if (kind === 'histogram') return collectHistograms(family, before, interval, whole);
  if (kind === 'gauge') return [collectGauges(family, before, interval, whole)];
  const dataPoints = [...family.series()].flatMap(({ labels, value }) => {
    const [added = 0] = addedSince(before.values, value, Float64Array.of((value as Cell).value));
    return added === 0 ? [] : [{ ...interval, attributes: attributesOf(family, labels), value: added }];
  });
  return [sum(family.name, family, dataPoints)];
}

function collectGauges(family: Family, before: Before, interval: Interval, whole: boolean): MetricData {
  const dataPoints = [...family.series()].flatMap(({ labels, value: cell }) => {
    const { value } = cell as Cell;
    const key = [family.name, ...labels].join('\n');
    if (family.definition.steady && !whole && before.gauges.get(key) === value) return [];
    before.gauges.set(key, value);
    return [{ ...interval, attributes: attributesOf(family, labels), value }];
  });
  return { ...metric(family.name, family), dataPointType: DataPointType.GAUGE, dataPoints };
}

function collectHistograms(family: Family, before: Before, interval: Interval, isWhole: boolean): MetricData[] {
  const sums = [];
  const buckets: DataPoint<number>[] = [];
  for (const { labels, value } of family.series()) {
    const histogram = value as Histogram;
    const attributes = attributesOf(family, labels);
    const boundaries = [...histogram.buckets.bounds];
    const [added = 0, count = 0] = addedSince(before.values, value, Float64Array.of(histogram.sum, histogram.count));
    // Application Insights takes no buckets here, so there are none to be worked out.
    const point = { buckets: { boundaries: [], counts: [count] }, count, sum: added };
    if (count > 0) sums.push({ ...interval, attributes, value: point });
    if (!isWhole) continue;
    for (const [i, one] of addedSince(before.buckets, histogram, histogram.counts.slice()).entries()) {
      const le = String(boundaries[i] ?? '+Inf');
      if (one > 0) buckets.push({ ...interval, attributes: { ...attributes, le }, value: one });
    }
  }
  return [
    { ...metric(family.name, family), dataPointType: DataPointType.HISTOGRAM, dataPoints: sums },
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

function addedSince<Key>(before: Map<Key, Float64Array>, series: Key, now: Float64Array): Float64Array {
  const last = before.get(series);
  before.set(series, now);
  return last ? now.map((number, i) => number - (last[i] as number)) : now;
}

function hrTime(ms: number): HrTime {
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
}
