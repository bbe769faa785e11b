/** From the start of a process to its first scored batch, with the package as it is deployed, on the Node of Azure Functions. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventHubProducerClient } from '@azure/event-hubs';
import { BlobServiceClient } from '@azure/storage-blob';
import { makePackage } from '../scripts/package.ts';
import { startEventHubs } from '../test/support/event-hubs.ts';
import { startHost } from '../test/support/functions-host.ts';
import { startIngestion } from '../test/support/ingestion.ts';
import { node22 } from '../test/support/node-22.ts';
import { startStorage } from '../test/support/storage.ts';
import { metadataOf } from './function-path.ts';
import { median } from './harness.ts';
import { requestBodies } from './requests.ts';

const ROOT = resolve(import.meta.dirname, '..');
const WORKER = join(import.meta.dirname, 'cold-start-worker.mjs');
const [REQUESTS, RESULTS] = ['inference-requests', 'inference-requests-results'];
const [MODEL, VERSION, PARTITION, BATCH] = ['diabetes', '1.0.0', '0', 256];

/** Milliseconds since the process started. */
interface Start {
  /** Node itself is up. */
  readonly startedMs: number;
  /** The functions' files are loaded. */
  readonly loadedMs: number;
  /** Every result of the first batch is confirmed. */
  readonly scoredMs: number;
}

/** Medians over the rounds: as the worker does it, and as the local host does it, which has a process more and finds its partitions first. */
export async function measureColdStart(rounds = 11) {
  const folder = mkdtempSync(join(tmpdir(), 'hubscore-bench-'));
  const [{ folder: app }, hubs, storage, ingestion] = await Promise.all([
    makePackage(folder),
    startEventHubs(),
    startStorage(),
    startIngestion(),
  ]);
  const env = {
    EventHubs: hubs.connectionString,
    AzureWebJobsStorage: storage.connectionString,
    ModelStorage: storage.connectionString,
    MODEL_CACHE_DIR: join(folder, 'models'),
  };
  await uploadModel(storage.connectionString);
  const producer = new EventHubProducerClient(hubs.connectionString, REQUESTS);
  const results = new EventHubProducerClient(hubs.connectionString, RESULTS);
  const bodies = requestBodies(MODEL, VERSION, BATCH);

  /** Sends a batch; its first sequence number. */
  async function send(): Promise<number> {
    const batch = await producer.createBatch({ partitionId: PARTITION });
    for (const body of bodies) batch.tryAdd({ body });
    await producer.sendBatch(batch);
    const { lastEnqueuedSequenceNumber } = await producer.getPartitionProperties(PARTITION);
    return lastEnqueuedSequenceNumber - BATCH + 1;
  }

  async function startWorker(more: Readonly<Record<string, string>> = {}): Promise<Start> {
    const metadata = metadataOf(BATCH, await send());
    const worker = spawn(node22(), [WORKER, app], { env: { ...env, ...more }, stdio: ['pipe', 'pipe', 'inherit'] });
    worker.stdin.end(JSON.stringify({ bodies: bodies.map(String), metadata }));
    const lines = (await text(worker.stdout)).trim().split('\n');
    return JSON.parse(lines[lines.length - 1] as string) as Start;
  }

  async function startWholeHost(): Promise<number> {
    const expected = (await send()) + BATCH - 1;
    const startedAtMs = Date.now();
    const host = await startHost({ appDir: app, node: node22(), env });
    try {
      for (;;) {
        const found = await results.getPartitionProperties(PARTITION);
        if (found.lastEnqueuedSequenceNumber >= expected) return found.lastEnqueuedOnUtc.getTime() - startedAtMs;
        await sleep(20);
      }
    } finally {
      await host.stop();
    }
  }

  try {
    await startWorker(); // the model gets into the disk cache
    const starts: Start[] = [];
    const hosts: number[] = [];
    const withPackage: number[] = [];
    for (let round = 0; round < rounds; round++) {
      starts.push(await startWorker());
      const pair = { on: 0, off: 0 };
      // In turns, each first as often as the other.
      for (const wanted of round % 2 ? (['on', 'off'] as const) : (['off', 'on'] as const)) {
        const { scoredMs } = await startWorker({
          ...ingestion.environment,
          APPLICATIONINSIGHTS_LIVE_METRICS: String(wanted === 'on'),
        });
        pair[wanted] = scoredMs;
      }
      withPackage.push(pair.on / pair.off);
      hosts.push(await startWholeHost());
    }
    const medianOf = (read: (start: Start) => number) => Math.round(median(starts.map(read)));
    return {
      'worker: process start to first scored batch, ms': medianOf(({ scoredMs }) => scoredMs),
      'of it: Node itself': medianOf(({ startedMs }) => startedMs),
      'of it: loading the functions': medianOf(({ startedMs, loadedMs }) => loadedMs - startedMs),
      'of it: libraries, connections, model, batch': medianOf(({ loadedMs, scoredMs }) => scoredMs - loadedMs),
      'with the applicationinsights package, of without': Number(median(withPackage).toFixed(3)),
      'local host: process start to first scored batch, ms': Math.round(median(hosts)),
      rounds,
    };
  } finally {
    await Promise.all([producer.close(), results.close()]);
    await Promise.all([hubs.stop(), storage.stop(), ingestion.stop()]);
    rmSync(folder, { recursive: true });
  }
}

async function uploadModel(connectionString: string): Promise<void> {
  const container = BlobServiceClient.fromConnectionString(connectionString).getContainerClient('models');
  await container.createIfNotExists();
  for (const part of ['model.onnx', 'model.json']) {
    const bytes = readFileSync(join(ROOT, 'samples/models', MODEL, VERSION, part));
    await container.getBlockBlobClient(`${MODEL}/${VERSION}/${part}`).upload(bytes, bytes.length);
  }
}
