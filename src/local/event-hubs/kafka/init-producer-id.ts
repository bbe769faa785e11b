import { randomInt } from 'node:crypto';
import type { Api } from './client.ts';
import { CODE } from './error-code.ts';

/** InitProducerId: for idempotent producers; the number is drawn, so that none comes again after a restart. */
export const initProducerId: Api = {
  key: 22,
  versions: [0, 1],
  answer({ service }, request, _version, reply) {
    const isTransactional = request.nullableString() !== undefined;
    if (isTransactional) service.warnOnce('refused a Kafka producer: transactions are not served here');
    reply.int32(0);
    if (isTransactional) reply.int16(CODE.transactionalIdAuthorizationFailed).int64(-1).int16(-1);
    else
      reply
        .int16(CODE.none)
        .int64(randomInt(1, 2 ** 47))
        .int16(0);
    return undefined;
  },
};
