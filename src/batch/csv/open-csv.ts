import type { TableScorer } from '../../core/table-scorer.ts';
import { planColumns } from '../columns.ts';
import { outputFormOf } from '../output-form.ts';
import type { BatchOptions, Source } from '../range.ts';
import type { BatchTable } from '../table.ts';
import { csvCell } from '../write-csv.ts';
import { countCsv } from './count-csv.ts';
import { type CsvFormOptions, HEAD_BYTES, readCsvForm } from './form.ts';
import { scoreCsv } from './score-csv.ts';

/** @throws BatchRefusal; InfrastructureError */
export async function openCsv(
  source: Source,
  form: CsvFormOptions,
  scorer: TableScorer,
  options: BatchOptions,
): Promise<BatchTable> {
  const head = await source.read(0, Math.min(HEAD_BYTES, source.size));
  const output = outputFormOf(scorer.version, options);
  const found = readCsvForm(head, source.size, form);
  const plan = planColumns(found.names, scorer.version.card.features, output.own, options);
  const names = [
    plan.id === undefined ? 'row' : (plan.names[plan.id] as string),
    ...output.answer,
    'timestamp',
    'model_version',
    ...plan.kept.map(column => plan.names[column] as string),
  ];
  const table = { source, form: found, plan, scorer, output, options };
  return {
    header: Buffer.from(`${names.map(csvCell).join(',')}\n`),
    from: found.dataStart,
    to: source.size,
    cuts: bytes => everySo(found.dataStart, source.size, bytes),
    score: (range, signal) => scoreCsv(table, range, signal),
    count: range => countCsv(table, range),
  };
}

/** Equal parts of at most so much. */
export function everySo(from: number, to: number, most: number): number[] {
  const parts = Math.max(1, Math.ceil((to - from) / most));
  return Array.from({ length: parts - 1 }, (_, i) => from + Math.ceil(((i + 1) * (to - from)) / parts));
}
