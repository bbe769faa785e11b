import type { Answered, Ending } from '../../core/outcome.ts';
import type { Prediction } from '../../core/prediction.ts';
import type { Way } from '../group.ts';
import type { Run } from '../run.ts';
import { modelMsOf, scoredAtMsOf } from './result-arm.ts';
import { isCached } from './write-endings.ts';

/** The endings of a run's requests as values, in order: by then every request is answered or refused. */
export function toEndings(run: Run): readonly Ending[] {
  return Array.from({ length: run.count }, (_, place): Ending => {
    const refusal = run.refusals.get(place);
    const way = run.ways[place];
    if (refusal === undefined) return new AnsweredRequest(run, way as Way, place);
    const { error, failedAtMs } = refusal;
    return { kind: 'refused', error, version: way?.route.version, variant: way?.route.variant, failedAtMs };
  });
}

/** An answered request; its predictions stay columns until somebody asks for them. */
class AnsweredRequest implements Answered {
  readonly kind = 'answered';
  readonly version: Answered['version'];
  readonly several: boolean;
  readonly requestedVersion: string | undefined;
  readonly fallback: boolean;
  readonly variant: string | undefined;
  readonly degraded: boolean;
  readonly cached: boolean;
  readonly scoredAtMs: number;
  readonly modelMs: number;
  readonly #way: Way;
  readonly #firstRow: number;
  readonly #rows: number;
  #predictions: readonly Prediction[] | undefined;

  constructor(run: Run, way: Way, place: number) {
    const { group, route, degraded } = way;
    const listed = run.listed(place);
    this.#way = way;
    this.#firstRow = run.firstRow(place);
    this.#rows = Math.max(1, listed);
    this.version = group.version;
    this.several = listed > 0;
    this.requestedVersion = route.requestedVersion;
    this.fallback = route.fallback;
    this.variant = route.variant;
    this.degraded = degraded;
    this.cached = group.answers.hasCached && isCached(run, way, place);
    this.scoredAtMs = scoredAtMsOf(group.answers, this.#firstRow, listed);
    this.modelMs = modelMsOf(group.answers, this.#firstRow, listed);
  }

  get predictions(): readonly Prediction[] {
    const { answers } = this.#way.group;
    this.#predictions ??= Array.from({ length: this.#rows }, (_, i) => answers.prediction(this.#firstRow + i));
    return this.#predictions;
  }
}
