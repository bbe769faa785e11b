import type { Api } from './client.ts';
import { CODE, KafkaError } from './error-code.ts';
import type { TopicPartition } from './group-offsets.ts';

const NONE = -1;

/** OffsetCommit: how far a group has come, on disk before it is acknowledged. */
export const offsetCommit: Api = {
  key: 8,
  versions: [2, 7],
  answer({ service }, request, version, reply) {
    const group = request.string();
    const generation = request.int32();
    const memberId = request.string();
    if (version >= 7) request.nullableString();
    if (version <= 4) request.int64(); // retention
    const topics = request.array(() => ({
      topic: request.string(),
      partitions: request.array(() => {
        const index = request.int32();
        const offset = request.int64();
        if (version >= 6) request.int32(); // leader epoch
        return { index, offset, metadata: request.string() };
      }),
    }));
    const exists = ({ topic, index }: TopicPartition) => service.namespace.find(topic)?.partitions[index] !== undefined;
    let code: number = CODE.none;
    try {
      service.groups.group(group).refuseCommit(memberId, generation);
      const commits = topics.flatMap(({ topic, partitions }) => partitions.map(commit => ({ topic, ...commit })));
      service.offsets.commit(group, commits.filter(exists));
    } catch (error) {
      code = error instanceof KafkaError ? error.code : CODE.kafkaStorageError;
      if (!(error instanceof KafkaError))
        service.warnOnce(`cannot store a group's offsets: ${(error as Error).message}`);
    }
    if (version >= 3) reply.int32(0);
    reply.array(topics, ({ topic, partitions }) => {
      reply.string(topic).array(partitions, ({ index }) => {
        reply.int32(index).int16(code || (exists({ topic, index }) ? CODE.none : CODE.unknownTopicOrPartition));
      });
    });
    return undefined;
  },
};

export const offsetFetch: Api = {
  key: 9,
  versions: [1, 5],
  answer({ service: { offsets } }, request, version, reply) {
    const group = request.string();
    const asked = request.nullableArray(() => {
      const topic = request.string();
      return request.array(() => ({ topic, index: request.int32() }));
    });
    const wanted = asked?.flat() ?? offsets.partitionsOf(group);
    if (version >= 3) reply.int32(0);
    reply.array([...new Set(wanted.map(({ topic }) => topic))], name => {
      const partitions = wanted.filter(({ topic }) => topic === name);
      reply.string(name).array(partitions, at => {
        const committed = offsets.get(group, at);
        reply.int32(at.index).int64(committed?.offset ?? NONE);
        if (version >= 5) reply.int32(NONE);
        reply.string(committed?.metadata ?? '').int16(CODE.none);
      });
    });
    if (version >= 2) reply.int16(CODE.none);
    return undefined;
  },
};
