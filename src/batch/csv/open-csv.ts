import type { TableScorer } from '../../core/table-scorer.ts';
import type { BatchTable } from '../batch-table.ts';
import { outsideNames, planColumns } from '../columns.ts';
import { everySo } from '../every-so.ts';
import { outputFormOf } from '../output-form.ts';
import type { BatchOptions, Source } from '../range.ts';
import { headerOf } from '../writer.ts';
import { countCsv } from './count-csv.ts';
import { countQuotes } from './count-quotes.ts';
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
  const table = { source, form: found, plan, scorer, output, options };
  return {
    header: headerOf(output, options, ...outsideNames(plan)),
    from: found.dataStart,
    to: source.size,
    cuts: bytes => everySo(found.dataStart, source.size, bytes),
    score: (range, signal) => scoreCsv(table, range, signal),
    count: range => countCsv(table, range),
    quotes: range => countQuotes(source, range),
  };
}
