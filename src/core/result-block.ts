import type { Event } from './event.ts';

/** Results of a whole batch, one for each event, all by one model version: written straight into what is sent, no object and no Buffer each. */
export interface ResultBlock {
  readonly events: readonly Event[];
  readonly model: string;
  readonly modelVersion: string;
  /** `hub/partition/`; an event's sequence number makes it the result id. */
  readonly resultIdPrefix: string;
  /** No body is longer, bytes. */
  readonly maxBodyBytes: number;
  /** From enqueued to scored, milliseconds. */
  latencyMs(row: number): number;
  /** Writes the JSON of a row's result at `at`, where `maxBodyBytes` are free; returns its end. */
  writeBody(row: number, into: Buffer, at: number): number;
}
