import { InfrastructureError } from '../core/errors.ts';
import type { HubReader } from '../core/hub-reader.ts';
import { type PartitionSender, SendError } from '../core/hub-sender.ts';
import type { Breaker } from '../core/retry-policies.ts';

/** Whether a call failed for its hub's sake. One that is throttled is answered, and told when to come again. */
export function isFailureOfHub(error: Error): boolean {
  if (error instanceof SendError) return error.retryable && error.retryAfterMs === undefined;
  return error instanceof InfrastructureError;
}

/** A reader whose hub is not asked while it is known to be away; each call counts, each block of a reading among them. */
export function readerWithBreaker(reader: HubReader, breaker: Breaker): HubReader {
  return {
    hub: reader.hub,
    describe: signal => breaker.execute(() => reader.describe(signal)),
    range: (partition, signal) => breaker.execute(() => reader.range(partition, signal)),
    async *read(partition, from, signal) {
      const blocks = reader.read(partition, from, signal)[Symbol.asyncIterator]();
      try {
        for (;;) {
          const next = await breaker.execute(() => blocks.next());
          if (next.done) return;
          yield next.value;
        }
      } finally {
        await blocks.return?.(undefined);
      }
    },
    close: () => reader.close(),
  };
}

/** A sender that sends nothing while its hub is known to be away. @param onThrottled told of each send that is to come again later */
export function senderWithBreaker(sender: PartitionSender, breaker: Breaker, onThrottled: () => void): PartitionSender {
  return {
    send: (partition, messages, signal) =>
      breaker
        .execute(() => sender.send(partition, messages, signal))
        .catch(thrown => {
          if (thrown instanceof SendError && thrown.retryAfterMs !== undefined) onThrottled();
          throw thrown;
        }),
    close: () => sender.close(),
  };
}
