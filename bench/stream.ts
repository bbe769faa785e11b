/** The whole system on one machine: endpoint, Blob storage and functions host as processes of their own, fed by the SDK. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventHubConsumerClient, EventHubProducerClient, earliestEventPosition } from '@azure/event-hubs';
import { BlobServiceClient } from '@azure/storage-blob';
import { type EventHubs, startEventHubs } from '../test/support/event-hubs.ts';
import { type FunctionsHost, startHost } from '../test/support/functions-host.ts';
import { type Storage, startStorage } from '../test/support/storage.ts';
import { quantile, round3 } from './harness.ts';
import { packBodies, requestBodies } from './requests.ts';

const ROOT = resolve(import.meta.dirname, '..');
const [REQUESTS, RESULTS] = ['inference-requests', 'inference-requests-results'];
const KEYS = 16;

export interface Stream {
  readonly eventHubs: EventHubs;
  readonly storage: Storage;
  /** The functions host, running. */
  host(): Promise<FunctionsHost>;
  /** Fills the hub while no host runs, starts one, and says how fast it scored all of it: events a second between first and last result. */
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

/**
 * @param hubs the endpoint's Config.json; absent: the contract's hubs
 * @param rowsAPack an event holds; absent: one, and it is no pack
 * @param shadow another version, which is asked so many per cent of the requests beside
 */
export async function openStream(
  model: string,
  version: string,
  {
    hubs,
    rowsAPack,
    shadow,
  }: {
    readonly hubs?: unknown;
    readonly rowsAPack?: number;
    readonly shadow?: { readonly id: string; readonly version: string; readonly sample: number };
  } = {},
): Promise<Stream> {
  const eventHubs = await startEventHubs({ config: hubs });
  const storage = await startStorage();
  const container = BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient('models');
  await container.createIfNotExists();
  for (const each of [version, ...(shadow ? [shadow.version] : [])]) {
    for (const part of ['model.onnx', 'model.json']) {
      const bytes = readFileSync(join(ROOT, 'samples/models', model, each, part));
      await container.getBlockBlobClient(`${model}/${each}/${part}`).upload(bytes, bytes.length);
    }
  }
  if (shadow) {
    const named = { ...shadow, effective_at: new Date().toISOString() };
    const document = JSON.stringify({ schema: 1, revision: 1, aliases: { production: version }, shadow: named });
    await container.getBlockBlobClient(`${model}/deployment.json`).upload(document, Buffer.byteLength(document));
  }
  const producer = new EventHubProducerClient(eventHubs.connectionString, REQUESTS);
  const results = new EventHubProducerClient(eventHubs.connectionString, RESULTS);
  const bodies =
    rowsAPack === undefined
      ? requestBodies(model, version, 1000, shadow && 'production')
      : packBodies(model, version, { packs: 1000, rows: rowsAPack, form: 'lists', features: [] });
  let host: FunctionsHost | undefined;
  let sent = 0;

  async function startScoring(): Promise<FunctionsHost> {
    host ??= await startHost({
      appDir: ROOT,
      env: {
        EventHubs: eventHubs.connectionString,
        AzureWebJobsStorage: storage.connectionString,
        ModelStorage: storage.connectionString,
      },
    });
    return host;
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

  async function resultPartitions() {
    return Promise.all((await results.getPartitionIds()).map(id => results.getPartitionProperties(id)));
  }

  /** Looks only once a second: a reader would slow what is measured. */
  async function waitForResults(count: number) {
    for (let waited = 0; waited < 300; waited++) {
      const partitions = await resultPartitions();
      if (partitions.reduce((sum, { lastEnqueuedSequenceNumber }) => sum + lastEnqueuedSequenceNumber + 1, 0) >= count)
        return partitions;
      await sleep(1000);
    }
    throw new Error(`not ${count} results after 300 s:\n${host?.log()}`);
  }

  /** When a result was enqueued, milliseconds. */
  async function timeOf(partitionId: string, sequenceNumber: number): Promise<number> {
    const consumer = new EventHubConsumerClient('monitor', eventHubs.connectionString, RESULTS);
    const time = await new Promise<number>((resolve, reject) => {
      const subscription = consumer.subscribe(
        partitionId,
        {
          processEvents: async ([event]) => {
            if (event) void subscription.close().then(() => resolve(event.enqueuedTimeUtc.getTime()));
          },
          processError: async error => reject(error),
        },
        { startPosition: { sequenceNumber, isInclusive: true }, maxBatchSize: 1 },
      );
    });
    await consumer.close();
    return time;
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
    eventHubs,
    storage,
    host: startScoring,
    async drain(events) {
      await host?.stop();
      host = undefined;
      const before = await resultPartitions();
      await send(events);
      await startScoring();
      const after = await waitForResults(sent);
      const firsts = await Promise.all(
        before.map(({ partitionId, lastEnqueuedSequenceNumber }) =>
          timeOf(partitionId, lastEnqueuedSequenceNumber + 1),
        ),
      );
      const last = Math.max(...after.map(({ lastEnqueuedOnUtc }) => lastEnqueuedOnUtc.getTime()));
      return Math.round((events / (last - Math.min(...firsts))) * 1000);
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
      await Promise.all([producer.close(), results.close()]);
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
