/**
 * The lag that the dashboard's query shows in a real Prometheus while partitions move between two hosts under load, against what the hubs themselves say.
 * Run by `npm run test:interop -- --all`.
 */
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EventHubProducerClient } from '@azure/event-hubs';
import { BlobServiceClient } from '@azure/storage-blob';
import { uploadModels } from '../../../scripts/azure/upload-models.ts';
import { PANELS } from '../../../scripts/dashboards/panels.ts';
import { startEventHubs } from '../../support/event-hubs.ts';
import { startHost } from '../../support/functions-host.ts';
import { startStorage } from '../../support/storage.ts';
import { build, freePort, type Point, startPrometheus } from './tools.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const SCRAPE_MS = 1000;
const TICK_MS = 250;
const EVENTS_A_TICK = 10; // a partition
const EVENTS_A_SCRAPE = (EVENTS_A_TICK * SCRAPE_MS) / TICK_MS;
const ALONE_MS = 10_000;
const TOGETHER_MS = 50_000;
const BODY = { model: 'diabetes', features: [63, 1, 24.4, 73, 160, 91.4, 48, 3, 4.6347, 78] };

const program = build('prometheus');
const [eventHubs, storage] = await Promise.all([startEventHubs(), startStorage()]);
const container = BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient('models');
await container.createIfNotExists();
await uploadModels({ container, folder: join(ROOT, 'samples/models'), waitsMs: [], wait: delay, say: console.log });
const start = (port: number) =>
  startHost({
    appDir: ROOT,
    env: {
      FUNCTIONS_PORT: String(port),
      EventHubs: eventHubs.connectionString,
      AzureWebJobsStorage: storage.connectionString,
      ModelStorage: storage.connectionString,
    },
  });
const open = (hub: string) => new EventHubProducerClient(eventHubs.connectionString, hub);
const requests = open('inference-requests');
const endings = [open('inference-requests-results'), open('inference-dead-letter')];
const partitions = await requests.getPartitionIds();
const ports = [await freePort(), await freePort()] as const;

/** What the hubs say, by partition. */
const truth = new Map<string, Point[]>(partitions.map(partition => [partition, []]));

async function look(partition: string): Promise<void> {
  const last = async (hub: EventHubProducerClient) =>
    (await hub.getPartitionProperties(partition)).lastEnqueuedSequenceNumber + 1;
  const atMs = Date.now();
  const [asked, ...ended] = await Promise.all([last(requests), ...endings.map(last)]);
  truth.get(partition)?.push({ atMs, value: (asked ?? 0) - ended.reduce((sum, count) => sum + count, 0) });
}

async function load(forMs: number): Promise<void> {
  for (const until = Date.now() + forMs; Date.now() < until; ) {
    const next = Date.now() + TICK_MS;
    await Promise.all(
      partitions.map(async partitionId => {
        await requests.sendBatch(
          Array.from({ length: EVENTS_A_TICK }, () => ({ body: BODY })),
          { partitionId },
        );
        await look(partitionId);
      }),
    );
    await delay(Math.max(0, next - Date.now()));
  }
}

/** The furthest that a series leaves what the hubs said within a scrape of it. */
function furthest(shown: ReadonlyMap<string, readonly Point[]>): number {
  let most = 0;
  for (const [partition, points] of shown) {
    for (const { atMs, value } of points) {
      const near = (truth.get(partition) ?? []).filter(
        one => one.atMs > atMs - 2 * SCRAPE_MS - TICK_MS && one.atMs < atMs + SCRAPE_MS,
      );
      if (near.length < 4) continue; // before the first look, after the last
      const values = near.map(one => one.value);
      most = Math.max(most, value - Math.max(...values), Math.min(...values) - value);
    }
  }
  return most;
}

const first = await start(ports[0]);
const prometheus = await startPrometheus(program, ports);
const begun = Date.now();
await load(ALONE_MS);
const second = await start(ports[1]);
await load(TOGETHER_MS);
const ended = Date.now();

const { promql = '' } = PANELS.find(({ title }) => title === 'Lag') ?? {};
const asked = (query: string) => prometheus.range(query, 'partition', begun, ended);
const smallest = furthest(await asked(promql));
const largest = furthest(await asked('max by (partition) (hubscore_partition_lag_events)'));
const forgotten = await prometheus.range(
  'count by (partition) (hubscore_partition_lag_events)',
  'partition',
  ended - 2 * SCRAPE_MS,
  ended,
);
const owners = [...forgotten.values()].map(points => points.at(-1)?.value);

await prometheus.stop();
await Promise.all([first.stop(), second.stop(), requests.close(), ...endings.map(hub => hub.close())]);
await Promise.all([eventHubs.stop(), storage.stop()]);

console.log(`${promql}: never more than ${smallest} events from the truth; ${EVENTS_A_SCRAPE} come in a scrape`);
console.log(
  `the largest of all instances instead: ${largest}; at the end each partition is shown by ${owners.join(', ')}`,
);
if (largest <= 2 * EVENTS_A_SCRAPE) throw new Error('no partition moved: this shows nothing');
if (smallest > EVENTS_A_SCRAPE) throw new Error('the panel leaves the truth by more than a scrape');
if (owners.length !== partitions.length || owners.some(count => count !== 1)) {
  throw new Error('an instance did not forget a partition that left it');
}
