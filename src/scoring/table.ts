import { allSettled } from '../core/all-settled.ts';
import type { RequestError } from '../core/errors.ts';
import type { Clock } from '../core/log.ts';
import type { ModelVersion } from '../core/model.ts';
import type { AnswerOptions, AnswerRun, TableAnswers, TableRows, TableScorer } from '../core/table-scorer.ts';
import { Inference } from './infer/infer.ts';
import { lanesOf } from './infer/slices.ts';
import { type Plan, planOf } from './plan.ts';
import type { Rows } from './rows/rows.ts';

/** Slices of a block: several may be on their way at once where the model runs elsewhere. */
const SLICES_A_BLOCK = 8;

/** @throws RequestError model_unavailable where the version's card does not fit its signature. */
export function createTableScorer(version: ModelVersion, clock: Clock): TableScorer {
  const plan = planOf(version);
  return {
    version,
    plainWidth: takesFloats(version) ? plan.scanWidth : 0,
    blockRows: plan.slice.rows * SLICES_A_BLOCK,
    instancesOf: (features, ids) => plan.encoder.instancesOf(features, ids).instances,
    begin: () => tableRows(plan, plan.encoder.begin(0), clock),
  };
}

/** One matrix of float32. */
function takesFloats({ signature: { inputs } }: ModelVersion): boolean {
  return inputs.length === 1 && inputs[0]?.type === 'float32';
}

function tableRows(plan: Plan, rows: Rows, clock: Clock): TableRows {
  return {
    get count() {
      return rows.count;
    },
    plain: count => rows.plain(count),
    took: count => rows.took(count),
    add: instance => void rows.addInstance(instance),
    answer: options => answer(plan, rows, clock, options),
    clear: () => rows.clear(),
  };
}

async function answer(plan: Plan, rows: Rows, clock: Clock, options: AnswerOptions): Promise<TableAnswers> {
  const failed = new Map<number, RequestError>();
  const runs: AnswerRun[] = [];
  // Rows of different shapes share no run.
  for (const places of rows.byShape() ?? [undefined]) {
    const alike = places === undefined ? rows : rows.pick(places);
    const inference = new Inference(plan, alike, {
      ...options,
      clock,
      deadlineMs: Number.POSITIVE_INFINITY,
      timings: [],
    });
    await inSlices(plan, alike.count, (from, to) => inference.run(from, to));
    for (const [row, error] of inference.failed)
      failed.set(places === undefined ? row : (places[row] as number), error);
    for (const { from, to, answers } of inference.slices) {
      if (places === undefined) runs.push({ from, to, at: 0, said: answers.said });
      else runs.push(...placed(places, from, to, answers.said));
    }
  }
  return { failed, runs: runs.sort((one, other) => one.from - other.from) };
}

function inSlices(plan: Plan, count: number, run: (from: number, to: number) => Promise<void>): Promise<void> {
  let next = 0;
  return allSettled(lanesOf(plan.version), async () => {
    while (next < count) {
      const from = next;
      next = Math.min(from + plan.slice.rows, count);
      await run(from, next);
    }
  });
}

/** Rows of a slice that were picked out need not stand side by side. */
function placed(places: readonly number[], from: number, to: number, said: AnswerRun['said']): AnswerRun[] {
  const runs: AnswerRun[] = [];
  for (let row = from; row < to; ) {
    const start = row;
    const first = places[start] as number;
    while (row < to && places[row] === first + row - start) row++;
    runs.push({ from: first, to: first + row - start, at: start - from, said });
  }
  return runs;
}
