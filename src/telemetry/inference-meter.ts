import { ERROR_CODES, type ErrorCode } from '../core/errors.ts';
import type { Ending, RowCounts, SliceTiming } from '../core/outcome.ts';
import type { Arm, ScoredBatch } from '../core/scored-batch.ts';
import type { Histogram } from './histogram.ts';
import type { Cell, MetricStore } from './metric-store.ts';

/** The series of one model version that has answered, held so that an event costs no look-up by labels. */
interface VersionSeries {
  readonly results: Cell;
  readonly answered: Cell;
  /** Made once there is one. */
  readonly skipped: () => Cell;
  /** Made once there is one. */
  readonly fallback: () => Cell;
  readonly latency: Histogram;
}

/** Those of one that has answered what came by the hub. */
interface HubSeries {
  readonly queue: Histogram;
  readonly endToEnd: Histogram;
}

const UNKNOWN = 'unknown';

/** Counts endings by model and version. */
export class InferenceMeter {
  readonly #store: MetricStore;
  /** Versions by model that are really there. Others come from requests and would make the labels grow. */
  readonly #known = new Map<string, Set<string>>();
  /** By model, then version. What has not answered has none: fifty idle versions would be thousands of lines of zeros. */
  readonly #versions = new Map<string, Map<string, VersionSeries>>();
  readonly #ofHub = new Map<string, Map<string, HubSeries>>();

  constructor(store: MetricStore) {
    this.#store = store;
    this.#prepareFailures(UNKNOWN, UNKNOWN);
  }

  /** A version that exists: dead letters that name it are counted under it. */
  know(model: string, version: string): void {
    const versions = this.knowModel(model);
    if (versions.has(version)) return;
    versions.add(version);
    this.#prepareFailures(model, version);
  }

  /** A model that exists, whatever its versions. @returns those that are known */
  knowModel(model: string): Set<string> {
    const versions = this.#known.get(model) ?? new Set<string>();
    this.#known.set(model, versions);
    return versions;
  }

  /** @param timing when the function had the events and when their endings were acknowledged; undefined where they came from no hub */
  record(scored: ScoredBatch, timing?: { readonly receivedAtMs: number; readonly sentAtMs: number }): void {
    this.recordSlices(scored.slices);
    const { length, arms } = scored;
    const seriesOf = arms.map(arm => {
      if (arm.kind !== 'result') return undefined;
      const [model, version] = [arm.model ?? UNKNOWN, arm.modelVersion ?? UNKNOWN];
      return { ...this.#seriesOf(model, version), hub: timing && this.#hubSeriesOf(model, version) };
    });
    for (let ending = 0; ending < length; ) {
      const place = scored.armOf(ending);
      const arm = arms[place] as Arm;
      const series = seriesOf[place];
      const row = scored.rowOf(ending);
      if (series === undefined) {
        this.#recordDeadLetter(arm.model, arm.modelVersion, arm.code(row) ?? 'unexpected');
        ending++;
        continue;
      }
      const { enqueuedAtMs } = scored.event(ending);
      const latencyMs = arm.latencyMs(row);
      // Events that came together waited together.
      let next = ending + 1;
      while (
        next < length &&
        scored.armOf(next) === place &&
        scored.event(next).enqueuedAtMs === enqueuedAtMs &&
        arm.latencyMs(scored.rowOf(next)) === latencyMs
      ) {
        next++;
      }
      const count = next - ending;
      series.results.value += count;
      if (arm.fallback) series.fallback().value += count;
      if (arm.isSingle) series.answered.value += count;
      else for (let of = ending; of < next; of++) countRows(series, arm.rowCounts(scored.rowOf(of)));
      series.latency.observeMs(latencyMs, count);
      if (timing !== undefined) {
        series.hub?.queue.observeMs(timing.receivedAtMs - enqueuedAtMs, count);
        series.hub?.endToEnd.observeMs(timing.sentAtMs - enqueuedAtMs, count);
      }
      ending = next;
    }
  }

  /** One request that came from no hub. */
  recordEnding(ending: Ending, receivedAtMs: number): void {
    const { version } = ending;
    if (version) this.know(version.name, version.label);
    if (ending.kind === 'refused') {
      this.#recordDeadLetter(version?.name, version?.label, ending.error.code);
      return;
    }
    const { name, label } = ending.version;
    const series = this.#seriesOf(name, label);
    series.results.value++;
    if (ending.fallback) series.fallback().value++;
    const { rows, errors } = ending;
    countRows(series, { answered: rows - errors.length, skipped: errors.length });
    series.latency.observeMs(ending.scoredAtMs - receivedAtMs);
  }

  /** What ran. */
  recordSlices(slices: readonly SliceTiming[]): void {
    for (const { model, modelVersion, instances, computeMs } of slices) {
      this.know(model, modelVersion);
      this.#store.of('inference_batch_size', model, modelVersion).observe(instances);
      this.#store.of('inference_compute_seconds', model, modelVersion).observe(computeMs / 1000);
    }
  }

  #recordDeadLetter(model: string | undefined, version: string | undefined, code: ErrorCode): void {
    const known = model === undefined ? undefined : this.#known.get(model);
    const modelLabel = known && model !== undefined ? model : UNKNOWN;
    const versionLabel = version !== undefined && known?.has(version) ? version : UNKNOWN;
    this.#store.of('inference_requests_total', modelLabel, versionLabel, 'dead_letter').value++;
    this.#store.of('inference_errors_total', modelLabel, versionLabel, code).value++;
  }

  #prepareFailures(model: string, version: string): void {
    this.#store.prepare('inference_requests_total', model, version, 'dead_letter');
    for (const code of ERROR_CODES) this.#store.prepare('inference_errors_total', model, version, code);
  }

  #seriesOf(model: string, version: string): VersionSeries {
    return held(this.#versions, model, version, () => {
      this.know(model, version);
      return {
        results: this.#store.of('inference_requests_total', model, version, 'result'),
        answered: this.#store.of('inference_rows_total', model, version, 'answered'),
        skipped: () => this.#store.of('inference_rows_total', model, version, 'skipped'),
        fallback: () => this.#store.of('hubscore_fallback_results_total', model, version),
        latency: this.#store.of('inference_latency_seconds', model, version),
      };
    });
  }

  #hubSeriesOf(model: string, version: string): HubSeries {
    return held(this.#ofHub, model, version, () => ({
      queue: this.#store.of('inference_queue_seconds', model, version),
      endToEnd: this.#store.of('inference_end_to_end_seconds', model, version),
    }));
  }
}

function held<T>(all: Map<string, Map<string, T>>, model: string, version: string, create: () => T): T {
  const found = all.get(model)?.get(version);
  if (found) return found;
  const series = create();
  const versions = all.get(model) ?? new Map<string, T>();
  all.set(model, versions.set(version, series));
  return series;
}

function countRows(series: VersionSeries, rows: RowCounts | undefined): void {
  series.answered.value += rows?.answered ?? 1;
  if (rows !== undefined && rows.skipped > 0) series.skipped().value += rows.skipped;
}
