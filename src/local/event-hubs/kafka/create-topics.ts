import type { Api } from './client.ts';
import { CODE } from './error-code.ts';

const MESSAGE = 'hubs are not made by clients: name them in a Config.json';

/** CreateTopics: refused, as for a client without the right to manage the namespace. */
export const createTopics: Api = {
  key: 19,
  versions: [2, 4],
  answer(_client, request, _version, reply) {
    const names = request.array(() => {
      const name = request.string();
      request.int32(); // partitions
      request.int16(); // replicas
      request.array(() => [request.int32(), request.array(() => request.int32())]); // where each replica is to be
      request.array(() => [request.string(), request.nullableString()]); // settings
      return name;
    });
    reply.int32(0);
    reply.array(names, name => reply.string(name).int16(CODE.topicAuthorizationFailed).string(MESSAGE));
    return undefined;
  },
};
