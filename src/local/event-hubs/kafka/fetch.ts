import type { Partition } from '../namespace.ts';
import type { Api, KafkaClient } from './client.ts';
import type { Reader, Writer } from './codec.ts';
import { CODE } from './error-code.ts';
import { readRecords } from './read-records.ts';

interface Wanted {
  readonly topic: string;
  readonly index: number;
  readonly offset: number;
  readonly maxBytes: number;
}

interface Got extends Wanted {
  readonly error: number;
  readonly partition: Partition | undefined;
  readonly records: Buffer | undefined;
}

/** What one answer holds at most, whatever is asked for. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const MAX_WAIT_MS = 60_000;
const EMPTY = Buffer.alloc(0);

/** Fetch: what there is from an offset on; where there is too little, it waits for more. */
export const fetch: Api = {
  key: 1,
  versions: [4, 11],
  async answer(client, request, version, reply) {
    request.int32(); // replica
    const waitMs = Math.min(request.int32(), MAX_WAIT_MS);
    const minBytes = request.int32();
    const maxBytes = Math.min(request.int32(), MAX_ANSWER_BYTES);
    request.int8(); // isolation level: without transactions all is committed
    if (version >= 7) request.take(8); // session: none is offered, so each request names all its partitions
    const wanted = request.array(() => readTopic(request, version)).flat();
    let got = collect(client, wanted, maxBytes);
    const until = client.service.clock() + waitMs;
    while (bytesOf(got) < minBytes && !got.some(({ error }) => error)) {
      const leftMs = until - client.service.clock();
      if (leftMs <= 0 || client.signal.aborted || !(await news(got, leftMs, client.signal))) break;
      got = collect(client, wanted, maxBytes);
    }
    write(reply, version, got);
    return undefined;
  },
};

function readTopic(request: Reader, version: number): Wanted[] {
  const topic = request.string();
  return request.array(() => {
    const index = request.int32();
    if (version >= 9) request.int32(); // leader epoch
    const offset = request.int64();
    if (version >= 5) request.int64(); // a follower's log start
    return { topic, index, offset, maxBytes: request.int32() };
  });
}

function collect({ service, positions }: KafkaClient, wanted: readonly Wanted[], maxBytes: number): Got[] {
  let left = maxBytes;
  return wanted.map(one => {
    const partition = service.namespace.find(one.topic)?.partitions[one.index];
    if (!partition) return { ...one, partition, records: undefined, error: CODE.unknownTopicOrPartition };
    const { firstSequence, nextSequence } = partition.log;
    if (one.offset < firstSequence || one.offset > nextSequence)
      return { ...one, partition, records: undefined, error: CODE.offsetOutOfRange };
    const room = Math.min(left, one.maxBytes);
    const records = room > 0 ? readRecords(partition, one.offset, room, positions) : undefined;
    left -= records?.length ?? 0;
    return { ...one, partition, records, error: CODE.none };
  });
}

const bytesOf = (got: readonly Got[]) => got.reduce((sum, { records }) => sum + (records?.length ?? 0), 0);

/** True once one of the partitions has new events, false when the time is up or the client gone. */
function news(got: readonly Got[], waitMs: number, signal: AbortSignal): Promise<boolean> {
  return new Promise(resolve => {
    const done = (isNews: boolean) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onEnd);
      for (const { partition } of got) partition?.readers.delete(onNews);
      resolve(isNews);
    };
    const onNews = () => done(true);
    const onEnd = () => done(false);
    const timer = setTimeout(onEnd, waitMs);
    signal.addEventListener('abort', onEnd, { once: true });
    for (const { partition } of got) partition?.readers.add(onNews);
  });
}

function write(reply: Writer, version: number, got: readonly Got[]): void {
  reply.int32(0);
  if (version >= 7) reply.int16(CODE.none).int32(0);
  const topics = new Set(got.map(({ topic }) => topic));
  reply.array([...topics], name => {
    const partitions = got.filter(({ topic }) => topic === name);
    reply.string(name).array(partitions, ({ index, error, partition, records }) => {
      const end = partition?.log.nextSequence ?? -1;
      reply.int32(index).int16(error).int64(end).int64(end);
      if (version >= 5) reply.int64(partition?.log.firstSequence ?? -1);
      reply.int32(-1); // aborted transactions
      if (version >= 11) reply.int32(-1); // another replica to read from
      reply.bytes(records ?? EMPTY);
    });
  });
}
