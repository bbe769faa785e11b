import type { RowError } from '../../core/outcome.ts';
import type { Gaps } from '../gaps.ts';
import type { Way } from '../group.ts';
import type { Run } from '../run.ts';
import type { PlacedAnswers } from './answer-table.ts';
import { quote } from './result-json.ts';

/** Calls for the answers to a request's instances, once for those that stand together. */
export function eachAnswer(run: Run, { group }: Way, place: number, visit: (placed: PlacedAnswers) => void): void {
  const { answers } = group;
  const gaps = run.gaps(place);
  const from = run.firstRow(place);
  const to = from + Math.max(1, run.listed(place));
  for (let row = from; row < to; ) {
    const placed = gaps === undefined ? answers.of(row) : answers.find(row);
    if (placed !== undefined) visit(placed);
    row = placed?.to ?? row + 1;
  }
  for (const { way, row } of gaps?.standIns.values() ?? []) visit(way.group.answers.of(row));
}

/** When the last of a request's instances was scored. */
export function scoredAtMsOf(run: Run, way: Way, place: number): number {
  if (run.listed(place) === 0) return way.group.answers.of(run.firstRow(place)).scoredAtMs;
  let scoredAtMs = 0;
  eachAnswer(run, way, place, placed => {
    scoredAtMs = Math.max(scoredAtMs, placed.scoredAtMs);
  });
  return scoredAtMs;
}

/** What the slices of a request's instances took in the model, milliseconds. */
export function modelMsOf(run: Run, way: Way, place: number): number {
  let modelMs = 0;
  eachAnswer(run, way, place, ({ computeMs }) => {
    modelMs += computeMs;
  });
  return modelMs;
}

/** Whether no inference ran for any of a request's instances. */
export function isCached(run: Run, way: Way, place: number): boolean {
  let cached = true;
  eachAnswer(run, way, place, placed => {
    cached &&= placed.cached;
  });
  return cached;
}

/** As many characters of why a row is bad are shown; the request itself is at hand. */
const MAX_MESSAGE_LENGTH = 500;

export function rowErrors(run: Run, place: number, gaps: Gaps): RowError[] {
  const { ids } = run.request(place);
  return gaps.sorted().map(([index, { code, message }]) => ({
    index,
    id: ids?.[index],
    code,
    message: message.slice(0, MAX_MESSAGE_LENGTH),
  }));
}

/** What is said of a row that something stands in for, before its answer. */
export function standInJson({ group, route, degraded }: Way): string {
  if (degraded) return '"degraded":true,';
  return route.fallback ? `"model_version":${quote(group.version.label)},"fallback":true,` : '';
}
