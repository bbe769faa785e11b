/** Load for `bench --only size`, and what came of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EventHubConsumerClient, type EventHubProducerClient, earliestEventPosition } from '@azure/event-hubs';
import type { AppStack } from '../test/support/app-stack.ts';
import { quantile, round3 } from './harness.ts';
import { sampleFeatures } from './requests.ts';

const RESULTS = 'inference-requests-results';
/** The rate, then a burst of so many times that. */
export const BEFORE_MS = 5_000;
const FACTOR = 5;
/** What is sent within it goes together. */
export const TICK_MS = 50;

export const PROBES = 20;

/** Events one by one: what a run of the remote model takes, and what else an event does. */
export async function probe(stack: AppStack, producer: EventHubProducerClient, partitions: number, everyMs: number) {
  for (let i = 0; i < PROBES; i++) {
    await sendTo(producer, i % partitions, 1);
    await sleep(everyMs);
  }
  // The first ones open what is then open.
  const times = (await results(stack, PROBES)).sort((a, b) => a.requestAt - b.requestAt).slice(PROBES / 2);
  const usual = (list: readonly number[]) => quantile(list, 0.25); // of a machine that others use, too
  const runMs = usual(times.map(({ modelMs }) => modelMs));
  const besideMs = usual(times.map(({ requestAt, resultAt, modelMs }) => resultAt - requestAt - modelMs));
  return { runMs: round3(runMs), besideMs: round3(besideMs) };
}

/** They name no version: the remote one is the newest. */
const bodies = sampleFeatures('diabetes', '1.0.0').map(features =>
  Buffer.from(JSON.stringify({ model: 'diabetes', features })),
);
let next = 0;

async function sendTo(producer: EventHubProducerClient, partition: number, count: number): Promise<void> {
  const batch = await producer.createBatch({ partitionId: String(partition) });
  for (let i = 0; i < count; i++) batch.tryAdd({ body: bodies[next++ % bodies.length] as Buffer });
  await producer.sendBatch(batch);
}

/** A while at the rate, the burst, and the rate until what waits is worked off about; in turns over the partitions. */
export async function send(producer: EventHubProducerClient, partitions: number, rate: number, burst: number) {
  const burstUntil = BEFORE_MS + 1000 * burst;
  const until = burstUntil + 2_500 * burst;
  const perTick: number[] = [];
  const start = performance.now();
  let [due, total, turn] = [0, 0, 0];
  for (let tick = 1; tick * TICK_MS <= until; tick++) {
    const ms = tick * TICK_MS;
    await sleep(Math.max(0, start + ms - performance.now()));
    due += ((ms > BEFORE_MS && ms <= burstUntil ? FACTOR : 1) * rate * TICK_MS) / 1000;
    const count = Math.floor(due) - total;
    const shares = Array.from({ length: Math.min(count, partitions) }, (_, i) => ({
      partition: (turn + i) % partitions,
      events: Math.floor(count / partitions) + (i < count % partitions ? 1 : 0),
    }));
    await Promise.all(shares.map(({ partition, events }) => sendTo(producer, partition, Math.max(1, events))));
    turn += count % partitions;
    total += count;
    // When it really went, which is later where the machine is busy.
    const at = Math.floor((performance.now() - start) / TICK_MS);
    perTick[at] = (perTick[at] ?? 0) + count;
  }
  return { total, perTick };
}

/** Waits for so many results; when each was enqueued, its request too, and what its run took. */
export async function results({ hubs }: AppStack, count: number) {
  const consumer = new EventHubConsumerClient('monitor', hubs.connectionString, RESULTS);
  const times = new Map<string, { requestAt: number; resultAt: number; modelMs: number }>();
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${times.size} of ${count} results after 180 s`)), 180_000);
    const subscription = consumer.subscribe(
      {
        processEvents: async events => {
          for (const { body, enqueuedTimeUtc } of events) {
            const { result_id, enqueued_at, model_ms } = body as {
              result_id: string;
              enqueued_at: string;
              model_ms: number;
            };
            if (times.has(result_id)) continue;
            times.set(result_id, {
              requestAt: Date.parse(enqueued_at),
              resultAt: enqueuedTimeUtc.getTime(),
              modelMs: model_ms,
            });
          }
          if (times.size < count) return;
          clearTimeout(timer);
          void subscription.close().then(resolve);
        },
        processError: async error => reject(error),
      },
      { startPosition: earliestEventPosition, maxBatchSize: 5000 },
    );
  });
  await consumer.close();
  return [...times.values()];
}
