import { batchOfTime } from '../store/find-position.ts';
import type { PartitionLog } from '../store/partition-log.ts';
import type { Api } from './client.ts';
import { CODE } from './error-code.ts';

const LATEST = -1;
const EARLIEST = -2;
const NONE = -1;

/** ListOffsets: where a partition begins and ends, and the first offset of a time. */
export const listOffsets: Api = {
  key: 2,
  versions: [1, 5],
  answer({ service: { namespace } }, request, version, reply) {
    request.int32(); // replica
    if (version >= 2) request.int8(); // isolation level: without transactions all is committed
    const topics = request.array(() => ({
      name: request.string(),
      partitions: request.array(() => {
        const index = request.int32();
        if (version >= 4) request.int32(); // leader epoch
        return { index, timeMs: request.int64() };
      }),
    }));
    if (version >= 2) reply.int32(0);
    reply.array(topics, ({ name, partitions }) => {
      reply.string(name);
      reply.array(partitions, ({ index, timeMs }) => {
        const log = namespace.find(name)?.partitions[index]?.log;
        const found = log ? offsetAt(log, timeMs) : { timeMs: NONE, offset: NONE };
        reply.int32(index).int16(log ? CODE.none : CODE.unknownTopicOrPartition);
        reply.int64(found.timeMs).int64(found.offset);
        if (version >= 4) reply.int32(NONE);
      });
    });
    return undefined;
  },
};

function offsetAt(log: PartitionLog, timeMs: number): { timeMs: number; offset: number } {
  if (timeMs === LATEST) return { timeMs: NONE, offset: log.nextSequence };
  if (timeMs === EARLIEST) return { timeMs: NONE, offset: log.firstSequence };
  const header = batchOfTime(log, timeMs)?.header;
  return header ? { timeMs: header.timeMs, offset: header.firstSequence } : { timeMs: NONE, offset: NONE };
}
