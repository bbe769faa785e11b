import type { RequestError } from './errors.ts';
import type { ModelVersion } from './model.ts';
import type { ClassLabel, Prediction } from './prediction.ts';
import type { RequestId } from './request.ts';

/** Scores tables by one version as the stream scores requests: the same encoder, the same slices, the same reading of what the model says. */
export interface TableScorer {
  readonly version: ModelVersion;
  /** Numbers of a row, where they may be put down as they are: plain numbers for one float32 input, in the card's order of features; 0 otherwise. */
  readonly plainWidth: number;
  /** Rows that are worth gathering before they are answered. */
  readonly blockRows: number;
  /** A request's instances one by one, each for `add`. @throws RequestError schema_mismatch, malformed_payload */
  instancesOf(features: unknown, ids: readonly RequestId[] | undefined): readonly unknown[];
  begin(): TableRows;
  /** Of a version that has a profile of its training data. */
  readonly inputs?: InputCounting | undefined;
}

/** Counts what a version is asked in the bins of its profile. */
export interface InputCounting {
  /** @param every so manieth row is counted, from the first on */
  begin(every: number): InputCounter;
}

export interface InputCounter {
  /** Rows of numbers, side by side in the card's order of features. */
  addPlain(values: Float32Array, rows: number): void;
  /** A row of anything, in that order. */
  add(values: readonly unknown[]): void;
  /** Of a row of numbers: this value was missing, and its fill stands among the others. */
  missing(feature: number, fill: unknown): void;
  readonly counts: TableCounts;
}

/** Plain JSON; parts add up. */
export interface TableCounts {
  readonly rows: number;
  /** By watched feature, then by bin; the first is what is missing. */
  readonly bins: readonly (readonly number[])[];
}

/** How a table stands to the reference. Plain JSON. */
export interface TableDrift {
  readonly status: 'ok' | 'warning' | 'alarm';
  /** That were counted. */
  readonly rows: number;
  readonly features: readonly {
    readonly of: 'feature' | 'prediction' | 'confidence';
    readonly name: string;
    readonly status: 'ok' | 'warning' | 'alarm';
    /** Population stability index, and Jensen–Shannon distance; null where there is nothing to compare. */
    readonly psi: number | null;
    readonly js: number | null;
    /** What moved most, as shares of the values. */
    readonly moved: { readonly bin: string; readonly reference: number; readonly now: number } | null;
    /** Rules of data quality that are broken. */
    readonly rules: readonly { readonly rule: string; readonly share: number }[];
  }[];
}

/** Rows that are gathered, answered, and make room for the next ones. */
export interface TableRows {
  readonly count: number;
  /** Where plain numbers go: row r's from `r * plainWidth` on; room for so many rows, those that are in included. Good until more room is asked for. */
  plain(rows: number): Float32Array;
  /** So many more rows were put down there. */
  took(rows: number): void;
  /** Adds an instance in any form that a request may give. @throws RequestError schema_mismatch or non_finite_feature; it is then not in. */
  add(instance: unknown): void;
  /** Runs the model over all rows. The answers are good until `clear`. @throws InfrastructureError; the signal's reason. */
  answer(options: AnswerOptions): Promise<TableAnswers>;
  clear(): void;
}

export interface AnswerOptions {
  readonly signal: AbortSignal;
  /** As a request's: lower goes first where work waits. */
  readonly priority: number;
}

export interface TableAnswers {
  /** Rows that the model failed on. */
  readonly failed: ReadonlyMap<number, RequestError>;
  /** What was said of the others, in order of rows. */
  readonly runs: readonly AnswerRun[];
}

/** Answers to rows from `from` up to `to`; the first of them is at `at` of what was said. */
export interface AnswerRun {
  readonly from: number;
  readonly to: number;
  readonly at: number;
  readonly said: Said;
}

/** What a model said of a slice: in columns where that is usual, else answer by answer. */
export type Said =
  | {
      readonly kind: 'classes';
      readonly classes: readonly ClassLabel[];
      /** By answer: the place of the class; that many more where its scores are no probabilities. */
      readonly places: Uint32Array;
      /** [answers, classes] */
      readonly probabilities: Float32Array;
      prediction(answer: number): Prediction;
    }
  | { readonly kind: 'numbers'; readonly numbers: Float32Array; prediction(answer: number): Prediction }
  | { readonly kind: 'any'; prediction(answer: number): Prediction };
