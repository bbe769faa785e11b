import { setTimeout as sleep } from 'node:timers/promises';
import { type EventData, EventHubProducerClient } from '@azure/event-hubs';
import { REQUESTS } from '../support/scoring.ts';

const TURN_MS = 100;
const RETRY_MS = 200;
const MAX_BURST = 1500;
/** A send whose endpoint died under it ends only with its time-out; it should not be the producer that keeps everyone waiting. */
const NO_RETRIES = { maxRetries: 0, timeoutInMs: 1_000 };

export interface Traffic {
  /** Events that the hub has acknowledged so far. */
  readonly acknowledged: number;
  readonly over: boolean;
  /** Resolves once all are acknowledged. */
  readonly done: Promise<void>;
}

/**
 * Sends events over `seconds`, in bursts of uneven size to all partitions in turn; what is not acknowledged is sent again, as a
 * producer does, so that an event may be in the hub twice.
 */
export function startTraffic(
  connectionString: string,
  partitions: number,
  events: number,
  seconds: number,
  next: () => EventData,
  share: () => number,
): Traffic {
  let acknowledged = 0;
  let over = false;

  async function run(): Promise<void> {
    const startedAt = performance.now();
    let made = 0;
    for (let turn = 0; made < events; turn++) {
      const due = ((performance.now() - startedAt) / (seconds * 1000)) * events - made;
      // Between nothing and twice what is due: bursts and gaps.
      const count = Math.min(MAX_BURST, events - made, Math.max(0, Math.round(due * 2 * share())));
      if (count > 0) {
        const batch = Array.from({ length: count }, next);
        made += count;
        await deliver(String(turn % partitions), batch);
      }
      await sleep(TURN_MS / partitions);
    }
  }

  let producer: EventHubProducerClient | undefined;

  async function deliver(partitionId: string, events: readonly EventData[]): Promise<void> {
    for (let sent = 0; sent < events.length; ) {
      try {
        producer ??= new EventHubProducerClient(connectionString, REQUESTS, { retryOptions: NO_RETRIES });
        const batch = await producer.createBatch({ partitionId });
        while (sent + batch.count < events.length && batch.tryAdd(events[sent + batch.count] as EventData));
        await producer.sendBatch(batch);
        sent += batch.count;
        acknowledged += batch.count;
      } catch {
        await producer?.close().catch(() => {});
        producer = undefined;
        await sleep(RETRY_MS);
      }
    }
  }

  const done = run().finally(async () => {
    over = true;
    await producer?.close().catch(() => {});
  });
  done.catch(() => {}); // whoever waits for it hears of it
  return {
    get acknowledged() {
      return acknowledged;
    },
    get over() {
      return over;
    },
    done,
  };
}
