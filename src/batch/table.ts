import type { Decoder } from '../core/codec.ts';
import type { TableScorer } from '../core/table-scorer.ts';
import type { BatchTable, TableForm } from './batch-table.ts';
import { openCapture } from './capture/open-capture.ts';
import { openCsv } from './csv/open-csv.ts';
import { openNdjson } from './ndjson/open-ndjson.ts';
import { openParquet } from './parquet/open-parquet.ts';
import type { BatchOptions, Source } from './range.ts';

export type { BatchTable, TableForm } from './batch-table.ts';

/**
 * The same input, model and options make the same table wherever it is opened.
 * @param decoder reads events; for files of Capture alone
 * @throws BatchRefusal where the input cannot be scored by the model: what is wrong, and what was expected; InfrastructureError
 */
export function openTable(
  source: Source,
  form: TableForm,
  scorer: TableScorer,
  options: BatchOptions,
  decoder?: Decoder,
): Promise<BatchTable> {
  if (form.format === 'capture') return openCapture(source, scorer, options, decoder);
  if (form.format === 'ndjson') return openNdjson(source, scorer, options);
  if (form.format === 'parquet') return openParquet(source, scorer, options);
  return openCsv(source, form, scorer, options);
}
