import type { ModelVersion } from '../core/model.ts';
import type { Rows, Span } from './rows/rows.ts';
import type { Stages } from './stages.ts';

/** Requests whose instances stand in rows, ready for the model: about a slice of them, more where one request alone has more. */
export interface Chunk {
  readonly version: ModelVersion;
  readonly stages: Stages;
  readonly rows: Rows;
  readonly placed: readonly Placed[];
  /** The most urgent of its requests'. */
  readonly priority: number;
  /** The first of its requests' deadlines, milliseconds since the epoch; infinite where none has one. */
  readonly deadlineMs: number;
}

/** A request by its place in the run, and its instances by theirs in the rows. */
export interface Placed extends Span {
  readonly place: number;
}
