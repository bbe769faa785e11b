import type { Answered, Ending, RowError } from '../../core/outcome.ts';
import type { Prediction } from '../../core/prediction.ts';
import type { AnswerRun } from '../../core/table-scorer.ts';
import type { Gaps } from '../gaps.ts';
import type { Way } from '../group.ts';
import type { Run } from '../run.ts';
import { isCached, modelMsOf, rowErrors, scoredAtMsOf } from './pack-answers.ts';

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
  readonly #ownRows: number;
  readonly errors: readonly RowError[];
  readonly #gaps: Gaps | undefined;
  #predictions: readonly (Prediction | undefined)[] | undefined;

  constructor(run: Run, way: Way, place: number) {
    const { group, route, degraded } = way;
    const listed = run.listed(place);
    this.#way = way;
    this.#firstRow = run.firstRow(place);
    this.#ownRows = Math.max(1, listed);
    this.version = group.version;
    this.several = listed > 0;
    this.requestedVersion = route.requestedVersion;
    this.fallback = route.fallback;
    this.variant = route.variant;
    this.degraded = degraded;
    this.cached = group.answers.hasCached && isCached(run, way, place);
    this.scoredAtMs = scoredAtMsOf(run, way, place);
    this.modelMs = modelMsOf(run, way, place);
    this.#gaps = run.gaps(place);
    this.errors = this.#gaps === undefined ? [] : rowErrors(run, place, this.#gaps);
  }

  get rows(): number {
    return this.#gaps?.size ?? this.#ownRows;
  }

  get runs(): readonly AnswerRun[] | undefined {
    if (this.#gaps !== undefined) return undefined;
    const { answers } = this.#way.group;
    const runs: AnswerRun[] = [];
    const end = this.#firstRow + this.#ownRows;
    for (let row = this.#firstRow; row < end; ) {
      const placed = answers.of(row);
      const to = Math.min(placed.to, end);
      const [from, at] = [row - this.#firstRow, row - placed.from + placed.at];
      runs.push({ from, to: to - this.#firstRow, at, said: placed.answers.said });
      row = to;
    }
    return runs;
  }

  get predictions(): readonly (Prediction | undefined)[] {
    this.#predictions ??= this.#predict();
    return this.#predictions;
  }

  #predict(): readonly (Prediction | undefined)[] {
    const { answers } = this.#way.group;
    const gaps = this.#gaps;
    let row = this.#firstRow;
    return Array.from({ length: this.rows }, (_, index) => {
      const own = gaps === undefined || gaps.hasRow(index) ? row++ : undefined;
      const standIn = gaps?.standIns.get(index);
      if (standIn !== undefined) return standIn.way.group.answers.prediction(standIn.row);
      return own === undefined || gaps?.errors.has(index) ? undefined : answers.prediction(own);
    });
  }
}
