import type { Partition } from '../namespace.ts';
import { BATCH_HEADER_BYTES, BATCH_MARK, EVENT_HEADER_BYTES } from '../store/batch-format.ts';
import { positionOfSequence } from '../store/find-position.ts';
import { recordOf } from './event-to-record.ts';
import { BatchWriter } from './record-batch.ts';

/** Where a client's last fetch of each partition ended, so that the next need not search. */
export type Positions = Map<Partition, { readonly offset: number; readonly position: number }>;

/** What is read beyond what was asked for, so that a small request still gets an event at once. */
const SLACK_BYTES = 16 * 1024;

/**
 * The partition's events from `offset` on as one record batch of about `maxBytes`, but always one event; undefined at the end of the
 * partition. `offset` is within it.
 */
export function readRecords(
  partition: Partition,
  offset: number,
  maxBytes: number,
  positions: Positions,
): Buffer | undefined {
  const { log } = partition;
  if (offset >= log.nextSequence) return undefined;
  const known = positions.get(partition);
  const position = known?.offset === offset ? known.position : positionOfSequence(log, offset);
  const batch = new BatchWriter(offset);
  let at = 0;
  for (let bytes = maxBytes + SLACK_BYTES; batch.count === 0; bytes *= 4) {
    const chunk = log.read(position, bytes);
    if (!chunk) return undefined;
    at = 0;
    while (at < chunk.length && (batch.count === 0 || batch.length < maxBytes)) {
      if (chunk[at] === BATCH_MARK) {
        at += BATCH_HEADER_BYTES;
        continue;
      }
      const start = at + EVENT_HEADER_BYTES;
      const end = start > chunk.length ? start : start + chunk.readUInt32BE(at);
      if (end > chunk.length) break;
      batch.add(recordOf(chunk, start, end));
      at = end;
    }
  }
  positions.set(partition, { offset: offset + batch.count, position: position + at });
  return batch.finish();
}
