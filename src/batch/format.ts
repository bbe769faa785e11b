import { basename } from 'node:path';
import type { OutputFormat } from './range.ts';

export const INPUT_FORMATS = ['csv', 'ndjson', 'parquet', 'capture'] as const;
export type InputFormat = (typeof INPUT_FORMATS)[number];

const BY_EXTENSION: Readonly<Record<string, InputFormat>> = {
  csv: 'csv',
  tsv: 'csv',
  txt: 'csv',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  json: 'ndjson',
  parquet: 'parquet',
  avro: 'capture',
};

/** What a file is by its name, `.gz` and `.zst` aside; undefined where that does not tell. */
export function formatOf(path: string): InputFormat | undefined {
  const extension = /\.([^.]+)$/.exec(basename(path).replace(/\.(gz|zst)$/i, ''))?.[1];
  return extension === undefined ? undefined : BY_EXTENSION[extension.toLowerCase()];
}

/** What an output is by its name; undefined where that does not tell. */
export function outputFormatOf(path: string): OutputFormat | undefined {
  const format = formatOf(path);
  return format === 'capture' ? undefined : format;
}
