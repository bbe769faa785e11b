/** A JSON number by its source text, as `JSON.rawJSON` makes it; for numbers that a double would change. `JSON.stringify` writes the text as it is. */
export interface RawNumber {
  readonly rawJSON: string;
}

/** Echoed as it came. */
export type RequestId = string | number | RawNumber;

/** What becomes of a pack of which a row is bad: it is refused, or the others are answered. */
export type OnError = 'refuse' | 'skip';

/** One request, its features not yet held against a model. */
export interface Request {
  /** `hub/partition/sequence number`, then `/i` for the i-th request of an event that carried several; any unique text where no event stands behind it. */
  readonly resultId: string;
  /** Undefined where the producer gave none. */
  readonly requestId: RequestId | undefined;
  readonly model: string | undefined;
  readonly modelVersion: string | undefined;
  /** One instance, or several, in any form the contract accepts, or `InputTensors`; interpreted against the model's card. */
  readonly features: unknown;
  /** One a row, echoed; what has them gives a list of instances, be it of one. Undefined where the producer gave none. */
  readonly ids?: readonly RequestId[] | undefined;
  /** Undefined: `refuse`. */
  readonly onError?: OnError | undefined;
  /** Lower is more urgent; 1 where absent. */
  readonly priority: number;
  /** When it came in, milliseconds since the epoch. */
  readonly enqueuedAtMs: number;
  /** From `enqueuedAtMs`; undefined for none. */
  readonly timeoutMs: number | undefined;
  /** What sticky routing hashes. */
  readonly routingKey: string;
  /** Which segments it belongs to, for rollouts by segment. */
  readonly segments: readonly string[];
  /** JSON text of this request alone, where its event carried several; undefined: the event's whole body. */
  readonly text?: (() => string) | undefined;
  /** JSON that its result bears as `carried`. */
  readonly carried?: string | undefined;
}
