import { setTimeout as sleep } from 'node:timers/promises';
import { EventHubProducerClient } from '@azure/event-hubs';
import { groupBy } from './group-by.ts';
import type { DemoEvent } from './requests.ts';

const TICK_MS = 100;
/** Work missed while the machine was busy is not made up for beyond this. */
const MOST_BEHIND_MS = 1000;

/**
 * Sends events at a steady rate until the signal comes.
 * @param onSent told how many requests were just sent.
 * @throws what the SDK throws where the hub refuses.
 */
export async function sendTraffic(
  connectionString: string,
  hub: string,
  next: () => DemoEvent,
  rate: number,
  signal: AbortSignal,
  onSent: (requests: number) => void,
): Promise<void> {
  const producer = new EventHubProducerClient(connectionString, hub);
  try {
    let atMs = performance.now();
    let owed = 0;
    while (!signal.aborted) {
      const nowMs = performance.now();
      owed += (Math.min(nowMs - atMs, MOST_BEHIND_MS) / 1000) * rate;
      atMs = nowMs;
      const events: DemoEvent[] = [];
      while (owed >= 1) {
        const event = next();
        owed -= event.requests;
        events.push(event);
      }
      const byKey = groupBy(events, ({ partitionKey }) => partitionKey);
      await Promise.all(
        [...byKey].map(async ([partitionKey, group]) => {
          await producer.sendBatch(
            group.map(({ body }) => ({ body: Buffer.from(body), contentType: 'application/json' })),
            { partitionKey },
          );
          onSent(group.reduce((sum, { requests }) => sum + requests, 0));
        }),
      );
      await sleep(Math.max(0, TICK_MS - (performance.now() - nowMs)), undefined, { signal }).catch(() => {});
    }
  } finally {
    await producer.close();
  }
}
