import type { HubReader } from '../core/hub-reader.ts';
import { type EndingKind, Fold } from './fold.ts';
import { type GroupCounts, PartitionState } from './partition-state.ts';

/** What a partition holds up to an event, counted anew from the hub alone. */
export interface Recount {
  readonly groups: readonly GroupCounts[];
  /** When the first event that is still there was enqueued, milliseconds since the epoch; undefined: none has expired. */
  readonly sinceMs: number | undefined;
}

/** Counts the endings of a partition through a sequence number as the sweep does, from the first one that is still there. */
export async function recount(
  reader: HubReader,
  kind: EndingKind,
  partition: string,
  through: number,
  signal: AbortSignal,
): Promise<Recount> {
  const state = new PartitionState();
  const { first, last, empty } = await reader.range(partition, signal);
  if (empty || through < first) return { groups: [], sinceMs: first > 0 ? Number.POSITIVE_INFINITY : undefined };
  const end = Math.min(through, last);
  const fold = new Fold({ kind, seen: state.seen, runs: state.runs, weightOf: () => undefined });
  let sinceMs: number | undefined;
  reading: for await (const block of reader.read(partition, { sequenceNumber: first }, signal)) {
    for (const event of block) {
      if (event.sequenceNumber > end) break reading;
      sinceMs ??= event.enqueuedAtMs;
      fold.add(event);
    }
    if ((block.at(-1)?.sequenceNumber ?? end) >= end) break;
  }
  return { groups: [...fold.deltas.values()], sinceMs: first > 0 ? sinceMs : undefined };
}
