import { basename } from 'node:path';

export const INPUT_FORMATS = ['csv', 'ndjson', 'parquet'] as const;
export type InputFormat = (typeof INPUT_FORMATS)[number];

const BY_EXTENSION: Readonly<Record<string, InputFormat>> = {
  csv: 'csv',
  tsv: 'csv',
  txt: 'csv',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  json: 'ndjson',
  parquet: 'parquet',
};

/** What a file is by its name, `.gz` and `.zst` aside; undefined where that does not tell. */
export function formatOf(path: string): InputFormat | undefined {
  const extension = /\.([^.]+)$/.exec(basename(path).replace(/\.(gz|zst)$/i, ''))?.[1];
  return extension === undefined ? undefined : BY_EXTENSION[extension.toLowerCase()];
}
