import type { Api } from './client.ts';
import { CODE } from './error-code.ts';

/** The one broker. */
export const NODE_ID = 0;
const NO_EPOCH = -1;
/** Authorized operations were not asked for. */
const UNKNOWN_OPERATIONS = -2147483648;

/** Metadata: a hub is a topic, and all partitions are here. */
export const metadata: Api = {
  key: 3,
  versions: [0, 8],
  answer({ service: { namespace }, host, port }, request, version, reply) {
    const asked = request.nullableArray(() => request.string());
    const isAll = asked === undefined || (version === 0 && asked.length === 0);
    const names = isAll ? [...namespace.hubs].map(hub => hub.name) : asked;
    if (version >= 3) reply.int32(0);
    reply.int32(1).int32(NODE_ID).string(host).int32(port);
    if (version >= 1) reply.string(undefined); // rack
    if (version >= 2) reply.string('hubscore');
    if (version >= 1) reply.int32(NODE_ID); // controller
    reply.array(names, name => {
      const hub = namespace.find(name);
      reply.int16(hub ? CODE.none : CODE.unknownTopicOrPartition).string(name);
      if (version >= 1) reply.boolean(false); // internal
      reply.array(hub?.partitions ?? [], ({ id }) => {
        reply.int16(CODE.none).int32(Number(id)).int32(NODE_ID);
        if (version >= 7) reply.int32(NO_EPOCH);
        reply.int32(1).int32(NODE_ID).int32(1).int32(NODE_ID); // replicas, those in sync
        if (version >= 5) reply.int32(0); // offline
      });
      if (version >= 8) reply.int32(UNKNOWN_OPERATIONS);
    });
    if (version >= 8) reply.int32(UNKNOWN_OPERATIONS);
    return undefined;
  },
};
