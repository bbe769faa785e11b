import type { ErrorCode } from './errors.ts';
import type { Event } from './event.ts';

/** The one ending of a request, rendered: what goes to the results hub or to the dead-letter hub. */
export interface Outcome {
  readonly kind: 'result' | 'dead-letter';
  readonly event: Event;
  /** AMQP message id; the same event scored again bears the same one. */
  readonly resultId: string;
  /** What the request asked for or was answered by; undefined where it never got that far. */
  readonly model: string | undefined;
  readonly modelVersion: string | undefined;
  readonly variant: string | undefined;
  /** JSON, UTF-8. */
  readonly body: Buffer;
  /** Dead letters only. */
  readonly code: ErrorCode | undefined;
  /** From enqueued to scored, milliseconds. */
  readonly latencyMs: number;
}

/** What one model version did in one batch, for telemetry. */
export interface SliceTiming {
  readonly model: string;
  readonly modelVersion: string;
  readonly instances: number;
  readonly computeMs: number;
}

export interface ScoredBatch {
  /** One for every request, in the order of the events and of the requests within them. */
  readonly outcomes: readonly Outcome[];
  readonly slices: readonly SliceTiming[];
}
