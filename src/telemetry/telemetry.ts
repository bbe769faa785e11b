import type { CacheCounts } from '../core/cache.ts';
import type { ModelSummary } from '../core/catalog.ts';
import type { EventBatch } from '../core/event.ts';
import type { Clock, Log } from '../core/log.ts';
import type { Ending, SliceTiming } from '../core/outcome.ts';
import type { ScoredBatch } from '../core/scored-batch.ts';
import type { BatchTiming } from './batch-tracer.ts';
import { DeadLetterLog } from './dead-letter-log.ts';
import type { Exporting, ExportOptions } from './exporter.ts';
import { exportTo } from './exporting.ts';
import { InferenceMeter } from './inference-meter.ts';
import { MetricStore } from './metric-store.ts';
import { type AskNewest, PartitionLag } from './partition-lag.ts';
import { watchProcess } from './process-metrics.ts';
import { renderPrometheus } from './prometheus.ts';

export interface ModelLoad {
  readonly model: string;
  readonly version: string;
  readonly durationMs: number;
  readonly failed: boolean;
}

/** What one turn of the sweep found. */
export interface SweptFigures {
  readonly counted: number;
  /** By hub. */
  readonly behind: Readonly<Record<string, number>>;
  readonly models: readonly {
    readonly model: string;
    readonly quarantined: number;
    /** What was done by itself. */
    readonly action: string | undefined;
    /** Why its rollout waits for a person. */
    readonly waiting: 'held' | 'undecided' | undefined;
  }[];
}

/** What one look for drift found. */
export interface DriftFigures {
  readonly counted: number;
  readonly latest: readonly {
    readonly model: string;
    readonly version: string;
    readonly size: '1h' | '24h';
    readonly features: readonly {
      readonly name: string;
      readonly status: 'ok' | 'warning' | 'alarm';
      readonly distance?: { readonly js: number } | undefined;
    }[];
    readonly deadLetters: readonly { readonly alarm: boolean }[];
  }[];
}

/** Asked at every look at the metrics, never in between. */
export interface Observed {
  readonly cache?: () => CacheCounts;
  readonly breakers?: () => Readonly<Record<string, 'closed' | 'half-open' | 'open'>>;
  /** Sends that were told to come later, by hub, since the start. */
  readonly throttled?: () => Readonly<Record<string, number>>;
  readonly models?: () => Promise<readonly ModelSummary[]>;
  readonly newest?: AskNewest;
  /** Partitions of the requests hub; asked until it answers once. */
  readonly partitions?: (signal: AbortSignal) => Promise<readonly string[]>;
  /** Names of settings whose value cannot be used. */
  readonly ignoredSettings?: readonly string[];
}

/** What the app says of itself. Every call is cheap and none throws; ids and numbers only, never payloads. */
export interface Telemetry {
  /**
   * A batch that came; the function that it gives is called at the batch's end, whichever.
   * @param invocation W3C traceparent of the host's invocation, which its spans become children of
   */
  recordArrival(batch: EventBatch, invocation?: string): () => void;
  /** A batch whose endings are all acknowledged: metrics, and a trace where one is due. */
  recordBatch(batch: EventBatch, scored: ScoredBatch, timing: BatchTiming): void;
  /** A request that came by HTTP: counted as one of a batch, without queue and partition. */
  recordEnding(ending: Ending, receivedAtMs: number): void;
  /** What ran for requests that came by HTTP, which share runs. */
  recordSlices(slices: readonly SliceTiming[]): void;
  /** Requests in the form of events that came by HTTP, and their endings. */
  recordAsked(scored: ScoredBatch): void;
  /** A batch that threw, so that the host retries it. */
  recordFailedBatch(batch: EventBatch, reason: (typeof FAILURES)[number]): void;
  /** What the ledger knew of a redelivered batch. */
  recordLedger(partition: string, counts: { readonly skipped: number; readonly recovered: number }): void;
  /** Requests or events that were scored in another process. */
  recordApart(count: number): void;
  /** A process that scored them ended of it. */
  recordLostProcess(reason: 'died' | 'time' | 'memory'): void;
  /** A batch job that came to its end. */
  recordJob(state: 'succeeded' | 'failed' | 'cancelled'): void;
  recordChunk(outcome: 'scored' | 'failed' | 'poison', seconds: number): void;
  /** A batch job that will not be done by its deadline, or was not. */
  recordSla(sla: 'at_risk' | 'missed'): void;
  recordModelLoad(load: ModelLoad): void;
  recordHttp(route: string, status: number, durationMs: number): void;
  /** What the sweep found in this instance's turn; undefined: it was another's, which has the gauges now. */
  recordSweep(swept: SweptFigures | undefined): void;
  /** What was found by looking for drift in this instance's turn; undefined: it was another's, which has the gauges now. */
  recordDrift(found: DriftFigures | undefined): void;
  /** Adds sources that are asked at every look. */
  observe(sources: Observed): void;
  /** Circuit breakers of this process, by target; none where nothing that has one was used. */
  breakers(): Readonly<Record<string, 'closed' | 'half-open' | 'open'>>;
  /** All metrics of this process in Prometheus' text format. */
  prometheus(): Promise<string>;
  /** Sends what has not been sent. Idempotent. */
  close(): Promise<void>;
}

