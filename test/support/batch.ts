import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createOnnxLoader } from '../../src/backends/onnx/onnx-loader.ts';
import type { CsvFormOptions } from '../../src/batch/csv/form.ts';
import type { BatchOptions, RangeResult, Source } from '../../src/batch/range.ts';
import { mergeStatistics, NO_STATISTICS } from '../../src/batch/statistics.ts';
import { type BatchTable, openTable } from '../../src/batch/table.ts';
import type { ModelVersion } from '../../src/core/model.ts';
import { parseCard } from '../../src/models/card.ts';
import { openModelFiles } from '../../src/models/open-files.ts';
import { createTableScorer } from '../../src/scoring/table.ts';
import { quiet } from './events.ts';
import { modelVersion, tensor } from './model-version.ts';

const ROOT = join(import.meta.dirname, '../..');

/** A model of the samples or the fixtures, as the catalog opens it. `threads` as WORKER_THREADS has it: 0 runs it in-line. */
export async function openVersion(
  path: string,
  threads = 0,
): Promise<{ readonly version: ModelVersion; close(): Promise<void> }> {
  const folder = join(ROOT, path);
  const [name = '', version = ''] = path.split('/').slice(-2);
  const raw = parseCard(readFileSync(join(folder, 'model.json')), 'model.json');
  const loader = createOnnxLoader({ threads, inlineMaxMs: 1, workerMinMs: 5, log: quiet });
  const files = { name, version, file: join(folder, 'model.onnx'), card: join(folder, 'model.json') };
  const opened = await openModelFiles(files, raw, [loader]);
  return { version: opened.version, close: () => opened.close().then(loader.close) };
}

export const TIMESTAMP = '2026-11-20T02:00:00.000Z';

export function batchOptions(change: Partial<BatchOptions> = {}): BatchOptions {
  return {
    idColumn: 'id',
    includeFeatures: false,
    includeProbabilities: false,
    format: 'csv',
    timestamp: TIMESTAMP,
    ...change,
  };
}

/** Bytes in memory. */
export function memorySource(bytes: Buffer): Source {
  return { size: bytes.length, read: async (offset, length) => bytes.subarray(offset, offset + length) };
}

export function csvTable(
  version: ModelVersion,
  csv: Buffer,
  { delimiter, encoding, ...change }: Partial<BatchOptions> & CsvFormOptions = {},
): Promise<BatchTable> {
  const scorer = createTableScorer(version, Date.now);
  return openTable(memorySource(csv), { format: 'csv', delimiter, encoding }, scorer, batchOptions(change));
}

/** Scores ranges between cuts, anew from where the one before ended where the chain is broken. */
export async function scoreInRanges(table: BatchTable, cuts: readonly number[], tailBytes?: number) {
  const bounds = [0, ...cuts, table.to];
  const results: RangeResult[] = [];
  let broken = 0;
  let end = table.from;
  const signal = new AbortController().signal;
  for (let i = 0; i + 1 < bounds.length; i++) {
    const [from, to] = [bounds[i] as number, bounds[i + 1] as number];
    let result = await table.score({ from, to, tailBytes }, signal);
    if (result.start !== end) {
      broken++;
      result = await table.score({ from, to, start: end, tailBytes }, signal);
    }
    end = result.end;
    results.push(result);
  }
  let before = 0;
  const rejects = results.flatMap(result => {
    const numbered = result.rejects.map(reject => ({ ...reject, row: reject.row + before }));
    before += result.rows;
    return numbered;
  });
  return {
    end,
    broken,
    rows: before,
    output: Buffer.concat([table.header, ...results.map(({ output }) => output)]).toString(),
    rejects,
    statistics: results.map(({ statistics }) => statistics).reduce(mergeStatistics, NO_STATISTICS),
  };
}

/** Sums its two numbers, so that what was read shows. */
export const sums = modelVersion({
  inputs: ['x: float32[?,2]'],
  outputs: ['y: float32[?,1]'],
  card: { features: [{ name: 'a' }, { name: 'b' }], outputs: { value: 'y' } },
  predict: ({ x }) => {
    const data = (x as { data: Float32Array }).data;
    const rows = data.length / 2;
    return {
      y: tensor(
        'float32',
        [rows, 1],
        Array.from({ length: rows }, (_, i) => (data[2 * i] as number) + (data[2 * i + 1] as number)),
      ),
    };
  },
});
