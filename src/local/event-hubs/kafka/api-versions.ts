import type { Api } from './client.ts';
import type { Writer } from './codec.ts';
import { CODE } from './error-code.ts';

const KEY = 18;

/** ApiVersions: which requests are answered, in which versions. */
export function apiVersions(apis: () => readonly Api[]): Api {
  return {
    key: KEY,
    versions: [0, 3],
    isOpen: true,
    answer(_client, _request, version, reply) {
      writeVersions(reply, version, CODE.none, apis());
      return undefined;
    },
  };
}

/** A version of ApiVersions that is too new is answered as version 0, so that the client can read which there are. */
export function writeVersions(reply: Writer, version: number, error: number, apis: readonly Api[]): void {
  const isCompact = version >= 3;
  reply.int16(error);
  if (isCompact) reply.uvarint(apis.length + 1);
  else reply.int32(apis.length);
  for (const { key, versions } of apis) {
    // librdkafka takes a broker without Produce 0 for one that can compress nothing, and would then quietly compress nothing.
    reply
      .int16(key)
      .int16(key === 0 ? 0 : versions[0])
      .int16(versions[1]);
    if (isCompact) reply.uvarint(0);
  }
  if (version >= 1) reply.int32(0);
  if (isCompact) reply.uvarint(0);
}
