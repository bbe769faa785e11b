import type { EventDataBatch, EventHubProducerClient } from '@azure/event-hubs';
import { asError } from '../../core/errors.ts';
import type { Payload } from './payload.ts';
import type { LoadClock } from './send-load.ts';
import type { Tally } from './tally.ts';

/**
 * What sends requests to the hub and writes down when the hub confirmed them, or that it did not. Those without a key take the partitions in
 * turn, a send each, as the service itself would deal them out.
 */
export function createGroupSender(
  producer: EventHubProducerClient,
  partitions: readonly string[],
  payload: Payload,
  tally: Tally,
  clock: LoadClock,
): (numbers: readonly number[], key: string | undefined) => Promise<void> {
  let turn = 0;
  return async (numbers, key) => {
    const target =
      key === undefined ? { partitionId: partitions[turn++ % partitions.length] as string } : { partitionKey: key };
    let from = 0;
    while (from < numbers.length) {
      let to = from;
      try {
        const batch = await producer.createBatch(target);
        while (to < numbers.length && add(batch, payload, tally, numbers[to] as number)) to++;
        if (to === from) throw new Error('the request is larger than an event may be');
        await producer.sendBatch(batch);
        const nowMs = clock.now();
        for (let i = from; i < to; i++) tally.confirm(numbers[i] as number, nowMs);
      } catch (thrown) {
        to = Math.max(to, from + 1);
        for (let i = from; i < to; i++) tally.fail(numbers[i] as number, reasonOf(thrown));
      }
      from = to;
    }
  };
}

function add(batch: EventDataBatch, payload: Payload, tally: Tally, n: number): boolean {
  return batch.tryAdd({ body: payload.body(n, tally.idOf(n)), contentType: 'application/json' });
}

/** Few different ones, however many sends fail: the SDK's code, or the first line without what differs from send to send. */
function reasonOf(thrown: unknown): string {
  const error = asError(thrown);
  const code = (error as NodeJS.ErrnoException).code;
  return code ?? (error.message.split('\n')[0] ?? '').replace(/\d{4,}|[0-9a-f-]{16,}/g, '…').slice(0, 120);
}
