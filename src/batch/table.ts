import type { TableScorer } from '../core/table-scorer.ts';
import { planColumns } from './columns.ts';
import { type CsvFormOptions, readCsvForm } from './csv/form.ts';
import { scoreCsv } from './csv/score-csv.ts';
import { outputFormOf } from './output-form.ts';
import type { BatchOptions, Range, RangeResult } from './range.ts';
import { csvCell } from './write-csv.ts';

/** An input that is scored range by range, in any order and by anybody: the ranges' outputs one after the other are the whole's. */
export interface BatchTable {
  /** What the output begins with. */
  readonly header: Buffer;
  /** Where the first row begins, bytes. */
  readonly dataStart: number;
  /** @throws InfrastructureError where the model's backend is away; the signal's reason. Rows that cannot be scored are in the result. */
  score(range: Range, signal: AbortSignal): Promise<RangeResult>;
}

export interface TableInput extends CsvFormOptions {
  readonly format: 'csv';
  /** The first `HEAD_BYTES` bytes of the input, or all of it. */
  readonly head: Buffer;
  /** Of the whole input, bytes. */
  readonly size: number;
}

/**
 * The same input, model and options make the same table wherever it is opened.
 * @throws BatchRefusal where the input cannot be scored by the model: what is wrong, and what was expected
 */
export function openTable(input: TableInput, scorer: TableScorer, options: BatchOptions): BatchTable {
  const output = outputFormOf(scorer.version, options);
  const form = readCsvForm(input.head, input.size, input);
  const plan = planColumns(form.names, scorer.version.card.features, output.own, options);
  const names = [
    plan.id === undefined ? 'row' : (plan.names[plan.id] as string),
    ...output.answer,
    'timestamp',
    'model_version',
    ...plan.kept.map(column => plan.names[column] as string),
  ];
  const table = { form, plan, scorer, output, options };
  return {
    header: Buffer.from(`${names.map(csvCell).join(',')}\n`),
    dataStart: form.dataStart,
    score: (range, signal) => scoreCsv(table, range, signal),
  };
}
