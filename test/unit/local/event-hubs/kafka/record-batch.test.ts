import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeEvents } from '../../../../../src/local/event-hubs/amqp/event-encoder.ts';
import { crc32c } from '../../../../../src/local/event-hubs/kafka/crc32c.ts';
import { CODE, KafkaError } from '../../../../../src/local/event-hubs/kafka/error-code.ts';
import { recordOf } from '../../../../../src/local/event-hubs/kafka/event-to-record.ts';
import {
  BatchWriter,
  type KafkaRecord,
  readRecordBatch,
} from '../../../../../src/local/event-hubs/kafka/record-batch.ts';
import { eventsOf } from '../../../../../src/local/event-hubs/kafka/record-to-event.ts';
import { EVENT_HEADER_BYTES } from '../../../../../src/local/event-hubs/store/batch-format.ts';

const TIME_MS = 1_795_000_000_000;
const bytes = (maxLength = 300) => fc.uint8Array({ maxLength }).map(array => Buffer.from(array));
const record = fc.record({
  key: fc.option(bytes(), { nil: undefined }),
  value: fc.option(bytes(), { nil: undefined }),
  headers: fc
    .uniqueArray(fc.tuple(fc.string({ maxLength: 300 }), fc.option(bytes(), { nil: undefined })), {
      selector: ([name]) => name,
      maxLength: 4,
    })
    .map(headers => headers.map(([name, value]) => [Buffer.from(name), value] as const)),
});
const records = fc.array(record, { minLength: 1, maxLength: 5 });

function write(written: readonly KafkaRecord[]): Buffer {
  const batch = new BatchWriter(41);
  for (const [i, one] of written.entries()) batch.add({ ...one, timeMs: TIME_MS + i * 1_000_000 });
  return Buffer.from(batch.finish());
}

/** A batch as it is after something in it was changed: with the right length and checksum. */
function sealed(batch: Buffer): Buffer {
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
}

const codeOf = (batch: Buffer) => {
  try {
    readRecordBatch(batch);
    return CODE.none;
  } catch (error) {
    if (error instanceof KafkaError) return error.code;
    throw error;
  }
};

it('CRC-32C is the one of RFC 3720, at every length', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
  expect(crc32c(Buffer.from(Array.from({ length: 32 }, (_, i) => i)))).toBe(0x46dd794e);
  expect(crc32c(Buffer.alloc(0))).toBe(0);
});

describe('a record batch', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(records, some => {
        expect(readRecordBatch(write(some)).records).toEqual(some);
      }),
    );
  });

  it('comes back the same from the events that it became', () => {
    fc.assert(
      fc.property(records, some => {
        const { count, maxBytes, encode } = encodeEvents(eventsOf(some));
        expect(count).toBe(some.length);
        const slab = Buffer.alloc(maxBytes);
        const end = encode(slab, 0, 7, 100, TIME_MS);
        const back: unknown[] = [];
        for (let at = 0; at < end; ) {
          const next = at + EVENT_HEADER_BYTES + slab.readUInt32BE(at);
          back.push(recordOf(slab, at + EVENT_HEADER_BYTES, next));
          at = next;
        }
        expect(back).toEqual(some.map(one => ({ ...one, timeMs: TIME_MS })));
      }),
    );
  });

  it('is refused with the code for what is wrong', () => {
    const good = write([{ key: undefined, value: Buffer.from('x'), headers: [] }]);
    expect(codeOf(good)).toBe(CODE.none);
    const changed = Buffer.from(good);
    changed[changed.length - 2]! ^= 1;
    expect(codeOf(changed)).toBe(CODE.corruptMessage);
    expect(codeOf(good.subarray(0, 40))).toBe(CODE.corruptMessage);
    expect(codeOf(Buffer.concat([good, good]))).toBe(CODE.invalidRecord);
    const old = Buffer.from(good);
    old[16] = 1;
    expect(codeOf(old)).toBe(CODE.unsupportedForMessageFormat);
    expect(codeOf(write([{ key: undefined, value: Buffer.alloc(2 ** 20), headers: [] }]))).toBe(CODE.messageTooLarge);
    const compressed = (kind: number, content: Buffer) => {
      const batch = Buffer.concat([good.subarray(0, 61), content]);
      batch.writeInt16BE(kind, 21);
      return codeOf(sealed(batch));
    };
    expect(compressed(1, gzipSync(good.subarray(61)))).toBe(CODE.none);
    expect(compressed(1, good.subarray(61))).toBe(CODE.corruptMessage);
    expect(compressed(1, gzipSync(Buffer.alloc(2 ** 20 + 1)))).toBe(CODE.messageTooLarge);
    for (const kind of [2, 3, 4]) expect(compressed(kind, good.subarray(61))).toBe(CODE.unsupportedCompressionType);
  });

  it('of any bytes is read or refused, never more', () => {
    fc.assert(
      fc.property(records, bytes(60), fc.nat(), (some, noise, where) => {
        const batch = write(some);
        batch.set(
          noise.subarray(0, Math.max(0, batch.length - 57)),
          57 + (where % Math.max(1, batch.length - 57 - noise.length)),
        );
        codeOf(sealed(batch));
      }),
    );
  });
});
