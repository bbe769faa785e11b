import type { TableScorer } from '../../core/table-scorer.ts';
import { type ColumnPlan, outsideNames } from '../columns.ts';
import type { OutputForm } from '../output-form.ts';
import type { BatchOptions, Range, RangeResult, Source } from '../range.ts';
import { ScoredRows } from '../scored-rows.ts';
import { CsvCells } from './csv-cells.ts';
import { type CsvForm, isLineEnd } from './form.ts';
import { CsvReader } from './read-csv.ts';
import { CUT } from './split-row.ts';
import { findFirst, openWindow } from './window.ts';

/** A CSV, a model and what is asked: worked out once, for all ranges. */
export interface CsvTable {
  readonly source: Source;
  readonly form: CsvForm;
  readonly plan: ColumnPlan;
  readonly scorer: TableScorer;
  readonly output: OutputForm;
  readonly options: BatchOptions;
}

/** Bytes of a rejected row that are shown. */
const MAX_RAW_BYTES = 4096;
const LF = 10;

/** Scores the rows of a range. @throws InfrastructureError; the signal's reason. */
export async function scoreCsv(table: CsvTable, range: Range, signal: AbortSignal): Promise<RangeResult> {
  const { source, form, plan, scorer, output, options } = table;
  const window = await openWindow(source, range);
  const cells = new CsvCells(form, plan.kept, options.format === 'csv');
  const encoding = form.encoding === 'utf-8' ? 'utf8' : 'latin1';
  const [id, kept] = outsideNames(plan);
  const scored = new ScoredRows({
    scorer,
    output,
    options,
    cells,
    kept,
    id: plan.id === undefined ? undefined : id,
    firstRow: range.firstRow,
    expected: window.bytes.length,
    into: range.into,
    raw: (from, to) => ({
      place: window.offset + from,
      text: window.bytes.toString(encoding, from, Math.min(to, from + MAX_RAW_BYTES)).replace(/\r?\n$/, ''),
    }),
  });
  const { rows, features: tally } = scored;
  const features = scorer.version.card.features;
  const reader = new CsvReader({ form, plan, features, plainWidth: scorer.plainWidth, rows, cells, tally });
  const flush = async () => {
    cells.in(window.bytes);
    await scored.flush(signal);
  };

  let at = await findFirst(window, table, range);
  const start = window.offset + at;
  for (;;) {
    if (at >= window.bytes.length && !window.last) {
      await flush();
      await window.extend(at);
      at = 0;
    }
    const { bytes, last } = window;
    if (at >= bytes.length || window.offset + at >= range.to) break;
    if (isLineEnd(bytes, at) && (last || at + 1 < bytes.length)) {
      at += bytes[at] === LF ? 1 : 2;
      continue;
    }
    const read = reader.readPlain(bytes, at, Math.min(bytes.length, range.to - window.offset), scored);
    if (read > at) {
      at = read;
      if (scored.isFull) await flush();
      continue;
    }
    const next = reader.read(bytes, at, last);
    if (next === CUT) {
      await flush();
      await window.extend(at);
      at = 0;
      continue;
    }
    if (reader.error === undefined) scored.accept(at, next);
    else scored.reject(at, next, reader.error);
    at = next;
    if (scored.isFull) await flush();
  }
  await flush();
  return scored.result(start, Math.min(window.offset + at, source.size));
}
