import type { RequestError } from '../core/errors.ts';
import type { InputCounter, TableRows, TableScorer } from '../core/table-scorer.ts';
import type { Cells } from './cells.ts';
import { FeatureTally } from './features.ts';
import { NumberedCells } from './numbered-cells.ts';
import type { OutputForm } from './output-form.ts';
import type { BatchOptions, RangeResult, Reject } from './range.ts';
import type { RowWriter } from './row-writer.ts';
import { ScoreTally } from './scores.ts';
import { createWriter } from './writer.ts';

export interface ScoredRowsOptions {
  readonly scorer: TableScorer;
  readonly output: OutputForm;
  readonly options: BatchOptions;
  readonly cells: Cells;
  /** Names of the columns kept. */
  readonly kept: readonly string[];
  /** Undefined: rows are numbered. */
  readonly id: string | undefined;
  readonly firstRow: number | undefined;
  /** Bytes of the output, about. */
  readonly expected: number;
  readonly into?: Buffer | undefined;
  /** What the input has between two places, for the one who looks at a reject. */
  raw(from: number, to: number): { readonly place: number; readonly text: string };
}

/** Others' requests go before. */
const PRIORITY = 9;
/** Of a larger part not every row is counted for drift: what a tenth more of its time would tell, the others tell as well. */
const ALL_BYTES = 1024 * 1024;
const EVERY = 8;

/** The rows of a range on their way: gathered, answered block by block, written; what cannot be scored is told. */
export class ScoredRows {
  readonly rows: TableRows;
  readonly features: FeatureTally;
  readonly #options: ScoredRowsOptions;
  readonly #cells: Cells;
  readonly #scores = new ScoreTally();
  readonly #writer: RowWriter;
  readonly #rejects: Reject[] = [];
  readonly #codes = new Map<string, number>();
  /** By row of the block: its number in the input, and between which places it stands. */
  readonly #numbers: Float64Array;
  readonly #froms: Float64Array;
  readonly #tos: Float64Array;
  readonly #plain: boolean;
  readonly #blockRows: number;
  readonly #counter: InputCounter | undefined;
  #read = 0;

  constructor(options: ScoredRowsOptions) {
    const { scorer, output, cells, kept, id, expected, into } = options;
    this.#options = options;
    this.rows = scorer.begin();
    this.#counter = scorer.inputs?.begin(expected > ALL_BYTES ? EVERY : 1);
    this.features = new FeatureTally(scorer.version.card.features, this.#counter);
    this.#plain = scorer.plainWidth > 0;
    this.#blockRows = scorer.blockRows;
    this.#numbers = new Float64Array(scorer.blockRows);
    this.#froms = new Float64Array(scorer.blockRows);
    this.#tos = new Float64Array(scorer.blockRows);
    this.#cells = id === undefined ? new NumberedCells(cells, this.#numbers) : cells;
    this.#writer = createWriter({
      ...options.options,
      form: output,
      modelVersion: scorer.version.label,
      kept,
      id: id ?? 'row',
      tally: this.#scores,
      expected,
      into,
    });
  }

  /** The row read last is among the rows. */
  accept(from: number, to: number): void {
    this.acceptAt(this.rows.count - 1, from, to);
  }

  /** The same of a row that is about to be; rows come in their order. */
  acceptAt(row: number, from: number, to: number): void {
    this.#numbers[row] = this.#next();
    this.#froms[row] = from;
    this.#tos[row] = to;
  }

  /** It cannot be scored. */
  reject(from: number, to: number, error: RequestError): void {
    this.#reject(this.#next(), from, to, error);
  }

  /** No further row fits. */
  get isFull(): boolean {
    return this.room <= 0;
  }

  /** Rows that fit in before a flush. */
  get room(): number {
    return this.#blockRows - this.rows.count;
  }

  /** Answers and writes the rows gathered, and makes room for others. @throws InfrastructureError; the signal's reason */
  async flush(signal: AbortSignal): Promise<void> {
    const { rows } = this;
    if (rows.count === 0) return;
    if (this.#plain) this.features.addPlain(rows.plain(rows.count), rows.count);
    const { failed, runs } = await rows.answer({ signal, priority: PRIORITY });
    for (const run of runs) this.#writer.write(run, this.#cells);
    for (const [row, error] of failed)
      this.#reject(this.#numbers[row] as number, this.#froms[row] as number, this.#tos[row] as number, error);
    rows.clear();
  }

  /** Once all is flushed. @param start and @param end places in the input */
  async result(start: number, end: number): Promise<RangeResult> {
    const rejects = this.#rejects.sort((one, other) => one.row - other.row);
    return {
      start,
      end,
      rows: this.#read,
      output: await this.#writer.finish(),
      rejects,
      statistics: {
        rows: { scored: this.#scores.scored, rejected: rejects.length },
        codes: Object.fromEntries(this.#codes),
        score: this.#scores.score,
        classes: this.#scores.classes,
        features: this.features.statistics,
        ...(this.#counter && { inputs: this.#counter.counts }),
      },
    };
  }

  #next(): number {
    return (this.#options.firstRow ?? 1) + this.#read++;
  }

  #reject(row: number, from: number, to: number, { code, message }: RequestError): void {
    const { place, text } = this.#options.raw(from, to);
    this.#rejects.push({ row, offset: place, code, message, raw: text });
    this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1);
  }
}
