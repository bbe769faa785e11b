import type { TableScorer } from '../../core/table-scorer.ts';
import type { BatchTable } from '../batch-table.ts';
import { outsideNames, planColumns } from '../columns.ts';
import { everySo } from '../every-so.ts';
import { outputFormOf } from '../output-form.ts';
import { BatchRefusal } from '../problems.ts';
import type { BatchOptions, Range, Source } from '../range.ts';
import { headerOf } from '../writer.ts';
import { isNested, readObject } from './line.ts';
import { eachLine } from './lines.ts';
import { scoreNdjson } from './score-ndjson.ts';

/** Of the input, for the names of its members. */
const HEAD_BYTES = 64 * 1024;

/**
 * NDJSON: an object a line, its members the features by name, or one of them, `features`, as in a request. The columns are the members that its first lines have.
 * @throws BatchRefusal; InfrastructureError
 */
export async function openNdjson(source: Source, scorer: TableScorer, options: BatchOptions): Promise<BatchTable> {
  if (source.size === 0) throw new BatchRefusal('the file is empty; a JSON object a line is expected');
  const { features } = scorer.version.card;
  const head = await source.read(0, Math.min(HEAD_BYTES, source.size));
  const lines = head.toString('utf8', 0, head.length === source.size ? head.length : head.lastIndexOf(10) + 1);
  const objects = lines
    .split('\n')
    .map(readObject)
    .filter(object => object !== undefined);
  if (objects.length === 0)
    throw new BatchRefusal(lines.trim() === '' ? 'the file has no row' : 'none of the first lines is a JSON object');
  const nested = objects.some(object => isNested(object, features));
  const names = [...new Set(objects.flatMap(object => Object.keys(object)))];
  const output = outputFormOf(scorer.version, options);
  const plan = planColumns(names, nested ? [] : features, output.own, options);
  const [id, kept] = outsideNames(plan);
  const table = { source, scorer, output, options, id: plan.id === undefined ? undefined : id, kept };
  return {
    header: headerOf(output, options, id, kept),
    from: 0,
    to: source.size,
    cuts: bytes => everySo(0, source.size, bytes),
    score: (range, signal) => scoreNdjson(table, range, signal),
    async count(range: Range) {
      let rows = 0;
      const { start, end } = await eachLine(source, range, async () => {
        rows++;
      });
      return { start, end, rows };
    },
  };
}
