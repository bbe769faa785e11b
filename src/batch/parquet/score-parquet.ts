import { RequestError } from '../../core/errors.ts';
import type { TableScorer } from '../../core/table-scorer.ts';
import { bigsAsText } from '../cells.ts';
import { type ColumnPlan, outsideNames } from '../columns.ts';
import type { OutputForm } from '../output-form.ts';
import type { BatchOptions, Range, RangeResult } from '../range.ts';
import { ScoredRows } from '../scored-rows.ts';
import { ColumnCells } from './column-cells.ts';
import type { Column, ParquetFile } from './parquet-file.ts';

export interface ParquetTable {
  readonly file: ParquetFile;
  readonly plan: ColumnPlan;
  readonly scorer: TableScorer;
  readonly output: OutputForm;
  readonly options: BatchOptions;
}

/** Larger ones round to infinity as float32, or beyond what it holds. */
const FLOAT32_LIMIT = 2 ** 128 - 2 ** 103;
const MAX_RAW_LENGTH = 4096;

/** Scores rows of a range, a row group's columns at a time. @throws BatchRefusal; InfrastructureError; the signal's reason. */
export async function scoreParquet(table: ParquetTable, range: Range, signal: AbortSignal): Promise<RangeResult> {
  const { file, plan, scorer, output, options } = table;
  const [id, kept] = outsideNames(plan);
  const { names, columnOf } = plan;
  const types = [plan.id === undefined ? 'INT64' : file.typeOf(id), ...kept.map(name => file.typeOf(name))] as const;
  const cells = new ColumnCells(types, scorer.blockRows);
  const columns = new Map<number, Column>();
  let group = range.start ?? range.from;
  const start = group;
  const scored = new ScoredRows({
    scorer,
    output,
    options,
    cells,
    kept,
    id: plan.id === undefined ? undefined : id,
    firstRow: range.firstRow,
    expected: 64 * (range.to - range.from),
    raw: place => ({ place, text: rawOf(plan, columns, place - group) }),
  });
  const wanted = [...new Set([...columnOf, plan.id ?? -1, ...plan.kept])].filter(column => column >= 0);
  while (group < range.to) {
    const next = file.groups.find(({ from }) => from > group)?.from ?? file.rows;
    const to = Math.min(next, range.to);
    columns.clear();
    for (const column of wanted) columns.set(column, await file.read(names[column] as string, group, to));
    cells.columns = [plan.id, ...plan.kept].map(column => (column === undefined ? undefined : columns.get(column)));
    await scoreGroup(table, columns, { from: group, to }, scored, cells, signal);
    group = to;
  }
  return scored.result(start, Math.max(start, range.to));
}

async function scoreGroup(
  { plan, scorer }: ParquetTable,
  columns: ReadonlyMap<number, Column>,
  { from, to }: Pick<Range, 'from' | 'to'>,
  scored: ScoredRows,
  cells: ColumnCells,
  signal: AbortSignal,
): Promise<void> {
  const { rows, features: tally } = scored;
  const { features } = scorer.version.card;
  const given = plan.columnOf.map(column => columns.get(column));
  const width = scorer.plainWidth;
  const values = new Array<unknown>(features.length);
  const alone = features.length === 1 && features[0]?.type === 'tensor';
  for (let row = 0; row < to - from; row++) {
    if (width > 0 && addPlain(given, row, rows.plain(rows.count + 1), rows.count * width)) rows.took(1);
    else {
      for (let i = 0; i < values.length; i++) values[i] = asJson(given[i]?.[row]);
      try {
        rows.add(alone ? values[0] : values);
        tally.add(values, width === 0);
      } catch (thrown) {
        if (!(thrown instanceof RequestError)) throw thrown;
        tally.add(values, false);
        scored.reject(from + row, from + row, thrown);
        continue;
      }
    }
    cells.set(rows.count - 1, row);
    scored.accept(from + row, from + row);
    if (scored.isFull) await scored.flush(signal);
  }
  await scored.flush(signal);
}

/** False where a value is no plain number, or one that float32 cannot hold. */
function addPlain(columns: readonly (Column | undefined)[], row: number, into: Float32Array, offset: number): boolean {
  for (let i = 0; i < columns.length; i++) {
    const value = columns[i]?.[row];
    if (typeof value !== 'number' || !(value < FLOAT32_LIMIT && value > -FLOAT32_LIMIT)) return false;
    into[offset + i] = value;
  }
  return true;
}

/** As JSON would have it: whole numbers beyond a double's are texts. */
function asJson(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (value instanceof Date) return value.toISOString();
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return Array.from(value as never, asJson);
  return Array.isArray(value) ? value.map(asJson) : value;
}

function rawOf({ names }: ColumnPlan, columns: ReadonlyMap<number, Column>, row: number): string {
  const values = [...columns].map(([column, values]) => [names[column] as string, values[row]]);
  return JSON.stringify(Object.fromEntries(values), bigsAsText).slice(0, MAX_RAW_LENGTH);
}
