import type { RequestId } from './request.ts';

/** Why a request ended as a dead letter; the codes outsiders see. */
export const ERROR_CODES = [
  'malformed_payload',
  'schema_mismatch',
  'non_finite_feature',
  'unknown_model',
  'model_unavailable',
  'inference_failed',
  'deadline_exceeded',
  'result_too_large',
  'unexpected',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** Where in scoring it happened. */
export const STAGES = ['decode', 'route', 'validate', 'infer', 'interpret', 'send'] as const;

export type Stage = (typeof STAGES)[number];

/** A row of a request that gave a list of instances. */
export interface RowName {
  /** Among those that the request gave, from 0. */
  readonly index: number;
  /** As the request gave it; undefined where it gave none. */
  readonly id: RequestId | undefined;
}

/** A slice of rows that went into the model together, of which it failed on some; its dead letters share the fate, and the time. */
export interface FailedRun {
  /** As first run. */
  readonly rows: number;
  /** After halving. */
  readonly failed: number;
  /** Milliseconds since the epoch. */
  readonly failedAtMs: number;
}

/** A request that cannot be scored: it ends as a dead letter, its neighbours go on. The message says what was expected and what came, never the payload. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly disposition = 'dead-letter';
  readonly retryable = false;
  readonly code: ErrorCode;
  readonly stage: Stage;
  /** The row that is to blame, where the request has several. */
  readonly row: RowName | undefined;
  /** The run that failed on it, where one did. */
  readonly run: FailedRun | undefined;

  constructor(
    code: ErrorCode,
    stage: Stage,
    message: string,
    options: { readonly cause?: unknown; readonly row?: RowName; readonly run?: FailedRun | undefined } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.stage = stage;
    this.row = options.row;
    this.run = options.run;
  }

  /** The same with the run that it comes from. */
  of(run: FailedRun): RequestError {
    const { code, stage, message, cause, row } = this;
    return new RequestError(code, stage, message, { cause, ...(row && { row }), run });
  }

  /** The same said of the request that the row is in. */
  in(row: RowName, more = ''): RequestError {
    return new RequestError(this.code, this.stage, `instance ${row.index}: ${this.message}${more}`, {
      cause: this.cause,
      row,
      run: this.run,
    });
  }
}

/** What was sent is no request. */
export function malformed(message: string): RequestError {
  return new RequestError('malformed_payload', 'decode', message);
}

/** Infrastructure is away (hub, storage, Redis): nothing is wrong with the events, so the function throws and the host's retry policy holds the partition. */
export class InfrastructureError extends Error {
  override readonly name = 'InfrastructureError';
  readonly disposition = 'retry';
  /** False where the same call would fail again at once: the next one is the host's. */
  readonly retryable: boolean;

  constructor(message: string, options?: { readonly cause?: unknown; readonly retryable?: boolean }) {
    super(message, options);
    this.retryable = options?.retryable ?? true;
  }
}

/** There is no identity to sign in with, or it gets no token. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError';
  /** The identity library has tried for as long as it makes sense. */
  readonly retryable = false;
}

/** The app cannot start as it is configured; the message names the setting and what it takes. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly disposition = 'fail-start-up';
  readonly retryable = false;
}

/** Whether the same call may succeed a little later: only an error that says so of itself, since any other would come again. */
export function isRetryable(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown as { readonly retryable?: unknown }).retryable === true;
}

/** Any thrown value as an Error with a message. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
