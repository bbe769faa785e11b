import { allSettled } from '../../core/abortable.ts';
import { WaitedTooLong } from '../../core/backend.ts';
import type { ResultCache } from '../../core/cache.ts';
import type { RequestError } from '../../core/errors.ts';
import type { Group } from '../group.ts';
import type { Rows } from '../rows/rows.ts';
import type { Run } from '../run.ts';
import { type Inference, infer } from './infer.ts';
import { type Recall, recall } from './recall.ts';
import { lanesOf } from './slices.ts';

/** Rows that are to be inferred, and which of the group's rows each of them is. */
interface Todo {
  readonly rows: Rows;
  rowOf(row: number): number;
}

/**
 * Finds the answers of a group's rows: those that the cache knows, and the others by running the model, a slice at a time. Requests whose time is up before their turn are refused.
 * @throws InfrastructureError; the signal's reason where it is aborted.
 */
export async function inferGroup(group: Group, run: Run, cache: ResultCache | undefined): Promise<void> {
  if (group.placeOf.length === 0) return;
  const { plan, rows } = group;
  const recalled = cache && (await recall(plan, rows, cache));
  await inferAll(group, run, recalled ?? { rows, rowOf: row => row }, recalled);
  if (recalled) {
    const left = placeKnown(group, recalled, run.clock());
    if (left.length > 0)
      await inferAll(group, run, { rows: rows.pick(left), rowOf: row => left[row] as number }, recalled);
    recalled.store();
  }
  refuseFailed(group, run);
}

async function inferAll(group: Group, run: Run, todo: Todo, recalled: Recall | undefined): Promise<void> {
  const limit = group.plan.slice.rows;
  let next = 0;
  await allSettled(lanesOf(group.version), async () => {
    while (next < todo.rows.count) {
      const from = next;
      next = Math.min(from + limit, todo.rows.count);
      place(group, await inferInTime(group, run, todo, from, next), recalled);
    }
  });
}

/** By row of the group; rows that were late are left out. */
interface Found extends Inference {
  rowOf(row: number): number;
}

async function inferInTime(group: Group, run: Run, todo: Todo, from: number, to: number): Promise<Found> {
  for (;;) {
    const { late, priority, deadlineMs } = lookAt(group, run, todo, from, to);
    const options = { signal: run.signal, clock: run.clock, timings: run.slices, priority, deadlineMs };
    try {
      if (late.size === 0) {
        return { ...(await infer(group.plan, todo.rows, from, to, options)), rowOf: todo.rowOf };
      }
      const inTime = Array.from({ length: to - from }, (_, i) => from + i).filter(row => !late.has(row));
      const rowOf = (row: number) => todo.rowOf(inTime[row] as number);
      if (inTime.length === 0) return { slices: [], failed: new Map(), rowOf };
      return { ...(await infer(group.plan, todo.rows.pick(inTime), 0, inTime.length, options)), rowOf };
    } catch (thrown) {
      // Those that are late by now are refused, and the others get in line once more.
      if (!(thrown instanceof WaitedTooLong)) throw thrown;
    }
  }
}

/** Which of these rows belong to requests that have ended; of the others, the most urgent priority and the first deadline. */
function lookAt(group: Group, run: Run, { rowOf }: Todo, from: number, to: number) {
  const late = new Set<number>();
  let priority = Number.POSITIVE_INFINITY;
  let deadlineMs = Number.POSITIVE_INFINITY;
  if (!run.isParticular) return { late, priority: 1, deadlineMs };
  const now = run.clock();
  for (let row = from; row < to; row++) {
    const place = group.placeOf[rowOf(row)] as number;
    if (run.refusals.has(place) || run.refuseLate(place, now)) {
      late.add(row);
      continue;
    }
    priority = Math.min(priority, run.priority(place));
    deadlineMs = Math.min(deadlineMs, run.deadlineMs(place));
  }
  return { late, priority, deadlineMs };
}

function place(group: Group, { slices, failed, rowOf }: Found, recalled: Recall | undefined): void {
  const { answers: table } = group;
  for (const { from, to, answers, computeMs, scoredAtMs } of slices) {
    // Where rows were picked out, those of a slice need not stand side by side in the group.
    for (let row = from; row < to; ) {
      const start = row;
      const first = rowOf(start);
      while (row < to && rowOf(row) === first + row - start) row++;
      const placed = { from: first, to: first + row - start, at: start - from, answers, computeMs, scoredAtMs };
      table.add({ ...placed, cached: false });
    }
    for (let row = from; recalled && row < to; row++) recalled.remember(rowOf(row), answers.prediction(row - from));
  }
  for (const [row, error] of failed) group.failed.set(rowOf(row), error);
}

/** Rows that needed no inference: their answers are known, or those of rows before them. Gives those of which neither is so, their twins having been late. */
function placeKnown(group: Group, { repeats }: Recall, nowMs: number): readonly number[] {
  const left: number[] = [];
  for (const { row, like, answers } of repeats) {
    const twin = group.answers.find(like);
    const error = group.failed.get(like);
    if (answers !== undefined) {
      group.answers.add({ from: row, to: row + 1, at: 0, answers, computeMs: 0, scoredAtMs: nowMs, cached: true });
    } else if (error !== undefined) group.failed.set(row, error);
    else if (twin !== undefined) {
      group.answers.add({
        ...twin,
        from: row,
        to: row + 1,
        at: like - twin.from + twin.at,
        computeMs: 0,
        cached: true,
      });
    } else left.push(row);
  }
  return left;
}

/** A request whose instances the model failed on ends with what went wrong with the first of them. */
function refuseFailed({ failed, placeOf }: Group, run: Run): void {
  for (const row of [...failed.keys()].sort((one, other) => one - other)) {
    const place = placeOf[row] as number;
    if (!run.refusals.has(place)) run.refuse(place, failed.get(row) as RequestError);
  }
}
