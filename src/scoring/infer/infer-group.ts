import { allSettled } from '../../core/all-settled.ts';
import { WaitedTooLong } from '../../core/backend.ts';
import type { ResultCache } from '../../core/cache.ts';
import type { RequestError } from '../../core/errors.ts';
import { scoredAtMsOf } from '../answers/pack-answers.ts';
import type { Group } from '../group.ts';
import { noneGood, type Rows } from '../rows/rows.ts';
import type { Run } from '../run.ts';
import { Inference } from './infer.ts';
import { type Recall, recall } from './recall.ts';
import { lanesOf } from './slices.ts';

/** Rows that are to be inferred, and which of the group's rows each of them is; undefined where they are these. */
interface Todo {
  readonly rows: Rows;
  readonly rowOf: ((row: number) => number) | undefined;
}

/**
 * Finds the answers of a group's rows: those that the cache knows, and the others by running the model, a slice at a time. Requests whose time is up before their turn are refused.
 * @throws InfrastructureError; the signal's reason where it is aborted.
 */
export async function inferGroup(group: Group, run: Run, cache: ResultCache | undefined): Promise<void> {
  if (group.isEmpty) return;
  const { plan, rows } = group;
  const recalled = cache && (await recall(plan, rows, cache));
  await inferAll(group, run, recalled ?? { rows, rowOf: undefined }, recalled);
  if (recalled) {
    const left = placeKnown(group, recalled, run.clock());
    if (left.length > 0)
      await inferAll(group, run, { rows: rows.pick(left), rowOf: row => left[row] as number }, recalled);
    recalled.store();
  }
}

/** Rows of different shapes share no run. */
async function inferAll(group: Group, run: Run, todo: Todo, recalled: Recall | undefined): Promise<void> {
  const { rows, rowOf } = todo;
  const shapes = rows.byShape();
  if (shapes === undefined) return inferAlike(group, run, todo, recalled);
  for (const places of shapes) {
    const placeOf = (row: number) => places[row] as number;
    const alike = { rows: rows.pick(places), rowOf: rowOf ? (row: number) => rowOf(placeOf(row)) : placeOf };
    await inferAlike(group, run, alike, recalled);
  }
}

function inferAlike(group: Group, run: Run, todo: Todo, recalled: Recall | undefined): Promise<void> {
  const limit = group.plan.slice.rows;
  let next = 0;
  return allSettled(lanesOf(group.version), async () => {
    while (next < todo.rows.count) {
      const from = next;
      next = endInTime(group, run, todo.rowOf, from, Math.min(from + limit, todo.rows.count));
      await inferInTime(group, run, todo, from, next, recalled);
    }
  });
}

/** Where a slice must end for its rows to have their answers, which come together, by the first of their deadlines. */
function endInTime(group: Group, run: Run, rowOf: Todo['rowOf'], from: number, to: number): number {
  if (!run.hasDeadlines) return to;
  const { pace } = group.plan;
  const now = run.clock();
  if (now + pace.expectMs(to - from) <= run.firstDeadlineMs) return to;
  let rows = 0;
  let firstMs = Number.POSITIVE_INFINITY;
  for (let row = from; row < to; row++) {
    const place = run.placeOf(group, rowOf === undefined ? row : rowOf(row));
    const deadlineMs = run.deadlineMs(place);
    if (run.refusals.has(place) || now + pace.expectMs(1) > deadlineMs) continue; // it will not be scored
    firstMs = Math.min(firstMs, deadlineMs);
    if (rows > 0 && now + pace.expectMs(rows + 1) > firstMs) return row;
    rows++;
  }
  return to;
}

async function inferInTime(
  group: Group,
  run: Run,
  { rows, rowOf }: Todo,
  from: number,
  to: number,
  recalled: Recall | undefined,
): Promise<void> {
  for (let waited = false; ; waited = true) {
    const { late, priority, deadlineMs } = lookAt(group, run, rowOf, from, to, waited);
    const options = { signal: run.signal, clock: run.clock, timings: run.slices, priority, deadlineMs };
    try {
      if (late === undefined) {
        const inference = new Inference(group.plan, rows, options);
        await inference.run(from, to);
        return place(group, inference, to - from, run, rowOf, recalled);
      }
      const inTime = Array.from({ length: to - from }, (_, i) => from + i).filter(row => !late.has(row));
      if (inTime.length === 0) return;
      const inference = new Inference(group.plan, rows.pick(inTime), options);
      await inference.run(0, inTime.length);
      const rowIn = (row: number) => inTime[row] as number;
      return place(
        group,
        inference,
        inTime.length,
        run,
        rowOf === undefined ? rowIn : row => rowOf(rowIn(row)),
        recalled,
      );
    } catch (thrown) {
      // Those that are late by now are refused, and the others get in line once more.
      if (!(thrown instanceof WaitedTooLong)) throw thrown;
    }
  }
}

