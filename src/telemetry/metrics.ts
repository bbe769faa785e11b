/** What a metric is called, what it counts and by what; docs/telemetry.md shows the same table and a test holds them together. */
export interface MetricDefinition {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** Label names in the order in which values are given. */
  readonly labels: readonly string[];
  /** UCUM, as OpenTelemetry has it: seconds, bytes, or what is counted. */
  readonly unit: string;
  readonly help: string;
  /** A gauge that stays what it is for hours: Application Insights has it every few minutes, and at once where it changes. */
  readonly steady?: true;
  /** Upper bounds of a histogram's buckets, ascending; one more is open-ended. */
  readonly bounds?: readonly number[];
}

const MODEL = ['model', 'version'] as const;

/** From the 1 ms that enqueued times are exact to, dense below 100 ms where a live stream sits, up to the hours of a backlog. */
const WAIT_SECONDS = [
  0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800,
  7200,
] as const;
const COMPUTE_SECONDS = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const;
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096] as const;

/** Every metric there is. Names by Prometheus conventions: base units, `_total` for counters. */
export const METRICS = {
  inference_requests_total: {
    kind: 'counter',
    labels: [...MODEL, 'outcome'],
    unit: '{request}',
    help: 'Requests that came to their ending; outcome is result or dead_letter.',
  },
  inference_rows_total: {
    kind: 'counter',
    labels: [...MODEL, 'outcome'],
    unit: '{instance}',
    help: 'Instances in requests that have a result, of which a pack has many; outcome is answered, or skipped where a pack passed over one that is bad.',
  },
  hubscore_fallback_results_total: {
    kind: 'counter',
    labels: MODEL,
    unit: '{request}',
    help: 'Results of another version than was asked for, by the one that answered: its server was away, it failed, or it is not there.',
  },
  inference_errors_total: {
    kind: 'counter',
    labels: [...MODEL, 'code'],
    unit: '{request}',
    help: 'Requests that ended as a dead letter, by its error code.',
  },
  inference_latency_seconds: {
    kind: 'histogram',
    labels: MODEL,
    unit: 's',
    help: 'From enqueued to scored, a request.',
    bounds: WAIT_SECONDS,
  },
  inference_queue_seconds: {
    kind: 'histogram',
    labels: MODEL,
    unit: 's',
    help: 'From enqueued until the function had the event, a request.',
    bounds: WAIT_SECONDS,
  },
  inference_compute_seconds: {
    kind: 'histogram',
    labels: MODEL,
    unit: 's',
    help: 'In the model, a slice.',
    bounds: COMPUTE_SECONDS,
  },
  inference_end_to_end_seconds: {
    kind: 'histogram',
    labels: MODEL,
    unit: 's',
    help: 'From enqueued until the results hub had acknowledged the result, a request.',
    bounds: WAIT_SECONDS,
  },
  inference_batch_size: {
    kind: 'histogram',
    labels: MODEL,
    unit: '{instance}',
    help: 'Instances that a model was given at once, a slice.',
    bounds: SIZES,
  },
  hubscore_event_batch_size: {
    kind: 'histogram',
    labels: [],
    unit: '{event}',
    help: 'Events that the host gave the function at once.',
    bounds: SIZES,
  },
  hubscore_batch_failures_total: {
    kind: 'counter',
    labels: ['reason'],
    unit: '{batch}',
    help: 'Batches that threw, so that the host retries them; reason is infrastructure or unexpected.',
  },
  hubscore_partition_lag_events: {
    kind: 'gauge',
    labels: ['partition'],
    unit: '{event}',
    help: 'Events of the requests partition that have no ending yet; of partitions that this instance had a batch of in the last 5 minutes and has not been seen to leave. Where two instances show a partition, the smaller number is true.',
  },
  hubscore_partition_lag_seconds: {
    kind: 'gauge',
    labels: ['partition'],
    unit: 's',
    help: 'How old the last event was when the function got it, or the first one of a batch that failed; of the same partitions.',
  },
  hubscore_ledger_skipped_total: {
    kind: 'counter',
    labels: ['partition'],
    unit: '{event}',
    help: 'Redelivered events that had their ending already and were not scored again.',
  },
  hubscore_ledger_recovered_total: {
    kind: 'counter',
    labels: ['partition'],
    unit: '{event}',
    help: 'Events without an ending that were found behind the checkpoint and scored.',
  },
  hubscore_apart_scored_total: {
    kind: 'counter',
    labels: [],
    unit: '{event}',
    help: 'Events scored in a process of their own, since one before died with them, or with others, in flight.',
  },
  hubscore_apart_lost_total: {
    kind: 'counter',
    labels: ['reason'],
    unit: '{process}',
    help: 'Such processes that did not survive it; reason is died, time or memory.',
  },
  hubscore_passed_over_total: {
    kind: 'counter',
    labels: ['partition'],
    unit: '{record}',
    help: "Records that the card's `where` passed over: settled, without an ending.",
  },
  hubscore_batch_jobs_total: {
    kind: 'counter',
    labels: ['state'],
    unit: '{job}',
    help: 'Batch jobs that came to their end; state is succeeded, failed or cancelled.',
  },
  hubscore_batch_chunks_total: {
    kind: 'counter',
    labels: ['outcome'],
    unit: '{chunk}',
    help: 'Chunks of batch jobs; outcome is scored, failed (and tried again), or poison (given up, since whoever took it ended).',
  },
  hubscore_batch_chunk_seconds: {
    kind: 'histogram',
    labels: [],
    unit: 's',
    help: 'From taken to staged, a chunk.',
    bounds: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 240],
  },
  hubscore_batch_sla_total: {
    kind: 'counter',
    labels: ['sla'],
    unit: '{job}',
    help: 'Batch jobs that will not be done by their deadline (at_risk), or were not (missed); once a job each.',
  },
  hubscore_sweep_counted_total: {
    kind: 'counter',
    labels: [],
    unit: '{event}',
    help: 'Results, dead letters and labels that the sweep took in, by the instance whose turn it was.',
  },
  hubscore_sweep_behind_events: {
    kind: 'gauge',
    labels: ['hub'],
    unit: '{event}',
    help: 'Events of a hub that the sweep had not counted when its turn ended; of the instance whose turn it was last, absent from others.',
  },
  hubscore_rollout_decisions_total: {
    kind: 'counter',
    labels: ['model', 'action'],
    unit: '{decision}',
    help: 'What was done with rollouts by itself; action is rollback, promote, hold or end (of an A/B comparison).',
  },
  hubscore_rollout_waiting: {
    kind: 'gauge',
    labels: ['model', 'reason'],
    unit: '1',
    help: '1 while a rollout waits for a person; reason is held, or undecided where its duration is over and nothing was decided.',
  },
  hubscore_quarantined_versions: {
    kind: 'gauge',
    labels: ['model'],
    unit: '{version}',
    help: 'Versions of a model that must not serve.',
  },
  hubscore_drift_read_total: {
    kind: 'counter',
    labels: [],
    unit: '{request}',
    help: 'Requests that were read to be held against what models were trained on, by the instance whose turn it was.',
  },
  hubscore_drift_alarms: {
    kind: 'gauge',
    labels: [...MODEL, 'window'],
    unit: '1',
    help: 'Features, answers and codes of dead letters that the newest window raises an alarm of; window is 1h or 24h; of the instance whose turn it was last.',
    steady: true,
  },
  hubscore_drift_distance: {
    kind: 'gauge',
    labels: [...MODEL, 'feature'],
    unit: '1',
    help: 'Jensen–Shannon distance (0 to 1) of a feature in the newest window of an hour from the reference, of the ten farthest; prediction and confidence are answers.',
    steady: true,
  },
  hubscore_model_loads_total: {
    kind: 'counter',
    labels: [...MODEL, 'outcome'],
    unit: '{load}',
    help: 'Attempts to load a model version; outcome is loaded or failed.',
  },
  hubscore_model_load_seconds: {
    kind: 'histogram',
    labels: MODEL,
    unit: 's',
    help: 'From asked for to warm, a model version.',
    bounds: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  },
  hubscore_model_loaded: {
    kind: 'gauge',
    labels: MODEL,
    unit: '1',
    help: '1 for every model version in memory.',
    steady: true,
  },
  hubscore_cache_hits_total: {
    kind: 'counter',
    labels: [],
    unit: '{instance}',
    help: 'Instances answered from the result cache.',
  },
  hubscore_cache_misses_total: {
    kind: 'counter',
    labels: [],
    unit: '{instance}',
    help: 'Instances that the result cache did not know.',
  },
  hubscore_cache_evictions_total: {
    kind: 'counter',
    labels: [],
    unit: '{entry}',
    help: 'Predictions that the result cache dropped for room or age.',
  },
  hubscore_cache_bypassed_total: {
    kind: 'counter',
    labels: [],
    unit: '{instance}',
    help: 'Instances that were not looked up in the result cache, since their model infers them for less.',
  },
  hubscore_breaker_state: {
    kind: 'gauge',
    labels: ['target'],
    unit: '1',
    help: 'Circuit breaker of a dependency: 0 closed, 1 half open, 2 open.',
    steady: true,
  },
  hubscore_throttled_total: {
    kind: 'counter',
    labels: ['target'],
    unit: '{send}',
    help: 'Sends that the namespace told to come later (server-busy), by hub.',
  },
  hubscore_setting_ignored: {
    kind: 'gauge',
    labels: ['setting'],
    unit: '1',
    help: 'A setting whose value cannot be used, so that the app runs without what it is for; 1 while it is so, absent otherwise.',
    steady: true,
  },
  hubscore_http_requests_total: {
    kind: 'counter',
    labels: ['route', 'status'],
    unit: '{request}',
    help: 'HTTP requests answered, by route and status.',
  },
  hubscore_http_request_seconds: {
    kind: 'histogram',
    labels: ['route'],
    unit: 's',
    help: 'From the HTTP request to its answer.',
    bounds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
  hubscore_event_loop_delay_seconds: {
    kind: 'gauge',
    labels: ['statistic'],
    unit: 's',
    help: 'How late the event loop ran its timers, over the last minute or since the last look; statistic is p50, p99 or max.',
  },
  process_resident_memory_bytes: {
    kind: 'gauge',
    labels: [],
    unit: 'By',
    help: 'Resident memory of this process.',
  },
  process_cpu_seconds_total: {
    kind: 'counter',
    labels: [],
    unit: 's',
    help: 'Processor time of this process, user and system.',
  },
  process_start_time_seconds: {
    kind: 'gauge',
    labels: [],
    unit: 's',
    help: 'When this process started, seconds since the epoch.',
    steady: true,
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export type MetricName = keyof typeof METRICS;
