import type { AnswerRun } from '../core/table-scorer.ts';
import type { Cells } from './cells.ts';
import type { OutputForm } from './output-form.ts';
import type { BatchOptions } from './range.ts';
import type { ScoreTally } from './scores.ts';

/** Writes the scored rows of a range in a format. */
export interface RowWriter {
  /** The rows of a run, with what the input had in them. */
  write(run: AnswerRun, cells: Cells): void;
  finish(): Buffer | Promise<Buffer>;
}

export interface WriterOptions extends BatchOptions {
  readonly form: OutputForm;
  readonly modelVersion: string;
  /** Names of the first column, and of the columns kept. */
  readonly id: string;
  readonly kept: readonly string[];
  readonly tally: ScoreTally;
  /** Bytes of the output, about. */
  readonly expected: number;
  /** See `Range`. */
  readonly into: Buffer | undefined;
}
