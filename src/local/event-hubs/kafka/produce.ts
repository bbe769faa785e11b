import { encodeEvents } from '../amqp/event-encoder.ts';
import type { Partition } from '../namespace.ts';
import type { Api, KafkaService } from './client.ts';
import type { Reader } from './codec.ts';
import { CODE, KafkaError } from './error-code.ts';
import { readRecordBatch } from './record-batch.ts';
import { eventsOf } from './record-to-event.ts';
import { takeBatch } from './sequences.ts';

interface Stored {
  readonly error?: KafkaError;
  readonly offset: number;
}

const UNKNOWN_OFFSET = -1;

/** Produce: record batch in, log, acknowledgement, and that only once it is written, so that nothing acknowledged can be lost. */
export const produce: Api = {
  key: 0,
  versions: [3, 8],
  async answer({ service }, request, version, reply) {
    const transactional = request.nullableString() !== undefined;
    const acks = request.int16();
    request.int32(); // time limit: a write takes none
    const topics = request.array(() => ({
      name: request.string(),
      partitions: request.array(() => readPartition(request)),
    }));
    // Everything is appended before the first wait: one write for all of it.
    const pending = topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ index, records }) => ({
        index,
        stored: store(service, name, index, records, transactional),
      })),
    }));
    const answers = await Promise.all(
      pending.map(async ({ name, partitions }) => ({
        name,
        partitions: await Promise.all(partitions.map(async ({ index, stored }) => ({ index, ...(await stored) }))),
      })),
    );
    if (acks === 0) return hasFailed(answers) ? 'drop' : false;
    reply.array(answers, ({ name, partitions }) => {
      reply.string(name);
      reply.array(partitions, ({ index, error, offset }) => {
        reply
          .int32(index)
          .int16(error?.code ?? CODE.none)
          .int64(offset)
          .int64(-1); // time: the producer's stands for the client
        if (version >= 5) reply.int64(service.namespace.find(name)?.partitions[index]?.log.firstSequence ?? -1);
        if (version >= 8) reply.int32(0).string(error?.message);
      });
    });
    reply.int32(0);
    return undefined;
  },
};

function readPartition(request: Reader) {
  return { index: request.int32(), records: request.bytes() ?? Buffer.alloc(0) };
}

/** Without acknowledgements a closed connection is all that tells a producer of an error, as brokers do it. */
function hasFailed(answers: readonly { readonly partitions: readonly Stored[] }[]): boolean {
  return answers.some(({ partitions }) => partitions.some(({ error }) => error));
}

function store(
  service: KafkaService,
  topic: string,
  index: number,
  records: Buffer,
  transactional: boolean,
): Promise<Stored> {
  const partition = service.namespace.find(topic)?.partitions[index];
  try {
    if (!partition) throw new KafkaError(CODE.unknownTopicOrPartition, 'there is no such hub or partition');
    if (transactional) throw new KafkaError(CODE.transactionalIdAuthorizationFailed, 'transactions are not served');
    return append(service, partition, records);
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    if (error.code === CODE.unsupportedCompressionType) service.warnOnce(`refused a Kafka producer: ${error.message}`);
    return Promise.resolve({ error, offset: UNKNOWN_OFFSET });
  }
}

/** @throws KafkaError */
function append({ namespace }: KafkaService, partition: Partition, bytes: Buffer): Promise<Stored> {
  const batch = readRecordBatch(bytes);
  const { log } = partition;
  const taken = takeBatch(log, batch);
  // A batch that is there already may still be on its way to disk: it is acknowledged behind what came before.
  if ('repeats' in taken) return new Promise(resolve => setImmediate(() => resolve({ offset: taken.repeats() })));
  const events = encodeEvents(eventsOf(batch.records));
  return new Promise(resolve => {
    let offset = UNKNOWN_OFFSET;
    const encode: typeof events.encode = (slab, at, sequence, position, timeMs) => {
      offset = sequence;
      return events.encode(slab, at, sequence, position, timeMs);
    };
    log.append({ ...events, ...taken, encode }, cause => {
      const error = cause && new KafkaError(CODE.kafkaStorageError, `could not be stored: ${cause.message}`, { cause });
      resolve(error ? { error, offset: UNKNOWN_OFFSET } : { offset });
    });
    namespace.flushSoon(partition);
  });
}
