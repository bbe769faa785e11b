import { gunzipSync } from 'node:zlib';
import { MAX_MESSAGE_BYTES } from '../limits.ts';
import { ProtocolError, Reader, Writer } from './codec.ts';
import { crc32c } from './crc32c.ts';
import { CODE, KafkaError } from './error-code.ts';

/** One record: what a producer gave. */
export interface KafkaRecord {
  readonly key: Buffer | undefined;
  readonly value: Buffer | undefined;
  readonly headers: readonly (readonly [name: Buffer, value: Buffer | undefined])[];
}

export interface RecordBatch {
  readonly records: readonly KafkaRecord[];
  /** Of an idempotent producer; id -1: none. */
  readonly producer: { readonly id: number; readonly epoch: number; readonly firstSequence: number };
}

const MAGIC = 2;
const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
/** Where the bytes begin that the length counts, and those that the checksum covers. */
const LENGTH_FROM = 12;
const CRC_AT = 17;
const CRC_FROM = 21;
const HEADER_BYTES = 61;

/**
 * Reads a record batch of format 2 (https://kafka.apache.org/documentation/#recordbatch), the only one since Produce 3.
 * @throws KafkaError where it is damaged, too large, or compressed as the service does not take it.
 */
export function readRecordBatch(bytes: Buffer): RecordBatch {
  if (bytes.length > MAX_MESSAGE_BYTES) throw tooLarge(bytes.length);
  if (bytes.length < HEADER_BYTES) throw new KafkaError(CODE.corruptMessage, 'no record batch');
  if (bytes[16] !== MAGIC) throw new KafkaError(CODE.unsupportedForMessageFormat, 'only record batches of format 2');
  if (bytes.readInt32BE(8) !== bytes.length - LENGTH_FROM)
    throw new KafkaError(CODE.invalidRecord, 'one record batch a partition');
  if (crc32c(bytes.subarray(CRC_FROM)) !== bytes.readUInt32BE(CRC_AT))
    throw new KafkaError(CODE.corruptMessage, 'the checksum of the record batch is wrong');
  const header = new Reader(bytes.subarray(CRC_FROM));
  const attributes = header.int16();
  header.take(20); // last offset delta, first and last timestamp: the service gives its own
  const producer = { id: header.int64(), epoch: header.int16(), firstSequence: header.int32() };
  const count = header.int32();
  try {
    const reader = new Reader(unpacked(bytes.subarray(HEADER_BYTES), attributes & 7));
    if (count < 1 || count > reader.remaining) throw new ProtocolError(`${count} records`);
    return { records: Array.from({ length: count }, () => readRecord(reader)), producer };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new KafkaError(CODE.corruptMessage, `the record batch cannot be read: ${error.message}`);
  }
}

function readRecord(batch: Reader): KafkaRecord {
  const record = new Reader(batch.take(batch.varint()));
  record.int8(); // attributes: none are defined
  record.varint(); // timestamp and offset, as the producer counts them
  record.varint();
  const key = record.varbytes();
  const value = record.varbytes();
  const count = record.varint();
  if (count < 0 || count > record.remaining) throw new ProtocolError(`${count} headers`);
  const headers = Array.from(
    { length: count },
    () => [record.varbytes() ?? Buffer.alloc(0), record.varbytes()] as const,
  );
  return { key, value, headers };
}

function unpacked(records: Buffer, compression: number): Buffer {
  if (compression === 0) return records;
  if (compression !== 1)
    throw new KafkaError(
      CODE.unsupportedCompressionType,
      `compression ${COMPRESSIONS[compression] ?? compression} is not taken by Event Hubs: send none or gzip`,
    );
  try {
    return gunzipSync(records, { maxOutputLength: MAX_MESSAGE_BYTES });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(MAX_MESSAGE_BYTES + 1);
    throw new KafkaError(CODE.corruptMessage, 'the record batch is no gzip', { cause });
  }
}

const tooLarge = (bytes: number) =>
  new KafkaError(CODE.messageTooLarge, `a record batch of ${bytes} bytes; ${MAX_MESSAGE_BYTES} are the most`);

/** A record as a consumer gets it. */
export interface StoredRecord extends KafkaRecord {
  readonly timeMs: number;
}

/** Puts records of consecutive offsets together as one batch, uncompressed. */
export class BatchWriter {
  readonly #out = new Writer(4096);
  readonly #record = new Writer();
  readonly #firstOffset: number;
  #count = 0;
  #firstTimeMs = 0;
  #lastTimeMs = 0;

  constructor(firstOffset: number) {
    this.#firstOffset = firstOffset;
    this.#out.raw(Buffer.alloc(HEADER_BYTES));
  }

  get count(): number {
    return this.#count;
  }
  get length(): number {
    return this.#out.length;
  }

  add({ key, value, headers, timeMs }: StoredRecord): void {
    if (this.#count === 0) this.#firstTimeMs = timeMs;
    this.#lastTimeMs = timeMs;
    const record = this.#record;
    record.reset();
    record
      .int8(0)
      .varint(timeMs - this.#firstTimeMs)
      .varint(this.#count++)
      .varbytes(key)
      .varbytes(value);
    record.varint(headers.length);
    for (const [name, content] of headers) record.varbytes(name).varbytes(content);
    this.#out.varbytes(record.written);
  }

  finish(): Buffer {
    const batch = this.#out.written;
    batch.writeBigInt64BE(BigInt(this.#firstOffset), 0);
    batch.writeInt32BE(batch.length - LENGTH_FROM, 8);
    batch.writeInt32BE(-1, 12); // leader epoch
    batch[16] = MAGIC;
    batch.writeInt16BE(0, CRC_FROM); // not compressed, times as they stand there
    batch.writeInt32BE(this.#count - 1, 23);
    batch.writeBigInt64BE(BigInt(this.#firstTimeMs), 27);
    batch.writeBigInt64BE(BigInt(this.#lastTimeMs), 35);
    batch.fill(0xff, 43, 57); // no producer
    batch.writeInt32BE(this.#count, 57);
    batch.writeUInt32BE(crc32c(batch.subarray(CRC_FROM)), CRC_AT);
    return batch;
  }
}
