import { expect, it } from 'vitest';
import { encodeEvents } from '../../../../../src/local/event-hubs/amqp/event-encoder.ts';
import { CODE, type KafkaError } from '../../../../../src/local/event-hubs/kafka/error-code.ts';
import type { KafkaRecord } from '../../../../../src/local/event-hubs/kafka/record-batch.ts';
import { eventsOf } from '../../../../../src/local/event-hubs/kafka/record-to-event.ts';
import { takeBatch } from '../../../../../src/local/event-hubs/kafka/sequences.ts';
import type { PartitionLog } from '../../../../../src/local/event-hubs/store/partition-log.ts';
import { aFolder, openLog } from '../a-log.ts';

const ID = 2 ** 40;
const one: KafkaRecord = { key: undefined, value: Buffer.from('x'), headers: [] };

/** Stores a batch as Produce does: its first offset, `again` where it is there already, or the error's code. */
function put(log: PartitionLog, firstSequence: number, count: number, epoch = 0): unknown {
  const batch = { records: Array.from({ length: count }, () => one), producer: { id: ID, epoch, firstSequence } };
  try {
    const taken = takeBatch(log, batch);
    if ('repeats' in taken) return { again: taken.repeats() };
    const offset = log.nextSequence;
    log.append({ ...encodeEvents(eventsOf(batch.records)), ...taken }, () => {});
    log.flush();
    return offset;
  } catch (error) {
    return { code: (error as KafkaError).code };
  }
}

it('a batch that comes again is not stored again, and bears its first offset, over a restart too', () => {
  using folder = aFolder();
  const log = openLog(folder.path);
  expect([put(log, 0, 3), put(log, 3, 2), put(log, 5, 1)]).toEqual([0, 3, 5]);
  expect([put(log, 3, 2), put(log, 5, 1), put(log, 0, 3)]).toEqual([{ again: 3 }, { again: 5 }, { again: 0 }]);
  const after = openLog(folder.path); // as after a kill: the first is not closed
  expect([put(after, 5, 1), put(after, 6, 1)]).toEqual([{ again: 5 }, 6]);
});

it('a gap, an overlap and a past epoch are refused', () => {
  using folder = aFolder();
  const log = openLog(folder.path);
  expect(put(log, 0, 3, 1)).toBe(0);
  expect(put(log, 4, 1, 1)).toEqual({ code: CODE.outOfOrderSequenceNumber });
  expect(put(log, 2, 2, 1)).toEqual({ code: CODE.outOfOrderSequenceNumber });
  expect(put(log, 3, 1, 0)).toEqual({ code: CODE.invalidProducerEpoch });
  expect(put(log, 3, 1, 2)).toEqual({ code: CODE.outOfOrderSequenceNumber });
  expect(put(log, 0, 1, 2)).toBe(3);
});

it('numbers go round after 2^31 - 1', () => {
  using folder = aFolder();
  const log = openLog(folder.path);
  expect(put(log, 2 ** 31 - 2, 2)).toBe(0);
  expect(put(log, 0, 2)).toBe(2);
  expect(put(log, 2 ** 31 - 2, 2)).toEqual({ again: 0 });
});
