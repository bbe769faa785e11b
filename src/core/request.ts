import type { Event } from './event.ts';

/** One request out of an event, its features not yet held against a model. */
export interface Request {
  readonly event: Event;
  /** `hub/partition/sequence number`, then `/i` for the i-th request of an event that carried several. */
  readonly resultId: string;
  /** Echoed as it came; undefined where the producer gave none. */
  readonly requestId: string | number | undefined;
  readonly model: string | undefined;
  readonly modelVersion: string | undefined;
  /** One instance, or several, in any form the contract accepts; interpreted against the model's card. */
  readonly features: unknown;
  /** Lower is more urgent; 1 where absent. */
  readonly priority: number;
  /** From the time the event was enqueued; undefined for none. */
  readonly timeoutMs: number | undefined;
  /** What sticky routing hashes. */
  readonly routingKey: string;
}
