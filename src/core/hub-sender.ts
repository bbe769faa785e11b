import type { EndingMessages } from './ending-messages.ts';

/** Appends messages to one hub, partition by partition. */
export interface PartitionSender {
  /**
   * Appends in order, in batches filled to the service's limit; each is confirmed before the next leaves. One call at a time
   * for a partition.
   * @throws SendError, which says how many messages were confirmed and whether the one after them may be there nevertheless.
   */
  send(partition: string, messages: EndingMessages, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/**
 * What is known of the first unconfirmed batch: `absent`: surely not appended (refused, or never transmitted); `unknown`: the
 * connection broke or time ran out after it was transmitted, so it may be there, and nothing may be sent again before the
 * partition's tail has been read; `too-large`: refused, and so it would be for ever.
 */
export type Certainty = 'absent' | 'unknown' | 'too-large';

export class SendError extends Error {
  override readonly name = 'SendError';
  readonly certainty: Certainty;
  /** What is too large stays so. */
  readonly retryable: boolean;
  /** Messages at the head of the list that are surely appended. */
  readonly confirmed: number;
  /** How long the service asks to be left alone; undefined where it does not. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    certainty: Certainty,
    confirmed: number,
    options?: { readonly cause?: unknown; readonly retryAfterMs?: number | undefined },
  ) {
    super(message, options);
    this.retryAfterMs = options?.retryAfterMs;
    this.certainty = certainty;
    this.retryable = certainty !== 'too-large';
    this.confirmed = confirmed;
  }
}

/** An Event Hubs batch, and so a single event in it, is at most this long unless the link says otherwise. */
export const MAX_BATCH_BYTES = 1_048_576;
