import { Histogram } from './histogram.ts';
import type { Family, MetricStore, Series } from './metric-store.ts';

export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * All metrics in Prometheus' text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). Our own few lines and not
 * @opentelemetry/exporter-prometheus: it brings a second copy of the metrics SDK and 50 ms of loading, for numbers that never pass through the SDK.
 */
export function renderPrometheus(store: MetricStore): string {
  return [...store.families()].map(renderFamily).join('');
}

function renderFamily(family: Family): string {
  const lines = [...family.series()].flatMap(series => renderSeries(family, series));
  if (lines.length === 0) return '';
  const { name, definition } = family;
  return `# HELP ${name} ${escapeHelp(definition.help)}\n# TYPE ${name} ${definition.kind}\n${lines.join('\n')}\n`;
}

function renderSeries({ name, definition }: Family, { labels, value }: Series): string[] {
  const pairs = definition.labels.map((label, i) => `${label}="${escapeLabel(labels[i] as string)}"`);
  if (!(value instanceof Histogram)) return [`${name}${braced(pairs)} ${number(value.value)}`];
  let cumulative = 0;
  const buckets = Array.from(value.counts, (count, i) => {
    cumulative += count;
    const bound = value.buckets.bounds[i];
    return `${name}_bucket${braced([...pairs, `le="${bound ?? '+Inf'}"`])} ${cumulative}`;
  });
  return [
    ...buckets,
    `${name}_sum${braced(pairs)} ${number(value.sum)}`,
    `${name}_count${braced(pairs)} ${cumulative}`,
  ];
}

const braced = (pairs: readonly string[]) => (pairs.length > 0 ? `{${pairs.join(',')}}` : '');

function number(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}

const escapeHelp = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
const escapeLabel = (text: string) => escapeHelp(text).replaceAll('"', '\\"');