export interface TelemetryOptions extends ExportOptions {
  readonly clock: Clock;
  readonly log: Log;
}

const FAILURES = ['infrastructure', 'unexpected'] as const;
const DECISIONS = ['rollback', 'promote', 'hold'] as const;
const SWEEP_GAUGES = [
  'hubscore_sweep_behind_events',
  'hubscore_rollout_waiting',
  'hubscore_quarantined_versions',
] as const;
const DRIFT_GAUGES = ['hubscore_drift_alarms', 'hubscore_drift_distance'] as const;
/** Every row is paid for. */
const FARTHEST = 10;
const ASK_FOR_MS = 2_000;
const BREAKER_STATES = { closed: 0, 'half-open': 1, open: 2 } as const;

export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { clock, log } = options;
  const store = new MetricStore();
  const meter = new InferenceMeter(store);
  const lag = new PartitionLag(store, clock);
  const process = watchProcess(store);
  const deadLetters = new DeadLetterLog(log, clock);
  /** The host's invocation that is at work on a partition. */
  const invocations = new Map<string, string>();
  const sources: Observed[] = [];
  // What alerts look at is there with 0 before it has news, or its first increase would be none.
  store.prepare('hubscore_batch_jobs_total', 'failed');
  store.prepare('hubscore_batch_chunks_total', 'poison');
  for (const sla of ['at_risk', 'missed']) store.prepare('hubscore_batch_sla_total', sla);
  for (const reason of FAILURES) store.prepare('hubscore_batch_failures_total', reason);
  const preparePartitions = once(async () => {
    const ask = sources.find(({ partitions }) => partitions)?.partitions;
    const known = await ask?.(AbortSignal.timeout(ASK_FOR_MS)).catch(() => undefined);
    for (const partition of known ?? []) {
      store.prepare('hubscore_ledger_skipped_total', partition);
      store.prepare('hubscore_ledger_recovered_total', partition);
    }
    return known !== undefined;
  });

  async function refresh(): Promise<void> {
    process.refresh();
    await preparePartitions();
    await lag.refresh(sources.find(({ newest }) => newest)?.newest);
    for (const source of sources) await observeInto(store, source).catch(error => log.warn(`metrics: ${error}`));
  }
  const exporting: Exporting = exportTo(options, { store, refresh, clock, log });

  return {
    recordArrival(batch, invocation) {
      const { partition } = batch;
      if (invocation) invocations.set(partition, invocation);
      else invocations.delete(partition);
      const left = lag.arrived(batch);
      return () => {
        if (invocations.get(partition) === invocation) invocations.delete(partition);
        left();
      };
    },
    recordBatch(batch, scored, timing) {
      store.of('hubscore_event_batch_size').observe(batch.events.length);
      for (const count of scored.passedOver.values()) {
        store.of('hubscore_passed_over_total', batch.partition).value += count;
      }
      meter.record(scored, timing);
      lag.settled(batch, timing.receivedAtMs);
      deadLetters.tell(batch, scored);
      exporting.trace(batch, scored, timing, invocations.get(batch.partition));
      exporting.live?.batch(batch, timing, false);
      exporting.begin();
    },
    recordEnding: (ending, receivedAtMs) => meter.recordEnding(ending, receivedAtMs),
    recordSlices: slices => meter.recordSlices(slices),
    recordAsked: scored => meter.record(scored),
    recordFailedBatch(batch, reason) {
      lag.failed(batch);
      exporting.live?.batch(batch, { receivedAtMs: clock(), sentAtMs: clock() }, true);
      store.of('hubscore_batch_failures_total', reason).value++;
    },
    recordLedger(partition, { skipped, recovered }) {
      if (skipped > 0) store.of('hubscore_ledger_skipped_total', partition).value += skipped;
      if (recovered > 0) store.of('hubscore_ledger_recovered_total', partition).value += recovered;
    },
    recordApart(count) {
      store.of('hubscore_apart_scored_total').value += count;
    },
    recordLostProcess(reason) {
      store.of('hubscore_apart_lost_total', reason).value++;
    },
    recordJob(state) {
      store.of('hubscore_batch_jobs_total', state).value++;
    },
    recordChunk(outcome, seconds) {
      store.of('hubscore_batch_chunks_total', outcome).value++;
      if (outcome === 'scored') store.of('hubscore_batch_chunk_seconds').observe(seconds);
    },
    recordSla(sla) {
      store.of('hubscore_batch_sla_total', sla).value++;
    },
    recordModelLoad({ model, version, durationMs, failed }) {
      // One that failed has no suffix yet: nothing but the count of failed loads goes by that name.
      if (!failed) meter.know(model, version);
      else meter.knowModel(model);
      store.of('hubscore_model_loads_total', model, version, failed ? 'failed' : 'loaded').value++;
      if (!failed) store.of('hubscore_model_load_seconds', model, version).observe(durationMs / 1000);
    },
    recordHttp(route, status, durationMs) {
      store.of('hubscore_http_requests_total', route, String(status)).value++;
      store.of('hubscore_http_request_seconds', route).observe(durationMs / 1000);
      exporting.live?.http(route, status, durationMs);
      exporting.begin();
    },
    recordSweep(swept) {
      for (const gauge of SWEEP_GAUGES) store.clear(gauge);
      if (swept === undefined) return;
      store.of('hubscore_sweep_counted_total').value += swept.counted;
      for (const [hub, events] of Object.entries(swept.behind)) {
        store.of('hubscore_sweep_behind_events', hub).value = events;
      }
      for (const { model, quarantined, action, waiting } of swept.models) {
        for (const each of DECISIONS) store.prepare('hubscore_rollout_decisions_total', model, each);
        if (action !== undefined) store.of('hubscore_rollout_decisions_total', model, action).value++;
        if (waiting !== undefined) store.of('hubscore_rollout_waiting', model, waiting).value = 1;
        store.of('hubscore_quarantined_versions', model).value = quarantined;
      }
    },
    recordDrift(found) {
      for (const gauge of DRIFT_GAUGES) store.clear(gauge);
      if (found === undefined) return;
      store.of('hubscore_drift_read_total').value += found.counted;
      for (const { model, version, size, features, deadLetters } of found.latest) {
        const alarms = [...features.map(({ status }) => status === 'alarm'), ...deadLetters.map(({ alarm }) => alarm)];
        store.of('hubscore_drift_alarms', model, version, size).value = alarms.filter(Boolean).length;
        if (size !== '1h') continue;
        const far = features.flatMap(({ name, distance }) =>
          distance === undefined ? [] : [{ name, js: distance.js }],
        );
        for (const { name, js } of far.sort((one, other) => other.js - one.js).slice(0, FARTHEST))
          store.of('hubscore_drift_distance', model, version, name).value = js;
      }
    },
    observe: source => void sources.push(source),
    breakers: () => Object.assign({}, ...sources.map(({ breakers }) => breakers?.())),
    async prometheus() {
      await refresh();
      return renderPrometheus(store);
    },
    async close() {
      deadLetters.flush();
      await exporting.close();
      process.close();
    },
  };
}

