import type { RequestError } from '../../core/errors.ts';
import type { TableScorer } from '../../core/table-scorer.ts';
import type { ColumnPlan } from '../columns.ts';
import { FeatureTally } from '../features.ts';
import { Growing } from '../growing.ts';
import { NumberedCells } from '../numbered-cells.ts';
import type { OutputForm } from '../output-form.ts';
import type { BatchOptions, Range, RangeResult, Reject, Source } from '../range.ts';
import { ScoreTally } from '../scores.ts';
import { CsvWriter } from '../write-csv.ts';
import { CsvCells } from './csv-cells.ts';
import { type CsvForm, isLineEnd } from './form.ts';
import { CsvReader } from './read-csv.ts';
import { CUT } from './split-row.ts';
import { findFirst, openWindow, type Window } from './window.ts';

/** A CSV, a model and what is asked: worked out once, for all ranges. */
export interface CsvTable {
  readonly source: Source;
  readonly form: CsvForm;
  readonly plan: ColumnPlan;
  readonly scorer: TableScorer;
  readonly output: OutputForm;
  readonly options: BatchOptions;
}

/** Bytes of a rejected row that are shown. */
const MAX_RAW_BYTES = 4096;
/** Others' requests go before. */
const PRIORITY = 9;

/** Scores the rows of a range. @throws InfrastructureError; the signal's reason. */
export async function scoreCsv(table: CsvTable, range: Range, signal: AbortSignal): Promise<RangeResult> {
  const scoring = new CsvScoring(table, range, await openWindow(table.source, range));
  await scoring.run(signal);
  return scoring.result();
}

class CsvScoring {
  readonly #table: CsvTable;
  readonly #range: Range;
  readonly #window: Window;
  readonly #rejects: Reject[] = [];
  readonly #codes = new Map<string, number>();
  readonly #features: FeatureTally;
  readonly #scores = new ScoreTally();
  readonly #out: Growing;
  #start = 0;
  #end = 0;
  #rows = 0;

  constructor(table: CsvTable, range: Range, window: Window) {
    this.#table = table;
    this.#range = range;
    this.#window = window;
    this.#features = new FeatureTally(table.scorer.version.card.features);
    this.#out = new Growing(window.bytes.length);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { form, plan, scorer, output, options } = this.#table;
    const rows = scorer.begin();
    const cells = new CsvCells(form, 1 + plan.kept.length);
    const features = scorer.version.card.features;
    const tally = this.#features;
    const reader = new CsvReader({ form, plan, features, plainWidth: scorer.plainWidth, rows, cells, tally });
    const writer = new CsvWriter({
      form: output,
      modelVersion: scorer.version.label,
      timestamp: options.timestamp,
      kept: plan.kept.length,
      tally: this.#scores,
    });
    const firstRow = this.#range.firstRow ?? 1;
    const block = new BlockRows(scorer.blockRows);
    const numbered = plan.id === undefined ? new NumberedCells(cells, block.numbers) : cells;
    const window = this.#window;
    const flush = async () => {
      if (rows.count === 0) return;
      if (scorer.plainWidth > 0) tally.addPlain(rows.plain(rows.count), rows.count);
      cells.in(window.bytes);
      const { failed, runs } = await rows.answer({ signal, priority: PRIORITY });
      for (const run of runs) writer.write(this.#out, run, numbered);
      for (const [row, error] of failed)
        this.#reject(block.numbers[row] as number, block.starts[row] as number, block.ends[row] as number, error);
      rows.clear();
    };

    let at = await findFirst(window, this.#table, this.#range);
    this.#start = window.offset + at;
    for (;;) {
      if (at >= window.bytes.length && !window.last) {
        await flush();
        await window.extend(at);
        at = 0;
      }
      if (at >= window.bytes.length || window.offset + at >= this.#range.to) break;
      if (isLineEnd(window.bytes, at) && (window.last || at + 1 < window.bytes.length)) {
        at += window.bytes[at] === 10 ? 1 : 2;
        continue;
      }
      const row = rows.count;
      const next = reader.read(window.bytes, at, window.last);
      if (next === CUT) {
        await flush();
        await window.extend(at);
        at = 0;
        continue;
      }
      const number = firstRow + this.#rows++;
      if (reader.error === undefined) block.set(row, number, at, next);
      else this.#reject(number, at, next, reader.error);
      at = next;
      if (rows.count >= block.size) await flush();
    }
    await flush();
    this.#end = Math.min(window.offset + at, this.#table.source.size);
  }

  #reject(row: number, at: number, next: number, { code, message }: RequestError): void {
    const { bytes, offset } = this.#window;
    const end = Math.min(next, at + MAX_RAW_BYTES);
    const raw = bytes
      .toString(this.#table.form.encoding === 'utf-8' ? 'utf8' : 'latin1', at, end)
      .replace(/\r?\n$/, '');
    this.#rejects.push({ row, offset: offset + at, code, message, raw });
    this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1);
  }

  result(): RangeResult {
    const rejects = this.#rejects.sort((one, other) => one.row - other.row);
    return {
      start: this.#start,
      end: this.#end,
      rows: this.#rows,
      output: this.#out.written,
      rejects,
      statistics: {
        rows: { scored: this.#scores.scored, rejected: rejects.length },
        codes: Object.fromEntries(this.#codes),
        score: this.#scores.score,
        classes: this.#scores.classes,
        features: this.#features.statistics,
      },
    };
  }
}

/** Where the rows of a block stand: number in the input, first byte and the one behind the last. */
class BlockRows {
  readonly size: number;
  readonly numbers: Float64Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;

  constructor(size: number) {
    this.size = size;
    this.numbers = new Float64Array(size);
    this.starts = new Int32Array(size);
    this.ends = new Int32Array(size);
  }

  set(row: number, number: number, start: number, end: number): void {
    this.numbers[row] = number;
    this.starts[row] = start;
    this.ends[row] = end;
  }
}
