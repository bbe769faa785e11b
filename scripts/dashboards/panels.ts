/** One chart, asked in both languages: PromQL where Prometheus scrapes `/metrics`, KQL where Application Insights is exported to. */
export interface Panel {
  readonly title: string;
  readonly help: string;
  readonly unit: 'short' | 's' | 'percentunit' | 'bytes' | 'reqps';
  /** `INTERVAL` stands for the span of a rate. */
  readonly promql: string;
  /** How a series is called, by its labels. */
  readonly legend: string;
  /** A time series: `timestamp`, then series names, then numbers. `GRAIN` stands for the span of a point. */
  readonly kql: string;
}

/** Stands for Application Insights' resource id until the dashboard is deployed: a query names its resource. */
export const RESOURCE = '__APPLICATION_INSIGHTS_ID__';

const MODEL = 'model = tostring(customDimensions.model), version = tostring(customDimensions.version)';

/** A counter's additions a second; Application Insights holds what was added since the last export. */
function rate(name: string, by: readonly string[]): Pick<Panel, 'promql' | 'legend' | 'kql'> {
  return {
    promql: busy(`sum by (${by.join(', ')}) (rate(${name}[INTERVAL]))`),
    legend: legendOf(by),
    kql: `${metric(name)} | summarize added = sum(valueSum) by bin(timestamp, GRAIN), ${dimensions(by)} | where added > 0 | project timestamp, ${seriesOf(by)}, per_second = added / (GRAIN / 1s)`,
  };
}

/** The 95th percentile of a histogram by model and version, from its buckets. */
function p95(name: string): Pick<Panel, 'promql' | 'legend' | 'kql'> {
  return {
    promql: busy(`histogram_quantile(0.95, sum by (le, model, version) (rate(${name}_bucket[INTERVAL])))`),
    legend: legendOf(['model', 'version']),
    kql: `${metric(`${name}_bucket`)} | extend le = tostring(customDimensions.le) | extend upper = iff(le == "+Inf", 86400.0, todouble(le)) | summarize p95 = percentilew(upper, tolong(valueSum), 95) by bin(timestamp, GRAIN), ${MODEL} | where p95 > 0 | project timestamp, series = strcat(model, " ", version), p95`,
  };
}

/** A histogram's mean by model and version. */
function mean(name: string): Pick<Panel, 'promql' | 'legend' | 'kql'> {
  return {
    promql: busy(
      `sum by (model, version) (rate(${name}_sum[INTERVAL])) / sum by (model, version) (rate(${name}_count[INTERVAL]))`,
    ),
    legend: legendOf(['model', 'version']),
    kql: `${metric(name)} | summarize mean = sum(valueSum) / sum(valueCount) by bin(timestamp, GRAIN), ${MODEL} | where mean > 0 | project timestamp, series = strcat(model, " ", version), mean`,
  };
}

/** A gauge's highest value over all instances. */
function highest(name: string, by: readonly string[]): Pick<Panel, 'promql' | 'legend' | 'kql'> {
  return {
    promql: by.length > 0 ? `max by (${by.join(', ')}) (${name})` : `max(${name})`,
    legend: by.length > 0 ? legendOf(by) : name,
    kql: `${metric(name)} | summarize highest = max(valueSum) by bin(timestamp, GRAIN)${by.length > 0 ? `, ${dimensions(by)}` : ''} | project timestamp, ${by.length > 0 ? seriesOf(by) : `series = "${name}"`}, highest`,
  };
}

/** The same of those that are above 0. */
function highestBusy(name: string, by: readonly string[]): Pick<Panel, 'promql' | 'legend' | 'kql'> {
  const { promql, legend, kql } = highest(name, by);
  return { promql: busy(promql), legend, kql: kql.replace('| project', '| where highest > 0 | project') };
}

/** Without the series that did nothing (0, or no number where none was counted): a legend of fifty idle versions hides the one that works. */
const busy = (promql: string) => `(${promql}) > 0`;
const metric = (name: string) => `customMetrics | where name == "${name}"`;
const dimensions = (by: readonly string[]) =>
  by.map(label => `${label} = tostring(customDimensions.${label})`).join(', ');
const seriesOf = (by: readonly string[]) => `series = strcat(${by.join(', " ", ')})`;
const legendOf = (by: readonly string[]) => by.map(label => `{{${label}}}`).join(' ');

