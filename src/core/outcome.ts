import type { ErrorCode, RequestError, RowName } from './errors.ts';
import type { Event } from './event.ts';
import type { ModelVersion } from './model.ts';
import type { Prediction } from './prediction.ts';
import type { RequestId } from './request.ts';
import type { RolloutMark } from './routing.ts';
import type { AnswerRun } from './table-scorer.ts';

/** Why a row of a pack has no answer. */
export interface RowError extends RowName {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Rows of a request that were answered, and those that were passed over. */
export interface RowCounts {
  readonly answered: number;
  readonly skipped: number;
}

/** A request that a model answered. */
export interface Answered {
  readonly kind: 'answered';
  /** The version that answered. */
  readonly version: ModelVersion;
  /** One for every instance; undefined for those of a pack that were passed over. */
  readonly predictions: readonly (Prediction | undefined)[];
  /** How many these are; it makes none of them. */
  readonly rows: number;
  /** The same as the slices have them, in order; undefined where a row has no answer of its own, or all came from another process. */
  readonly runs?: readonly AnswerRun[] | undefined;
  /** Of these, in their order. */
  readonly errors: readonly RowError[];
  /** The request gave a list of instances, so its answer is a list too. */
  readonly several: boolean;
  /** Set where another version than the one asked for answered. */
  readonly requestedVersion: string | undefined;
  readonly fallback: boolean;
  /** The rollout's arm, where a rollout chose. */
  readonly variant: string | undefined;
  /** The card's declared default was given. */
  readonly degraded: boolean;
  /** No inference ran. */
  readonly cached: boolean;
  readonly scoredAtMs: number;
  /** What its slices took in the model, milliseconds. */
  readonly modelMs: number;
}

/** A request that ends as a dead letter. */
export interface Refused {
  readonly kind: 'refused';
  readonly error: RequestError;
  /** The version that was to answer; undefined where it never got that far. */
  readonly version: ModelVersion | undefined;
  readonly variant: string | undefined;
  readonly failedAtMs: number;
}

/** The one ending of a request, as values. */
export type Ending = Answered | Refused;

/** The one ending of a request as an object: what goes to the results hub or to the dead-letter hub. */
export interface Outcome {
  readonly kind: 'result' | 'dead-letter';
  readonly event: Event;
  /** AMQP message id; the same event scored again bears the same one. */
  readonly resultId: string;
  /** Undefined where the producer gave none. */
  readonly requestId: RequestId | undefined;
  /** JSON text of this request alone, where its event carried several; undefined: the event's whole body. */
  readonly text?: (() => string) | undefined;
  /** What the request asked for or was answered by; undefined where it never got that far. */
  readonly model: string | undefined;
  readonly modelVersion: string | undefined;
  readonly variant: string | undefined;
  /** Where a rollout chose. */
  readonly rollout?: RolloutMark | undefined;
  /** What its key falls into; absent or -1 where no rollout chose. */
  readonly bucket?: number | undefined;
  /** JSON, UTF-8. */
  readonly body: Buffer;
  /** Dead letters only. */
  readonly code: ErrorCode | undefined;
  /** From enqueued to scored, milliseconds. */
  readonly latencyMs: number;
  /** Results only. */
  readonly rows?: RowCounts | undefined;
}

/** What a dead letter says besides its error; an `Outcome` has it all. */
export type Subject = Pick<Outcome, 'event' | 'resultId' | 'model' | 'modelVersion'> &
  Partial<Pick<Outcome, 'requestId' | 'variant' | 'rollout' | 'bucket' | 'text'>> & {
    /** Of its body, where the dead letters of its event are many; a longer one leaves the original out. */
    readonly maxBytes?: number | undefined;
    /** When it failed, milliseconds since the epoch, where it shares that with others; undefined: now, or when its run failed. */
    readonly failedAtMs?: number | undefined;
  };

/** Renders a request's ending as a dead letter; it fits, however large the request was. */
export type RenderDeadLetter = (
  source: { readonly hub: string; readonly partition: string },
  subject: Subject,
  error: RequestError,
) => Outcome;

/** What one model version did in one slice, for telemetry. */
export interface SliceTiming {
  readonly model: string;
  readonly modelVersion: string;
  readonly instances: number;
  readonly computeMs: number;
}
