import type { ProducerMark } from '../store/batch-format.ts';
import { batchOfProducer } from '../store/find-position.ts';
import type { PartitionLog } from '../store/partition-log.ts';
import { CODE, KafkaError } from './error-code.ts';
import type { RecordBatch } from './record-batch.ts';

/** Numbers run from 0 to 2^31 - 1, and then from 0 again. */
const MODULUS = 2 ** 31;

/** What the log is to remember with a batch, or, where it has the batch already, how to find its first offset. */
export type Taken = { readonly producer?: ProducerMark } | { repeats(): number };

/**
 * Holds a batch of an idempotent producer against what the log has of it; one that is sent again after a lost acknowledgement is not
 * stored again. The log keeps the marks with the batches, so this holds over a kill, too.
 * @throws KafkaError where the producer has an older epoch, or batches before this one are missing.
 */
export function takeBatch(log: PartitionLog, { producer, records }: RecordBatch): Taken {
  const { id, epoch, firstSequence } = producer;
  if (id < 0) return {};
  const lastSequence = (firstSequence + records.length - 1) % MODULUS;
  const mark = { producer: { id, epoch, lastSequence } };
  const known = log.producer(id);
  if (!known) return mark; // new here, or forgotten: brokers, too, then take any number
  if (epoch < known.epoch)
    throw new KafkaError(CODE.invalidProducerEpoch, `producer epoch ${epoch}; ${known.epoch} has been here`);
  const expected = epoch > known.epoch ? 0 : (known.lastSequence + 1) % MODULUS;
  if (firstSequence === expected) return mark;
  const behind = (expected - firstSequence + MODULUS) % MODULUS;
  if (epoch === known.epoch && behind >= records.length && behind < MODULUS / 2)
    return { repeats: () => batchOfProducer(log, id, lastSequence)?.header.firstSequence ?? -1 };
  throw new KafkaError(
    CODE.outOfOrderSequenceNumber,
    `the batch begins with the producer's number ${firstSequence}; ${expected} comes next`,
  );
}
