import type { Statistics } from './statistics.ts';

/** An input as its bytes, which do not change: a file that is open, a blob under an ETag. */
export interface Source {
  /** Bytes of it. */
  readonly size: number;
  /** Fewer bytes where it ends before. @throws InfrastructureError */
  read(offset: number, length: number): Promise<Buffer>;
}

/** A part of an input, in places: bytes of a text, rows of Parquet. */
export interface Range {
  /** Rows that begin from `from` up to `to` are meant. */
  readonly from: number;
  readonly to: number;
  /** Where the first row begins, where that is known; undefined: it is guessed, and the chain of ranges shows whether rightly. */
  readonly start?: number | undefined;
  /** Number of its first row, from 1, where that is known; 1 where not, so that rejects count from the range's own first row. */
  readonly firstRow?: number | undefined;
  /** Bytes behind `to` that are read with a range of a text, for the end of its last row, and more as needed; absent: 64 KiB. */
  readonly tailBytes?: number | undefined;
  /** Memory that the output may be written into, where it is enough for it; the output is then a part of it. */
  readonly into?: Buffer | undefined;
}

/** What became of a range. `start` of the next one equals its `end`, or one of the two was split wrongly. */
export interface RangeResult {
  readonly start: number;
  readonly end: number;
  /** Scored or rejected. */
  readonly rows: number;
  /** The scored rows as the output has them, without header. */
  readonly output: Buffer;
  readonly rejects: readonly Reject[];
  readonly statistics: Statistics;
}

/** A row that cannot be scored. */
export interface Reject {
  /** From the range's first row on, or of the whole input where `firstRow` was given; from 1. */
  readonly row: number;
  /** Its place in the input. */
  readonly offset: number;
  readonly code: string;
  readonly message: string;
  /** As the input has it, the first of it where it is long. */
  readonly raw: string;
}

export const OUTPUT_FORMATS = ['csv', 'ndjson', 'parquet'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** What a job, or a command, asks beside its input and its model. */
export interface BatchOptions {
  /** Undefined: the first column is `row`. */
  readonly idColumn: string | undefined;
  readonly includeFeatures: boolean;
  /** A column more for each class, `probability_<class>`. */
  readonly includeProbabilities: boolean;
  /** The output's. */
  readonly format: OutputFormat;
  /** Stands in every row: ISO 8601. */
  readonly timestamp: string;
}
