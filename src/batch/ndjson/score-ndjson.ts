import { isUtf8 } from 'node:buffer';
import { asError, malformed, RequestError } from '../../core/errors.ts';
import type { TableScorer } from '../../core/table-scorer.ts';
import { ValueCells } from '../cells.ts';
import type { OutputForm } from '../output-form.ts';
import type { BatchOptions, Range, RangeResult, Source } from '../range.ts';
import { ScoredRows } from '../scored-rows.ts';
import { isNested, type JsonObject, readObject } from './line.ts';
import { eachLine } from './lines.ts';

export interface NdjsonTable {
  readonly source: Source;
  readonly scorer: TableScorer;
  readonly output: OutputForm;
  readonly options: BatchOptions;
  /** Undefined: rows are numbered. */
  readonly id: string | undefined;
  readonly kept: readonly string[];
}

/** Bytes of a rejected row that are shown. */
const MAX_RAW_BYTES = 4096;

/** Scores the lines of a range. @throws InfrastructureError; the signal's reason. */
export async function scoreNdjson(table: NdjsonTable, range: Range, signal: AbortSignal): Promise<RangeResult> {
  const { source, scorer, id, kept } = table;
  const { features } = scorer.version.card;
  const cells = new ValueCells(1 + kept.length);
  const expected = range.to - range.from;
  /** By place; of the rows of a block. */
  const lines = new Map<number, Buffer>();
  const raw = (from: number) => ({ place: from, text: (lines.get(from) as Buffer).toString('utf8', 0, MAX_RAW_BYTES) });
  const scored = new ScoredRows({ ...table, cells, firstRow: range.firstRow, expected, into: range.into, raw });

  const add = (line: Buffer) => {
    const object = isUtf8(line) ? readObject(line.toString('utf8')) : undefined;
    if (object === undefined) throw malformed(isUtf8(line) ? 'the line is no JSON object' : 'the line is no UTF-8');
    if (id !== undefined && (object[id] === undefined || object[id] === null))
      throw malformed(`the row has no ${JSON.stringify(id)}`);
    const instance = isNested(object, features) ? object.features : object;
    const values = features.map(({ name }, i) =>
      Array.isArray(instance) ? instance[i] : (instance as JsonObject)[name],
    );
    try {
      scored.rows.add(instance);
    } catch (thrown) {
      scored.features.add(values, false);
      throw thrown;
    }
    scored.features.add(values, scorer.plainWidth === 0);
    cells.set(scored.rows.count - 1, [id === undefined ? null : object[id], ...kept.map(name => object[name])]);
  };

  const { start, end } = await eachLine(source, range, async (line, place) => {
    lines.set(place, line);
    try {
      add(line);
      scored.accept(place, place);
    } catch (thrown) {
      if (!(thrown instanceof RequestError)) throw asError(thrown);
      scored.reject(place, place, thrown);
    }
    if (!scored.isFull) return;
    await scored.flush(signal);
    lines.clear();
  });
  await scored.flush(signal);
  return scored.result(start, end);
}