/** Top to bottom in the order in which an operator asks: does it work, how fast, where does time go, what is wrong, what is behind it. */
export const PANELS: readonly Panel[] = [
  {
    title: 'Success rate',
    help: 'Requests that ended as a result. The alert fires below 0.95.',
    unit: 'percentunit',
    promql:
      'sum(rate(inference_requests_total{outcome="result"}[INTERVAL])) / sum(rate(inference_requests_total[INTERVAL]))',
    legend: 'all models',
    kql: `${metric('inference_requests_total')} | summarize rate = sumif(valueSum, tostring(customDimensions.outcome) == "result") / sum(valueSum) by bin(timestamp, GRAIN) | project timestamp, series = "all models", rate`,
  },
  {
    title: 'Requests a second',
    help: 'By model, version and ending.',
    unit: 'reqps',
    ...rate('inference_requests_total', ['model', 'version', 'outcome']),
  },
  {
    title: 'Latency, 95th percentile',
    help: 'From enqueued until the results hub had acknowledged the result, the wait for its partition included. The alert looks at this.',
    unit: 's',
    ...p95('inference_end_to_end_seconds'),
  },
  {
    title: 'Lag',
    help: 'Events behind the newest, by requests partition.',
    unit: 'short',
    // The instance that a partition left knows less of what is settled than the one that has it: the smallest number is the true one.
    promql: 'min by (partition) (hubscore_partition_lag_events)',
    legend: legendOf(['partition']),
    kql: `${metric('hubscore_partition_lag_events')} | summarize lag = min(valueSum) by timestamp = bin(timestamp, 1m), ${dimensions(['partition'])} | summarize lag = max(lag) by bin(timestamp, GRAIN), partition | project timestamp, series = partition, lag`,
  },
  {
    title: 'Waiting, 95th percentile',
    help: 'From enqueued until the function had the event.',
    unit: 's',
    ...p95('inference_queue_seconds'),
  },
  {
    title: 'Computing, 95th percentile',
    help: 'One slice in the model.',
    unit: 's',
    ...p95('inference_compute_seconds'),
  },
  {
    title: 'Until scored, 95th percentile',
    help: 'From enqueued to scored: latency_ms of the results.',
    unit: 's',
    ...p95('inference_latency_seconds'),
  },
  {
    title: 'Batch size, mean',
    help: 'Instances that a model was given at once.',
    unit: 'short',
    ...mean('inference_batch_size'),
  },
  {
    title: 'Dead letters a second',
    help: 'By model, version and error code.',
    unit: 'reqps',
    ...rate('inference_errors_total', ['model', 'version', 'code']),
  },
  {
    title: 'Batches that threw',
    help: 'Infrastructure was away and the host retries, or something nobody foresaw.',
    unit: 'reqps',
    ...rate('hubscore_batch_failures_total', ['reason']),
  },
  {
    title: 'Circuit breakers',
    help: '0 closed, 1 half open, 2 open.',
    unit: 'short',
    ...highest('hubscore_breaker_state', ['target']),
  },
  {
    title: 'Redelivered events not scored again',
    help: 'The ledger knew their ending.',
    unit: 'reqps',
    ...rate('hubscore_ledger_skipped_total', ['partition']),
  },
  {
    title: 'Cache hit rate',
    help: 'Instances answered without inference.',
    unit: 'percentunit',
    promql:
      'sum(rate(hubscore_cache_hits_total[INTERVAL])) / (sum(rate(hubscore_cache_hits_total[INTERVAL])) + sum(rate(hubscore_cache_misses_total[INTERVAL])))',
    legend: 'hit rate',
    kql: 'customMetrics | where name in ("hubscore_cache_hits_total", "hubscore_cache_misses_total") | summarize rate = sumif(valueSum, name == "hubscore_cache_hits_total") / sum(valueSum) by bin(timestamp, GRAIN) | project timestamp, series = "hit rate", rate',
  },
  {
    title: 'Model loads',
    help: 'By model, version and outcome.',
    unit: 'reqps',
    ...rate('hubscore_model_loads_total', ['model', 'version', 'outcome']),
  },
  {
    title: 'Rollouts: decided by itself',
    help: 'Rolled back, promoted or held, by model.',
    unit: 'reqps',
    ...rate('hubscore_rollout_decisions_total', ['model', 'action']),
  },
  {
    title: 'Rollouts: waiting for a person',
    help: 'Held, or undecided though the duration is over.',
    unit: 'short',
    ...highest('hubscore_rollout_waiting', ['model', 'reason']),
  },
  {
    title: 'Versions in quarantine',
    help: 'Those that must not serve.',
    unit: 'short',
    ...highest('hubscore_quarantined_versions', ['model']),
  },
  {
    title: 'Sweep behind',
    help: 'Results, dead letters and labels that are not counted yet: by so much are rollouts judged late.',
    unit: 'short',
    ...highest('hubscore_sweep_behind_events', ['hub']),
  },
  {
    title: 'Drift: alarms',
    help: 'Features, answers and dead letters that are not what the model was trained on, in the newest windows.',
    unit: 'short',
    ...highestBusy('hubscore_drift_alarms', ['model', 'version', 'window']),
  },
  {
    title: 'Drift: distance',
    help: 'Jensen–Shannon distance of the ten features farthest from the training data; 0.1 and more is drift where chance does not explain it.',
    unit: 'short',
    ...highestBusy('hubscore_drift_distance', ['model', 'version', 'feature']),
  },
  {
    title: 'Event-loop delay',
    help: 'How late timers ran; above 0.1 s something computes that belongs in a worker process.',
    unit: 's',
    ...highest('hubscore_event_loop_delay_seconds', ['statistic']),
  },
  {
    title: 'Resident memory',
    help: 'The largest process.',
    unit: 'bytes',
    ...highest('process_resident_memory_bytes', []),
  },
];
