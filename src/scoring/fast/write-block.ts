import type { EventBatch } from '../../core/event.ts';
import type { ModelVersion, Route } from '../../core/model.ts';
import type { ScoredBatch } from '../../core/outcome.ts';
import { type AnsweredSlice, ResultWriter } from '../answers/result-writer.ts';
import type { Run, Uninterpreted } from '../run.ts';
import { BlockBatch } from './block-batch.ts';
import { ParsedIds } from './ids.ts';
import { type AnswerPlan, answerPlanOf } from './plan.ts';

/**
 * The batch's results straight from the model's outputs, where every event was one request with one instance and one version answered them all
 * in the ordinary way: 300 ns an event, where predictions, outcomes and messages as objects take 1,300. Undefined where any of
 * it is otherwise.
 */
export function writeBlock(batch: EventBatch, run: Run, maxBodyBytes: number): ScoredBatch | undefined {
  const { events } = batch;
  const { requests, uninterpreted, routes } = run;
  const [route] = routes;
  const plan = route && answerPlanOf(route.version);
  if (plan === undefined || requests.length !== events.length) return undefined;
  if (!routes.every(other => isPlain(other, plan.version))) return undefined;
  const slices = readAll(uninterpreted, plan);
  if (slices === undefined || slices[slices.length - 1]?.to !== events.length) return undefined;
  const scoredAtMs = Math.max(...uninterpreted.map(({ inference }) => inference.scoredAtMs));
  const ids = new ParsedIds(requests);
  const block = new ResultWriter(plan, `${batch.hub}/${batch.partition}/`, { events, ids, slices }, scoredAtMs);
  return block.maxBodyBytes <= maxBodyBytes ? new BlockBatch(block, run.slices) : undefined;
}

function isPlain(other: Route | undefined, version: ModelVersion): boolean {
  return (
    other?.version === version && !other.fallback && other.requestedVersion === undefined && other.variant === undefined
  );
}

/** In the order of the requests, without a gap; undefined where there is one, or where a slice says what has to be judged one by one. */
function readAll(chunks: readonly Uninterpreted[], { read }: AnswerPlan): AnsweredSlice[] | undefined {
  const slices: AnsweredSlice[] = [];
  let next = 0;
  const inOrder = [...chunks].sort((a, b) => firstPlace(a) - firstPlace(b));
  for (const { chunk, inference } of inOrder) {
    const start = next;
    for (const { place, from, several } of chunk.placed) {
      if (place !== next || from !== next - start || several) return undefined;
      next++;
    }
    if (chunk.rows.count !== next - start) return undefined;
    for (const { from, to, size, outputs, computeMs } of inference.slices) {
      const answers = read(outputs, size);
      if (answers === undefined) return undefined;
      slices.push({ from: start + from, to: start + to, answers, computeMs });
    }
  }
  return slices;
}

function firstPlace({ chunk }: Uninterpreted): number {
  return chunk.placed[0]?.place ?? 0;
}
