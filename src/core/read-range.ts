import type { HubReader, PartitionRange, Position, StoredEvent } from './hub-reader.ts';

/**
 * Everything a partition holds from a time or number on, up to what was its last event when this began.
 * @param seen the partition's range as it was before, where the end is another moment's
 */
export async function* readRange(
  reader: HubReader,
  partition: string,
  from: { readonly sequenceNumber?: number | undefined; readonly timeMs?: number | undefined },
  signal: AbortSignal,
  seen?: PartitionRange,
): AsyncGenerator<readonly StoredEvent[]> {
  const range = seen ?? (await reader.range(partition, signal));
  const nothingSince = from.timeMs !== undefined && (range.lastEnqueuedAtMs ?? 0) < from.timeMs;
  if (range.empty || nothingSince || (from.sequenceNumber ?? 0) > range.last) return;
  const position: Position =
    from.timeMs === undefined
      ? { sequenceNumber: Math.max(range.first, from.sequenceNumber ?? 0) }
      : { enqueuedAfterMs: from.timeMs - 1 };
  for await (const block of reader.read(partition, position, signal)) {
    yield block.filter(event => event.sequenceNumber <= range.last);
    if ((block[block.length - 1]?.sequenceNumber ?? 0) >= range.last) return;
  }
}
