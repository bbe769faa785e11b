import type { Outcome, ScoredBatch } from '../core/outcome.ts';
import type { Histogram } from './histogram.ts';
import type { Cell, MetricStore } from './metric-store.ts';

/** The series of one model version, held so that an event costs no look-up by labels. */
interface VersionSeries {
  readonly results: Cell;
  readonly latency: Histogram;
  readonly queue: Histogram;
  readonly endToEnd: Histogram;
}

const UNKNOWN = 'unknown';

/** Counts endings by model and version. */
export class InferenceMeter {
  readonly #store: MetricStore;
  /** By model, then version: those that are really there. Others come from requests and would make the labels grow. */
  readonly #versions = new Map<string, Map<string, VersionSeries>>();

  constructor(store: MetricStore) {
    this.#store = store;
  }

  /** A version that exists: dead letters that name it are counted under it. */
  know(model: string, version: string): void {
    this.#seriesOf(model, version);
  }

  /** @param timing when the function had the events and when their endings were acknowledged; undefined where no hub was involved */
  record(
    { outcomes, slices }: ScoredBatch,
    timing: { readonly receivedAtMs: number; readonly sentAtMs: number } | undefined,
  ): void {
    for (const { model, modelVersion, instances, computeMs } of slices) {
      this.know(model, modelVersion);
      this.#store.of('inference_batch_size', model, modelVersion).observe(instances);
      this.#store.of('inference_compute_seconds', model, modelVersion).observe(computeMs / 1000);
    }
    let model: string | undefined;
    let version: string | undefined;
    let series: VersionSeries | undefined;
    for (const outcome of outcomes) {
      if (outcome.kind === 'dead-letter') {
        this.#recordDeadLetter(outcome);
        continue;
      }
      if (!series || outcome.model !== model || outcome.modelVersion !== version) {
        model = outcome.model;
        version = outcome.modelVersion;
        series = this.#seriesOf(model ?? UNKNOWN, version ?? UNKNOWN);
      }
      series.results.value++;
      series.latency.observeMs(outcome.latencyMs);
      if (timing) {
        const { enqueuedAtMs } = outcome.event;
        series.queue.observeMs(timing.receivedAtMs - enqueuedAtMs);
        series.endToEnd.observeMs(timing.sentAtMs - enqueuedAtMs);
      }
    }
  }

  #recordDeadLetter({ model, modelVersion, code }: Outcome): void {
    const known = model === undefined ? undefined : this.#versions.get(model);
    const modelLabel = known && model !== undefined ? model : UNKNOWN;
    const versionLabel = modelVersion !== undefined && known?.has(modelVersion) ? modelVersion : UNKNOWN;
    this.#store.of('inference_requests_total', modelLabel, versionLabel, 'dead_letter').value++;
    this.#store.of('inference_errors_total', modelLabel, versionLabel, code ?? 'unexpected').value++;
  }

  #seriesOf(model: string, version: string): VersionSeries {
    const known = this.#versions.get(model)?.get(version);
    if (known) return known;
    const store = this.#store;
    const series = {
      results: store.of('inference_requests_total', model, version, 'result'),
      latency: store.of('inference_latency_seconds', model, version),
      queue: store.of('inference_queue_seconds', model, version),
      endToEnd: store.of('inference_end_to_end_seconds', model, version),
    };
    const versions = this.#versions.get(model) ?? new Map<string, VersionSeries>();
    this.#versions.set(model, versions.set(version, series));
    return series;
  }
}
