/** The whole stack for long: what its processes hold meanwhile. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { EventHubProducerClient } from '@azure/event-hubs';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { type EventHubs, startEventHubs } from '../../test/support/event-hubs.ts';
import { startHost } from '../../test/support/functions-host.ts';
import { startStorage } from '../../test/support/storage.ts';
import { requestBodies } from '../requests.ts';
import { type Course, coursesOf } from './course.ts';
import { startIngestion } from './ingestion.ts';
import type { Sample } from './sample-memory.ts';

export interface SoakOptions {
  readonly minutes: number;
  /** Requests a second. */
  readonly rate: number;
  /** Traces, metrics that are read, a cache that finds something, dead letters, a model swapped every minute; else none of them. */
  readonly everything: boolean;
}

export interface Soaked {
  readonly minutes: number;
  readonly sent: number;
  readonly results: number;
  readonly deadLetters: number;
  /** Requests that Application Insights' stand-in took. */
  readonly exported: number;
  readonly courses: Readonly<Record<string, Course>>;
}

const ROOT = resolve(import.meta.dirname, '../..');
const HUBS = ['inference-requests', 'inference-requests-results', 'inference-dead-letter'] as const;
const TICK_MS = 20;
const BARE = { TRACES_PER_SECOND: '0', CACHE_ENTRIES: '0' };

export async function soak({ minutes, rate, everything }: SoakOptions): Promise<Soaked> {
  const folder = mkdtempSync(join(tmpdir(), 'hubscore-soak-'));
  const samples = join(folder, 'samples.ndjson');
  const sampled = {
    SOAK_SAMPLES: samples,
    NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, 'sample-memory.ts'))}`,
  };
  const ingestion = everything ? await startIngestion(folder) : undefined;
  // What is read by then need not be kept for days.
  const eventHubs = await startEventHubs({ environment: { ...sampled, EVENTHUBS_RETENTION_HOURS: '0.2' } });
  const storage = await startStorage();
  const models = BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient('models');
  await models.createIfNotExists();
  await upload(models, 'diabetes', '1.1.0');
  await upload(models, 'topic', '1.0.0');
  const host = await startHost({
    appDir: ROOT,
    env: {
      EventHubs: eventHubs.connectionString,
      AzureWebJobsStorage: storage.connectionString,
      ModelStorage: storage.connectionString,
      MODEL_REFRESH_SECONDS: '5',
      MODEL_CACHE_DIR: join(folder, 'models'),
      ...sampled,
      ...(ingestion?.environment ?? BARE),
    },
  });
  const startMs = Date.now();
  const end = new AbortController();
  const chores = everything ? [swapEveryMinute(models, end.signal), scrape(host.url, end.signal)] : [];
  try {
    const sent = await send(eventHubs, everything ? mixedBodies() : requestBodies('diabetes', '1.1.0', 1000), rate, {
      untilMs: startMs + minutes * 60_000,
    });
    const [, results, deadLetters] = await waitForEndings(eventHubs, sent);
    const taken = readFileSync(samples, 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Sample);
    const courses = coursesOf(taken, startMs, minutes, eventHubs.process.pid);
    return { minutes, sent, results, deadLetters, exported: ingestion?.taken ?? 0, courses };
  } finally {
    end.abort();
    await Promise.allSettled(chores);
    await host.stop();
    await Promise.all([eventHubs.stop(), storage.stop()]);
    ingestion?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Requests of two models, of which one is slow enough for the cache, and one in a hundred that ends as a dead letter. */
function mixedBodies(): Buffer[] {
  const numbers = requestBodies('diabetes', '1.1.0', 1000).map(unversioned);
  const texts = requestBodies('topic', '1.0.0', 1000);
  return Array.from({ length: 1000 }, (_, i) => {
    if (i % 100 === 99)
      return Buffer.from(JSON.stringify({ request_id: `bad-${i}`, model: 'diabetes', features: [i] }));
    return (i % 5 === 4 ? texts[i] : numbers[i]) as Buffer;
  });
}

/** Answered by whatever is in production. */
function unversioned(body: Buffer): Buffer {
  const { model_version: _, ...rest } = JSON.parse(body.toString()) as Record<string, unknown>;
  return Buffer.from(JSON.stringify(rest));
}

async function upload(models: ContainerClient, model: string, from: string, version = from): Promise<void> {
  const folder = join(ROOT, 'samples/models', model, from);
  const card = { ...JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')), version };
  const put = (name: string, content: Buffer) =>
    models.getBlockBlobClient(`${model}/${version}/${name}`).uploadData(content);
  await put('model.json', Buffer.from(JSON.stringify(card)));
  await put('model.onnx', readFileSync(join(folder, 'model.onnx')));
}

/** A new version every minute, and the one before the last is gone. */
async function swapEveryMinute(models: ContainerClient, signal: AbortSignal): Promise<void> {
  for (let patch = 0; !signal.aborted; patch++) {
    await upload(models, 'diabetes', '1.1.0', `1.2.${patch}`);
    for (const name of ['model.onnx', 'model.json'])
      await models.getBlobClient(`diabetes/1.2.${patch - 2}/${name}`).deleteIfExists();
    await sleep(60_000, undefined, { signal });
  }
}

async function scrape(url: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    await sleep(15_000, undefined, { signal });
    await (await fetch(`${url}/metrics`)).text();
  }
}

/** At a fixed rate, whatever comes back; how many. */
async function send(
  { connectionString }: EventHubs,
  bodies: readonly Buffer[],
  rate: number,
  { untilMs }: { untilMs: number },
) {
  const producer = new EventHubProducerClient(connectionString, HUBS[0]);
  const startMs = Date.now();
  let sent = 0;
  for (;;) {
    const now = Date.now();
    if (now >= untilMs) break;
    // What it is behind by it makes up for, a second's worth at once.
    const due = Math.min(Math.floor(((now - startMs) / 1000) * rate) - sent, rate);
    if (due > 0) {
      const batch = await producer.createBatch();
      let added = 0;
      while (added < due && batch.tryAdd({ body: bodies[(sent + added) % bodies.length] as Buffer })) added++;
      await producer.sendBatch(batch);
      sent += added;
    }
    await sleep(TICK_MS);
  }
  await producer.close();
  return sent;
}

/** Events in each hub, once there are endings for all. @throws Error where they do not come in ten minutes */
async function waitForEndings({ connectionString }: EventHubs, sent: number): Promise<[number, number, number]> {
  const clients = HUBS.map(hub => new EventHubProducerClient(connectionString, hub));
  const count = async (client: EventHubProducerClient) => {
    const partitions = await Promise.all((await client.getPartitionIds()).map(id => client.getPartitionProperties(id)));
    return partitions.reduce((sum, { lastEnqueuedSequenceNumber: last }) => sum + last + 1, 0);
  };
  try {
    for (let tries = 0; tries < 600; tries++) {
      const [requests = 0, results = 0, deadLetters = 0] = await Promise.all(clients.map(count));
      if (results + deadLetters >= sent) return [requests, results, deadLetters];
      await sleep(1000);
    }
    throw new Error(`not ${sent} endings after 10 minutes`);
  } finally {
    await Promise.all(clients.map(client => client.close()));
  }
}
