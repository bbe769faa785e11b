import type { Api } from './client.ts';
import type { Writer } from './codec.ts';
import { CODE, KafkaError } from './error-code.ts';
import { NODE_ID } from './metadata.ts';

const GROUP = 0;
/** As brokers have it. */
const SESSION_MS = { least: 6000, most: 1_800_000 };
const EMPTY = Buffer.alloc(0);

/** FindCoordinator: of groups it is here; of transactions there is none. */
export const findCoordinator: Api = {
  key: 10,
  versions: [0, 2],
  answer({ host, port }, request, version, reply) {
    request.string();
    const isGroup = version === 0 || request.int8() === GROUP;
    if (version >= 1) reply.int32(0);
    reply.int16(isGroup ? CODE.none : CODE.transactionalIdAuthorizationFailed);
    if (version >= 1) reply.string(undefined);
    reply
      .int32(isGroup ? NODE_ID : -1)
      .string(isGroup ? host : '')
      .int32(isGroup ? port : -1);
    return undefined;
  },
};

export const joinGroup: Api = {
  key: 11,
  versions: [0, 5],
  async answer(client, request, version, reply) {
    const groupId = request.string();
    const sessionMs = request.int32();
    const rebalanceMs = version >= 1 ? request.int32() : sessionMs;
    const memberId = request.string();
    const instanceId = version >= 5 ? request.nullableString() : undefined;
    const protocolType = request.string();
    const protocols = request.array(() => ({ name: request.string(), metadata: request.bytes() ?? EMPTY }));
    if (version >= 2) reply.int32(0);
    try {
      if (sessionMs < SESSION_MS.least || sessionMs > SESSION_MS.most)
        throw new KafkaError(CODE.invalidSessionTimeout, `${SESSION_MS.least} to ${SESSION_MS.most} ms`);
      const joined = await client.service.groups.group(groupId).join({
        memberId,
        instanceId,
        clientId: client.clientId,
        sessionMs,
        rebalanceMs,
        protocolType,
        protocols,
      });
      reply.int16(CODE.none).int32(joined.generation).string(joined.protocol).string(joined.leader);
      reply.string(joined.memberId).array(joined.members, member => {
        reply.string(member.id);
        if (version >= 5) reply.string(member.instanceId);
        reply.bytes(member.metadata);
      });
    } catch (error) {
      reply.int16(codeOf(error)).int32(-1).string('').string('').string(memberId).int32(0);
    }
    return undefined;
  },
};

export const syncGroup: Api = {
  key: 14,
  versions: [0, 3],
  async answer({ service }, request, version, reply) {
    const groupId = request.string();
    const generation = request.int32();
    const memberId = request.string();
    if (version >= 3) request.nullableString();
    const assignments = new Map(request.array(() => [request.string(), request.bytes() ?? EMPTY] as const));
    if (version >= 1) reply.int32(0);
    try {
      const assignment = await service.groups.group(groupId).sync(memberId, generation, assignments);
      reply.int16(CODE.none).bytes(assignment);
    } catch (error) {
      reply.int16(codeOf(error)).bytes(EMPTY);
    }
    return undefined;
  },
};

export const heartbeat: Api = {
  key: 12,
  versions: [0, 3],
  answer({ service }, request, version, reply) {
    const groupId = request.string();
    const generation = request.int32();
    const memberId = request.string();
    if (version >= 1) reply.int32(0);
    writeOutcome(reply, () => service.groups.group(groupId).heartbeat(memberId, generation));
    return undefined;
  },
};

export const leaveGroup: Api = {
  key: 13,
  versions: [0, 3],
  answer({ service }, request, version, reply) {
    const groupId = request.string();
    const read = () => ({
      memberId: request.string(),
      instanceId: version >= 3 ? request.nullableString() : undefined,
    });
    const members = version >= 3 ? request.array(read) : [read()];
    if (version >= 1) reply.int32(0);
    const leave = ({ memberId, instanceId }: (typeof members)[number]) =>
      writeOutcome(reply, () => service.groups.group(groupId).leave(memberId, instanceId));
    if (version < 3) leave(members[0] as (typeof members)[number]);
    else {
      reply.int16(CODE.none).array(members, member => {
        reply.string(member.memberId).string(member.instanceId);
        leave(member);
      });
    }
    return undefined;
  },
};

function writeOutcome(reply: Writer, work: () => void): void {
  try {
    work();
    reply.int16(CODE.none);
  } catch (error) {
    reply.int16(codeOf(error));
  }
}

/** The code of an error that the protocol knows; any other goes on. */
export function codeOf(error: unknown): number {
  if (error instanceof KafkaError) return error.code;
  throw error;
}
