import { crc32 } from 'node:zlib';

/**
 * How a batch lies in a segment file. One AMQP message is one batch: it is there whole or not at all.
 *
 *   0  u32  0xEB010000    format 1; tells a batch from an event, whose first byte is always 0
 *   4  u32  body bytes
 *   8  u32  CRC-32 of everything from byte 12 on
 *  12  u32  events
 *  16  u64  sequence number of the first event
 *  24  u64  enqueued time, ms since the epoch, of all its events
 *  32  u64  producer id        of an idempotent producer, else 0
 *  40  u32  producer sequence  of the last event
 *  44  u16  producer epoch
 *  46  u16  0
 *  48  events: u32 message bytes, u16 bytes of the message's header section, message
 *
 * The message is stored as it will be delivered, annotations included.
 */
export const BATCH_HEADER_BYTES = 48;
export const EVENT_HEADER_BYTES = 6;
/** First byte of a batch. */
export const BATCH_MARK = 0xeb;
const MAGIC = 0xeb01_0000;
const CRC_FROM = 12;

/** An idempotent producer's claim on a batch; id 0: none. */
export interface ProducerMark {
  readonly id: number;
  readonly epoch: number;
  readonly lastSequence: number;
}

export interface BatchHeader {
  readonly bodyBytes: number;
  readonly count: number;
  readonly firstSequence: number;
  readonly timeMs: number;
  readonly producer: ProducerMark;
}

export const NO_PRODUCER: ProducerMark = { id: 0, epoch: 0, lastSequence: 0 };

/** Writes the header into the first bytes of `batch`, whose body is complete. */
export function sealBatch(
  batch: Buffer,
  count: number,
  firstSequence: number,
  timeMs: number,
  producer: ProducerMark,
): void {
  batch.writeUInt32BE(MAGIC, 0);
  batch.writeUInt32BE(batch.length - BATCH_HEADER_BYTES, 4);
  batch.writeUInt32BE(count, 12);
  batch.writeBigUInt64BE(BigInt(firstSequence), 16);
  batch.writeBigUInt64BE(BigInt(timeMs), 24);
  batch.writeBigUInt64BE(BigInt(producer.id), 32);
  batch.writeUInt32BE(producer.lastSequence >>> 0, 40);
  batch.writeUInt16BE(producer.epoch & 0xffff, 44);
  batch.writeUInt16BE(0, 46);
  batch.writeUInt32BE(crc32(batch.subarray(CRC_FROM)), 8);
}

/** The header at `at`, or undefined where no whole header of ours stands there. */
export function readBatchHeader(bytes: Buffer, at: number): BatchHeader | undefined {
  if (bytes.length - at < BATCH_HEADER_BYTES || bytes.readUInt32BE(at) !== MAGIC) return undefined;
  return {
    bodyBytes: bytes.readUInt32BE(at + 4),
    count: bytes.readUInt32BE(at + 12),
    firstSequence: Number(bytes.readBigUInt64BE(at + 16)),
    timeMs: batchTimeMs(bytes.subarray(at)),
    producer: {
      id: Number(bytes.readBigUInt64BE(at + 32)),
      lastSequence: bytes.readUInt32BE(at + 40),
      epoch: bytes.readUInt16BE(at + 44),
    },
  };
}

/** Enqueued time of a batch that was sealed. */
export function batchTimeMs(batch: Buffer): number {
  return Number(batch.readBigUInt64BE(24));
}

/** True where the whole batch starting at byte 0 of `batch` is as it was written. */
export function isIntact(batch: Buffer): boolean {
  return batch.readUInt32BE(8) === crc32(batch.subarray(CRC_FROM));
}

/** Where the last event of a batch starts, counted from the batch's first byte. */
export function lastEventStart(batch: Buffer, count: number): number {
  let at = BATCH_HEADER_BYTES;
  for (let i = 1; i < count; i++) at += EVENT_HEADER_BYTES + batch.readUInt32BE(at);
  return at;
}
