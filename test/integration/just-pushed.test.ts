import { join, resolve } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { EventHubConsumerClient, EventHubProducerClient, type Subscription } from '@azure/event-hubs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { createDemoEvents } from '../../src/local/demo/requests.ts';
import { readSampleRequests } from '../../src/local/demo/samples.ts';
import { sendTraffic } from '../../src/local/demo/traffic.ts';
import { appFolder } from '../support/app-folder.ts';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { type FunctionsHost, startHost } from '../support/functions-host.ts';
import { temporaryFolder } from '../support/models.ts';
import { randomInputs } from '../support/seed.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const SAMPLES = resolve(import.meta.dirname, '../../samples');
const DIABETES = join(SAMPLES, 'models/diabetes/1.0.0');
const FEATURES = [63, 1, 24.4, 73, 160, 91.4, 48, 3, 4.6347, 78];
const PUSHES = 10;
const ROUNDS = 5;
const ASKERS = 12;
const RATE = 100;

interface Told {
  readonly request_id: string;
  readonly model_version?: string;
  readonly fallback?: boolean;
  readonly error?: { readonly code: string };
}

const app = appFolder();
const cache = temporaryFolder();
let hubs: EventHubs;
let storage: Storage;
let host: FunctionsHost;
let producer: EventHubProducerClient;
const consumers: EventHubConsumerClient[] = [];
const subscriptions: Subscription[] = [];
const endings = new Map<string, Told>();

beforeAll(async () => {
  [hubs, storage] = await Promise.all([startEventHubs(), startStorage()]);
  await push('diabetes', '1.0.0');
  producer = new EventHubProducerClient(hubs.connectionString, 'inference-requests');
  for (const hub of ['inference-requests-results', 'inference-dead-letter']) {
    const consumer = new EventHubConsumerClient('$Default', hubs.connectionString, hub);
    consumers.push(consumer);
    const processEvents = async (events: readonly { readonly body: unknown }[]) => {
      for (const { body } of events) endings.set((body as Told).request_id, body as Told);
    };
    subscriptions.push(
      consumer.subscribe({ processEvents, processError: async () => {} }, { startPosition: { offset: '-1' } }),
    );
  }
  host = await startHost({
    appDir: app.path,
    env: {
      EventHubs: hubs.connectionString,
      ModelStorage: storage.connectionString,
      AzureWebJobsStorage: storage.connectionString,
      MODEL_CACHE_DIR: cache.path,
      MODEL_REFRESH_SECONDS: '3600', // nothing but the question itself makes storage be looked at
    },
  });
}, 60_000);
afterAll(async () => {
  await Promise.all(subscriptions.map(subscription => subscription.close()));
  await Promise.all([...consumers, producer].map(client => client?.close()));
  await host?.stop();
  await Promise.all([hubs?.stop(), storage?.stop()]);
  app.remove();
  cache.remove();
});

async function push(name: string, version: string): Promise<void> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const world = { stdin: Readable.from([]), stdout, stderr, folder: cache.path, signal: AbortSignal.timeout(60_000) };
  const environment = { ModelStorage: storage.connectionString };
  expect(await run(['models', 'push', DIABETES, '--name', name, '--version', version], { ...world, environment })).toBe(
    0,
  );
}

/** Sends one request and waits for its ending. */
async function ask(request_id: string, model: string, model_version?: string): Promise<Told> {
  await producer.sendBatch([{ body: { request_id, model, model_version, features: FEATURES } }]);
  await vi.waitFor(() => expect(endings.has(request_id)).toBe(true), { timeout: 20_000, interval: 20 });
  return endings.get(request_id) as Told;
}

/** Half of the traffic is well; the other half misspells a model, names a version that never was, or a name nobody has heard of. */
function misspelling() {
  const well = createDemoEvents(readSampleRequests(SAMPLES), randomInputs().next);
  const wrong = [{ model: 'diabetis' }, { model: 'diabetes', model_version: '9.9.9' }, { model: 'dìabetes' }];
  let count = 0;
  return () => {
    const i = count++;
    if (i % 2 === 0) return well();
    const made = i % 50 === 1 ? { model: `never-${i}` } : wrong[(i >> 1) % wrong.length];
    const body = JSON.stringify({ request_id: `wrong-${i}`, ...made, features: FEATURES });
    return { body, partitionKey: `producer-${i % 20}`, requests: 1 };
  };
}

describe('while a producer misspells names', () => {
  const done = new AbortController();
  let traffic: Promise<void>;
  beforeAll(() => {
    traffic = sendTraffic(hubs.connectionString, 'inference-requests', misspelling(), RATE, done.signal, () => {});
  });
  afterAll(async () => {
    done.abort();
    await traffic;
  });

  it('what is pushed and used at once is answered by what was pushed', async () => {
    await ask('first', 'diabetes');
    const told: unknown[] = [];
    for (let i = 0; i < PUSHES; i++) {
      await push(`fresh-${i}`, '1.0.0');
      const { error, model_version, fallback } = await ask(`model-${i}`, `fresh-${i}`);
      told.push(error?.code ?? [model_version?.split('+')[0], fallback]);
    }
    expect(told).toEqual(Array.from({ length: PUSHES }, () => ['1.0.0', undefined]));
    told.length = 0;
    for (let i = 0; i < PUSHES; i++) {
      await push('diabetes', `2.0.${i}`);
      const { error, model_version, fallback } = await ask(`version-${i}`, 'diabetes', `2.0.${i}`);
      told.push(error?.code ?? [model_version?.split('+')[0], fallback]);
    }
    expect(told).toEqual(Array.from({ length: PUSHES }, (_, i) => [`2.0.${i}`, undefined]));
    expect([...endings.values()].filter(({ error }) => error?.code === 'unknown_model').length).toBeGreaterThan(100);
  }, 180_000);

  it('all of twelve who ask for a fresh version at once are answered by it', async () => {
    const told: unknown[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      const version = `0.1.${i}`; // older than production, which would answer instead
      await push('diabetes', version);
      const asked = Array.from({ length: ASKERS }, (_, n) => ask(`twelve-${i}-${n}`, 'diabetes', version));
      for (const { error, model_version, fallback } of await Promise.all(asked)) {
        told.push(error?.code ?? [model_version?.split('+')[0], fallback]);
      }
    }
    const right = Array.from({ length: ROUNDS * ASKERS }, (_, n) => [`0.1.${Math.floor(n / ASKERS)}`, undefined]);
    expect(told).toEqual(right);
  }, 180_000);
});
