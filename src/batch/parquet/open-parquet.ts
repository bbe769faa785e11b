import type { TableScorer } from '../../core/table-scorer.ts';
import type { BatchTable } from '../batch-table.ts';
import { outsideNames, planColumns } from '../columns.ts';
import { outputFormOf } from '../output-form.ts';
import { BatchRefusal } from '../problems.ts';
import type { BatchOptions, Source } from '../range.ts';
import { headerOf } from '../writer.ts';
import { openParquetFile, type ParquetFile } from './parquet-file.ts';
import { scoreParquet } from './score-parquet.ts';

/** Parquet: its places are rows, and it is cut where row groups begin. @throws BatchRefusal; InfrastructureError */
export async function openParquet(source: Source, scorer: TableScorer, options: BatchOptions): Promise<BatchTable> {
  const file = await openParquetFile(source);
  if (file.rows === 0) throw new BatchRefusal('the file has no row');
  const output = outputFormOf(scorer.version, options);
  const plan = planColumns(file.names, scorer.version.card.features, output.own, options);
  const table = { file, plan, scorer, output, options };
  return {
    header: headerOf(output, options, ...outsideNames(plan)),
    from: 0,
    to: file.rows,
    cuts: bytes => groupCuts(file, bytes),
    score: (range, signal) => scoreParquet(table, range, signal),
    count: async ({ from, to, start = from }) => ({ start, end: Math.max(start, to), rows: Math.max(0, to - start) }),
  };
}

function groupCuts({ groups }: ParquetFile, most: number): number[] {
  const cuts: number[] = [];
  let sum = 0;
  for (const { from, bytes } of groups) {
    if (sum > 0 && sum + bytes > most) {
      cuts.push(from);
      sum = 0;
    }
    sum += bytes;
  }
  return cuts;
}
