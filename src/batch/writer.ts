import type { OutputForm } from './output-form.ts';
import type { BatchOptions } from './range.ts';
import type { RowWriter, WriterOptions } from './row-writer.ts';
import { CsvWriter } from './write-csv.ts';
import { NdjsonWriter } from './write-ndjson.ts';
import { ParquetWriter } from './write-parquet.ts';

export function createWriter(options: WriterOptions): RowWriter {
  if (options.format === 'parquet') return new ParquetWriter(options);
  return options.format === 'ndjson' ? new NdjsonWriter(options) : new CsvWriter(options);
}

/** What an output in that format begins with. */
export function headerOf(
  { answer }: OutputForm,
  { format }: BatchOptions,
  id: string,
  kept: readonly string[],
): Buffer {
  return format === 'csv' ? CsvWriter.header([id, ...answer, 'timestamp', 'model_version', ...kept]) : Buffer.alloc(0);
}
