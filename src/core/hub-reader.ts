import type { Event } from './event.ts';

/** An event as it lies in a hub. */
export interface StoredEvent extends Event {
  readonly messageId: string | undefined;
}

export interface HubDescription {
  /** When the hub was made: tells a hub from one of the same name that was there before. Milliseconds since the epoch. */
  readonly createdAtMs: number;
  readonly partitions: readonly string[];
}

/** What one partition holds. */
export interface PartitionRange {
  /** First sequence number that is still there. */
  readonly first: number;
  /** Last sequence number ever given; -1 where there never was an event. */
  readonly last: number;
  /** Of `last`, milliseconds since the epoch; undefined where there never was an event. */
  readonly lastEnqueuedAtMs: number | undefined;
  /** Nothing can be read: there never was an event, or all have expired. */
  readonly empty: boolean;
}

/** Where to begin reading: at a sequence number, or after a time. */
export type Position = { readonly sequenceNumber: number } | { readonly enqueuedAfterMs: number };

/** Reads one hub beside everyone else who reads it: without an epoch, so that it can put no other reader out. */
export interface HubReader {
  readonly hub: string;
  describe(signal: AbortSignal): Promise<HubDescription>;
  range(partition: string, signal: AbortSignal): Promise<PartitionRange>;
  /**
   * Events from a position on, in order, block by block, until the caller stops. Yields no empty block. One reading of a partition
   * at a time.
   * @throws InfrastructureError where it is being read already, and where nothing comes for a while: ask only for what `range` says is there.
   */
  read(partition: string, from: Position, signal: AbortSignal): AsyncIterable<readonly StoredEvent[]>;
  close(): Promise<void>;
}
