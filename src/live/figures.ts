import { Counts } from '../sweep/counts.ts';
import { WINDOW_MS } from '../sweep/fold.ts';
import { addTo, type Histogram, quantile } from '../sweep/histogram.ts';
import type { ShortWindow } from '../sweep/partition-state.ts';
import { firstHourOf, HOUR_MS, hourOf, type SweptHour } from './last-day.ts';

/** Windows of ten seconds that a chart has. */
const STEPS = 360;

/** Counts of the last 24 windows of an hour and of the one that is open, for the page. Durations in milliseconds. */
export function figuresOf(hours: readonly SweptHour[], nowMs: number) {
  const byVersion = new Map<string, { name: string; version: string; counts: Counts; lately: Histogram }>();
  const deadLetters = new Map<string, number>();
  const latencies: Histogram = new Map();
  const lately = hourOf(nowMs) - HOUR_MS;
  for (const { atMs, groups } of hours)
    for (const { group, counts } of groups) {
      const { model: name, version } = group;
      const key = `${name}\n${version}`;
      const model = byVersion.get(key) ?? { name, version, counts: new Counts(), lately: new Map() };
      byVersion.set(key, model);
      model.counts.add(counts);
      for (const [code, many] of counts.deadLetters) deadLetters.set(code, (deadLetters.get(code) ?? 0) + many);
      if (atMs < lately) continue;
      for (const [bucket, many] of counts.latencies) {
        addTo(model.lately, bucket, many);
        addTo(latencies, bucket, many);
      }
    }
  return {
    since: new Date(firstHourOf(nowMs)).toISOString(),
    /** Of what was enqueued and scored in this hour and the one before. */
    latency: percentiles(latencies),
    models: [...byVersion.values()]
      .map(({ name, version, counts, lately }) => ({
        name,
        ...(version !== '' && { version }),
        ...{ requests: counts.requests, results: counts.results, dead_letters: counts.requests - counts.results },
        ...(counts.errors > 0 && { errors: counts.errors }),
        ...(counts.fallbacks > 0 && { fallbacks: counts.fallbacks }),
        ...(counts.degraded > 0 && { degraded: counts.degraded }),
        ...(counts.cached > 0 && { cached: counts.cached }),
        ...(lately.size > 0 && { latency: percentiles(lately) }),
        ...(counts.confidences.some(many => many > 0) && { confidence: counts.confidences }),
      }))
      .sort((one, other) => other.requests - one.requests || compare(one, other)),
    dead_letters: [...deadLetters]
      .map(([code, count]) => ({ code, count }))
      .sort((one, other) => other.count - one.count || (one.code < other.code ? -1 : 1)),
  };
}

interface Named {
  readonly name: string;
  readonly version?: string;
}
const compare = (one: Named, other: Named) =>
  `${one.name}\n${one.version}` < `${other.name}\n${other.version}` ? -1 : 1;

function percentiles(histogram: Histogram) {
  const [p50_ms, p95_ms, p99_ms] = [0.5, 0.95, 0.99].map(share => quantile(histogram, share));
  return { p50_ms, p95_ms, p99_ms };
}

/** A line of a chart: `counts[i]` came in the window `at + i`. */
interface Series {
  readonly at: number;
  readonly counts: readonly number[];
}

/** Endings by windows of ten seconds up to the newest there is, an hour at most, by model and version, and dead letters of all. */
export function ratesOf(short: readonly ShortWindow[]) {
  const newestMs = Math.max(0, ...short.map(({ atMs }) => atMs));
  const fromMs = newestMs - (STEPS - 1) * WINDOW_MS;
  const lines = new Map<string, Named & { readonly counts: number[] }>();
  const deadLetters = new Array<number>(STEPS).fill(0);
  for (const { atMs, model: name, version, requests, deadLetters: letters } of short) {
    const at = Math.round((atMs - fromMs) / WINDOW_MS);
    if (at < 0) continue;
    const key = `${name}\n${version}`;
    const line = lines.get(key) ?? {
      name,
      ...(version !== '' && { version }),
      counts: new Array<number>(STEPS).fill(0),
    };
    lines.set(key, line);
    line.counts[at] = (line.counts[at] ?? 0) + requests;
    deadLetters[at] = (deadLetters[at] ?? 0) + letters;
  }
  return {
    step_ms: WINDOW_MS,
    from: newestMs === 0 ? null : new Date(fromMs).toISOString(),
    endings: [...lines.values()].sort(compare).map(({ counts, ...named }) => ({ ...named, ...trimmed(counts) })),
    dead_letters: trimmed(deadLetters),
  };
}

/** Without the nothing before and behind. */
function trimmed(counts: readonly number[]): Series {
  const at = counts.findIndex(count => count > 0);
  if (at < 0) return { at: 0, counts: [] };
  return { at, counts: counts.slice(at, counts.findLastIndex(count => count > 0) + 1) };
}