/** Does it until it is done. */
function once(attempt: () => Promise<boolean>): () => Promise<void> {
  let done = false;
  return async () => {
    if (!done) done = await attempt();
  };
}

async function observeInto(
  store: MetricStore,
  { cache, breakers, throttled, models, ignoredSettings }: Observed,
): Promise<void> {
  if (cache) {
    const { hits, misses, evictions, bypassed } = cache();
    store.of('hubscore_cache_hits_total').value = hits;
    store.of('hubscore_cache_misses_total').value = misses;
    store.of('hubscore_cache_evictions_total').value = evictions;
    store.of('hubscore_cache_bypassed_total').value = bypassed;
  }
  for (const [target, state] of Object.entries(breakers?.() ?? {})) {
    store.of('hubscore_breaker_state', target).value = BREAKER_STATES[state];
  }
  for (const [target, sends] of Object.entries(throttled?.() ?? {})) {
    store.of('hubscore_throttled_total', target).value = sends;
  }
  for (const setting of ignoredSettings ?? []) store.of('hubscore_setting_ignored', setting).value = 1;
  if (models) {
    const summaries = await models();
    store.clear('hubscore_model_loaded');
    for (const { name, loaded } of summaries) {
      for (const version of loaded) store.of('hubscore_model_loaded', name, version).value = 1;
    }
  }
}
