import { BATCH_HEADER_BYTES, EVENT_HEADER_BYTES } from './batch-format.ts';
import type { PartitionLog } from './partition-log.ts';
import { type BatchAt, type Segment, walkBatches } from './segment.ts';

/** Log position of the event with this sequence number; the oldest one's where it is gone, the end's where it has not come yet. */
export function positionOfSequence(log: PartitionLog, sequence: number): number {
  if (sequence <= log.firstSequence) return log.firstPosition;
  if (sequence >= log.nextSequence) return log.endPosition;
  const segment = log.segments.findLast(candidate => candidate.sequence <= sequence) as Segment;
  const batch = firstBatch(segment, ({ header }) => header.firstSequence + header.count > sequence);
  return batch ? eventPosition(log, batch, i => batch.header.firstSequence + i >= sequence) : log.endPosition;
}

/** Log position of the first event at or behind `position`. */
export function positionOfOffset(log: PartitionLog, position: number): number {
  if (position <= log.firstPosition) return log.firstPosition;
  if (position >= log.endPosition) return log.endPosition;
  const batch = firstBatch(log.segmentAt(position), ({ header, position: start }) => {
    return start + BATCH_HEADER_BYTES + header.bodyBytes > position;
  });
  return batch ? eventPosition(log, batch, (_, at) => at >= position) : log.endPosition;
}

/** Log position of the first event enqueued at or after `timeMs`. */
export function positionOfTime(log: PartitionLog, timeMs: number): number {
  return batchOfTime(log, timeMs)?.position ?? log.endPosition;
}

/** The first batch enqueued at or after `timeMs`; undefined where none has come yet. */
export function batchOfTime(log: PartitionLog, timeMs: number): BatchAt | undefined {
  // The segment before the first that begins late enough may end late enough, too.
  const later = log.segments.findIndex(segment => (segment.firstTimeMs ?? Number.POSITIVE_INFINITY) >= timeMs);
  const from = Math.max(0, (later === -1 ? log.segments.length : later) - 1);
  for (const segment of log.segments.slice(from)) {
    const batch = firstBatch(segment, ({ header }) => header.timeMs >= timeMs);
    if (batch) return batch;
  }
  return undefined;
}

/** The newest batch of an idempotent producer that ends with this number of its; undefined where it is gone. */
export function batchOfProducer(log: PartitionLog, id: number, lastSequence: number): BatchAt | undefined {
  for (const segment of log.segments.toReversed()) {
    const batch = firstBatch(segment, ({ header: { producer } }) => {
      return producer.id === id && producer.lastSequence === lastSequence;
    });
    if (batch) return batch;
  }
  return undefined;
}

function firstBatch(segment: Segment, wanted: (batch: BatchAt) => boolean): BatchAt | undefined {
  for (const batch of walkBatches(segment)) if (wanted(batch)) return batch;
  return undefined;
}

/** The first event of a batch that `wanted` takes, else the position behind the batch. */
function eventPosition(
  log: PartitionLog,
  batch: BatchAt,
  wanted: (index: number, position: number) => boolean,
): number {
  const bytes = log.read(batch.position, BATCH_HEADER_BYTES + batch.header.bodyBytes) as Buffer;
  let at = BATCH_HEADER_BYTES;
  for (let i = 0; i < batch.header.count; i++) {
    if (wanted(i, batch.position + at)) return batch.position + at;
    at += EVENT_HEADER_BYTES + bytes.readUInt32BE(at);
  }
  return batch.position + at;
}