/** Which of these rows belong to requests that have ended, or will have before their answers are there; of the others, the most urgent priority and by when they must be begun. */
function lookAt(group: Group, run: Run, rowOf: Todo['rowOf'], from: number, to: number, waited: boolean) {
  let late: Set<number> | undefined;
  let priority = Number.POSITIVE_INFINITY;
  let deadlineMs = Number.POSITIVE_INFINITY;
  if (!run.isParticular) return { late, priority: 1, deadlineMs };
  const { pace } = group.plan;
  const now = run.clock();
  const expectedMs = pace.expectMs(1);
  if (!run.hasPriorities && run.refusals.size === 0 && now + expectedMs < run.firstDeadlineMs)
    return { late, priority: 1, deadlineMs: run.firstDeadlineMs - expectedMs };
  let guessed = false;
  for (let row = from; row < to; row++) {
    const place = run.placeOf(group, rowOf === undefined ? row : rowOf(row));
    if (run.refusals.has(place) || run.refuseLate(place, now, expectedMs, waited)) {
      late ??= new Set();
      late.add(row);
      guessed ||= now < run.deadlineMs(place);
      continue;
    }
    priority = Math.min(priority, run.priority(place));
    deadlineMs = Math.min(deadlineMs, run.deadlineMs(place) - expectedMs);
  }
  if (guessed) pace.doubt();
  return { late, priority, deadlineMs };
}

function place(
  { answers: table, failed: failures }: Group,
  { slices, failed }: Inference,
  rowsRun: number,
  run: Run,
  rowOf: Todo['rowOf'],
  recalled: Recall | undefined,
): void {
  for (const { from, to, answers, computeMs, scoredAtMs } of slices) {
    const found = { answers, computeMs, scoredAtMs, cached: false };
    if (rowOf === undefined) {
      table.add({ from, to, at: 0, ...found });
      continue;
    }
    // Where rows were picked out, those of a slice need not stand side by side in the group.
    for (let row = from; row < to; ) {
      const start = row;
      const first = rowOf(start);
      while (row < to && rowOf(row) === first + row - start) row++;
      table.add({ from: first, to: first + row - start, at: start - from, ...found });
    }
    for (let row = from; recalled && row < to; row++) recalled.remember(rowOf(row), answers.prediction(row - from));
  }
  if (failed.size === 0) return;
  const failedRun = { rows: rowsRun, failed: failed.size, failedAtMs: run.clock() };
  const errors = new Map<RequestError, RequestError>();
  for (const [row, error] of failed) {
    let told = errors.get(error);
    if (told === undefined) {
      told = error.of(failedRun);
      errors.set(error, told);
    }
    failures.set(rowOf === undefined ? row : rowOf(row), told);
  }
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

/** A request whose instances the model failed on ends with what went wrong with the first of them; a pack that skips bad rows does without these. */
export function refuseFailed(group: Group, run: Run): void {
  const { failed } = group;
  if (failed.size === 0) return;
  for (const row of [...failed.keys()].sort((one, other) => one - other)) {
    const place = run.placeOf(group, row);
    if (run.refusals.has(place)) continue;
    const error = failed.get(row) as RequestError;
    const listed = run.listed(place);
    const offset = row - run.firstRow(place);
    if (listed === 0) run.refuse(place, error);
    else if (run.request(place).onError === 'skip') {
      const gaps = run.gapsOf(place, listed);
      gaps.errors.set(gaps.indexOf(offset), error);
    } else run.refuse(place, error.in({ index: offset, id: run.request(place).ids?.[offset] }));
  }
}

/** A request whose answer came after its time was up is refused, whatever answered it. */
export function refuseAnsweredLate(run: Run): void {
  if (!run.hasDeadlines) return;
  for (let place = 0; place < run.count; place++) {
    const way = run.ways[place];
    if (way !== undefined && !run.refusals.has(place)) run.refuseAnsweredLate(place, scoredAtMsOf(run, way, place));
  }
}

/** A pack of which no row has an answer is refused. */
export function refuseEmpty(run: Run): void {
  for (const [place, gaps] of run.gappy) {
    if (gaps.isEmpty && !run.refusals.has(place)) run.refuse(place, noneGood(gaps.errors, run.request(place).ids));
  }
}
