/** The whole system on one machine: endpoint, Blob storage and functions host as processes of their own, fed by the SDK. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventHubConsumerClient, EventHubProducerClient, earliestEventPosition } from '@azure/event-hubs';
import { BlobServiceClient } from '@azure/storage-blob';
import { startEventHubs } from '../test/support/event-hubs.ts';
import { startHost } from '../test/support/functions-host.ts';
import { startStorage } from '../test/support/storage.ts';
import { quantile, round3 } from './harness.ts';
import { requestBodies } from './requests.ts';

const ROOT = resolve(import.meta.dirname, '..');
const [REQUESTS, RESULTS] = ['inference-requests', 'inference-requests-results'];
const KEYS = 16;

export interface Stream {
  /** Fills the hub, starts the host, and says how fast it scored all of it: events a second between first and last result. */
  drain(events: number): Promise<number>;
  /** Sends at a fixed rate whatever comes back; latencies from enqueued to enqueued, milliseconds. */
  openLoop(rate: number, seconds: number): Promise<Latencies>;
  close(): Promise<void>;
}

export interface Latencies {
  readonly rate: number;
  readonly results: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export async function openStream(model: string, version: string): Promise<Stream> {
  const eventHubs = await startEventHubs();
  const storage = await startStorage();
  const container = BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient('models');
  await container.createIfNotExists();
  for (const part of ['model.onnx', 'model.json']) {
    const bytes = readFileSync(join(ROOT, 'samples/models', model, version, part));
    await container.getBlockBlobClient(`${model}/${version}/${part}`).upload(bytes, bytes.length);
  }
  const producer = new EventHubProducerClient(eventHubs.connectionString, REQUESTS);
  const bodies = requestBodies(model, version, 1000);
  let host: Awaited<ReturnType<typeof startHost>> | undefined;
  let sent = 0;

  async function startScoring() {
    host ??= await startHost({
      appDir: ROOT,
      env: {
        EventHubs: eventHubs.connectionString,
        AzureWebJobsStorage: storage.connectionString,
        ModelStorage: storage.connectionString,
      },
    });
  }

  async function send(count: number) {
    const byKey = Array.from({ length: KEYS }, () => [] as Buffer[]);
    for (let i = 0; i < count; i++) byKey[(sent + i) % KEYS]?.push(bodies[(sent + i) % bodies.length] as Buffer);
    sent += count;
    for (const [key, list] of byKey.entries()) {
      let batch = await producer.createBatch({ partitionKey: `key-${key}` });
      for (const body of list) {
        if (batch.tryAdd({ body })) continue;
        await producer.sendBatch(batch);
        batch = await producer.createBatch({ partitionKey: `key-${key}` });
        batch.tryAdd({ body });
      }
      if (batch.count > 0) await producer.sendBatch(batch);
    }
  }

  /** Looks only once a second: a reader would slow what is measured. */
  async function waitForResults(count: number) {
    const watcher = new EventHubProducerClient(eventHubs.connectionString, RESULTS);
    for (let waited = 0; waited < 300; waited++) {
      const partitions = await Promise.all(
        (await watcher.getPartitionIds()).map(id => watcher.getPartitionProperties(id)),
      );
      if (partitions.reduce((sum, { lastEnqueuedSequenceNumber }) => sum + lastEnqueuedSequenceNumber + 1, 0) >= count)
        break;
      await sleep(1000);
    }
    await watcher.close();
  }

  /** Enqueued times of all results and of their requests, milliseconds. */
  async function readResults(count: number) {
    const consumer = new EventHubConsumerClient('monitor', eventHubs.connectionString, RESULTS);
    const times: { requestAt: number; resultAt: number }[] = [];
    await new Promise<void>((resolve, reject) => {
      const subscription = consumer.subscribe(
        {
          processEvents: async events => {
            for (const { body, enqueuedTimeUtc } of events) {
              const requestAt = Date.parse((body as { enqueued_at: string }).enqueued_at);
              times.push({ requestAt, resultAt: enqueuedTimeUtc.getTime() });
            }
            if (times.length >= count) void subscription.close().then(resolve);
          },
          processError: async error => reject(error),
        },
        { startPosition: earliestEventPosition, maxBatchSize: 5000 },
      );
    });
    await consumer.close();
    return times;
  }

  return {
    async drain(events) {
      const before = sent;
      await send(events);
      await startScoring();
      await waitForResults(before + events);
      const ends = (await readResults(before + events))
        .map(({ resultAt }) => resultAt)
        .sort((a, b) => a - b)
        .slice(before);
      return Math.round((ends.length / ((ends.at(-1) as number) - (ends[0] as number))) * 1000);
    },
    async openLoop(rate, seconds) {
      await startScoring();
      const before = sent;
      const total = rate * seconds;
      const start = performance.now();
      for (let done = 0; done < total; ) {
        const due = Math.min(total, Math.floor(((performance.now() - start) / 1000) * rate));
        if (due > done) await sendKeyless(due - done);
        done = due;
        await sleep(10);
      }
      await waitForResults(before + total);
      const since = (await readResults(before + total)).sort((a, b) => a.resultAt - b.resultAt).slice(before);
      const latencies = since.map(({ requestAt, resultAt }) => resultAt - requestAt);
      const [p50, p95, p99] = [0.5, 0.95, 0.99].map(q => round3(quantile(latencies, q))) as [number, number, number];
      return { rate, results: latencies.length, p50, p95, p99 };
    },
    async close() {
      await producer.close();
      await host?.stop();
      await Promise.all([eventHubs.stop(), storage.stop()]);
    },
  };

  async function sendKeyless(count: number) {
    const batch = await producer.createBatch();
    for (let i = 0; i < count; i++) batch.tryAdd({ body: bodies[(sent + i) % bodies.length] as Buffer });
    sent += count;
    await producer.sendBatch(batch);
  }
}
