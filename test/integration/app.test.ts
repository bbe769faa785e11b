import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { EventHubProducerClient } from '@azure/event-hubs';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../src/app/create-app.ts';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { runInstance } from '../support/function-instance.ts';
import { notes, temporaryFolder } from '../support/models.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const MODEL = resolve(import.meta.dirname, '../../samples/models/diabetes/1.1.0');
const FEATURES = (JSON.parse(readFileSync(join(MODEL, 'cases.jsonl'), 'utf8').split('\n', 1)[0] ?? '') as Case)
  .features;
const INFER = {
  model: 'diabetes',
  body: { inputs: [{ name: 'features', shape: [1, 10], datatype: 'FP32', data: FEATURES }] },
};

interface Case {
  readonly features: number[];
}

const cache = temporaryFolder();
let hubs: EventHubs;
let storage: Storage;

beforeAll(async () => {
  [hubs, storage] = await Promise.all([startEventHubs(), startStorage()]);
  const container = BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient('models');
  await container.create();
  for (const file of ['model.onnx', 'model.json']) {
    await container.getBlockBlobClient(`diabetes/1.1.0/${file}`).uploadFile(join(MODEL, file));
  }
});
afterAll(async () => {
  await Promise.all([hubs.stop(), storage.stop()]);
  cache.remove();
});

const environment = () => ({
  EventHubs: hubs.connectionString,
  ModelStorage: storage.connectionString,
  MODEL_CACHE_DIR: cache.path,
});

/** Takes connections and says nothing. */
async function startListener() {
  const sockets: Socket[] = [];
  const open = new Set<Socket>();
  const server: Server = createServer(socket => {
    sockets.push(socket);
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
    socket.resume();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => sockets.length,
    open: () => open.size,
    stop() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

const roomsOf = (files: readonly string[]) =>
  new Set(files.flatMap(file => /^src\/(\w+)\//.exec(file)?.slice(1) ?? []));

describe('an instance', () => {
  it('registers its functions without libraries', async () => {
    const { functions, registeredWith } = await runInstance(environment());
    expect(Object.keys(functions)).toEqual(expect.arrayContaining(['score-requests', 'fill-holes', 'v2-infer']));
    expect([...roomsOf(registeredWith)].sort()).toEqual(['app', 'config', 'core', 'functions', 'http', 'live']);
    const packages = registeredWith.filter(file => !file.startsWith('src/'));
    expect(packages).toEqual(['@azure/functions', '@azure/functions-extensions-base', 'cookie', 'zod']);
  });

  it('that answers HTTP opens no ledger and speaks to no hub', async () => {
    const listener = await startListener();
    const EventHubs = hubs.connectionString.replace(/:\d+;/, `:${listener.port};`);
    const { loaded, status } = await runInstance(
      { ...environment(), EventHubs, FUNCTIONS_TARGET_GROUP: 'http' },
      { infer: INFER },
    );
    listener.stop();
    expect(status).toBe(200);
    expect(listener.connections()).toBe(0);
    const rooms = roomsOf(loaded);
    for (const room of ['scoring', 'models', 'backends', 'http']) expect(rooms).toContain(room);
    expect(rooms).not.toContain('ledger');
    expect(rooms).not.toContain('hubs');
    for (const library of ['@azure/event-hubs', '@azure/core-amqp', 'rhea']) expect(loaded).not.toContain(library);
  });

  it('that scores the stream builds no HTTP API', async () => {
    const bodies = Array.from({ length: 3 }, (_, i) =>
      JSON.stringify({ request_id: `r${i}`, model: 'diabetes', features: FEATURES }),
    );
    await send(bodies, '0');
    const metadata = {
      partitionContext: { partitionId: '0' },
      systemPropertiesArray: bodies.map((_, i) => ({
        sequenceNumber: i,
        enqueuedTimeUtc: new Date().toISOString(),
      })),
    };
    const { loaded } = await runInstance(environment(), { batch: { bodies, metadata } });
    const results = new EventHubProducerClient(hubs.connectionString, 'inference-requests-results');
    expect((await results.getPartitionProperties('0')).lastEnqueuedSequenceNumber).toBe(2);
    await results.close();
    for (const room of ['scoring', 'ledger', 'hubs']) expect(roomsOf(loaded)).toContain(room);
    const http = loaded.filter(file => file.startsWith('src/http/'));
    expect(http).toEqual(['src/http/http.ts', 'src/http/paths.ts', 'src/http/routes.ts', 'src/http/status.ts']);
  });
});

describe('the app', () => {
  it('closes its cache', async () => {
    const redis = await startListener();
    const REDIS_URL = `redis://127.0.0.1:${redis.port}`;
    const log = notes();
    const app = createApp({ environment: { ...environment(), REDIS_URL }, clock: Date.now, log });
    await app.warmUp('http');
    await expect.poll(redis.open).toBe(1);
    await app.close();
    await expect.poll(redis.open).toBe(0);
    redis.stop();
    expect(log.about(/start failed|^closing:/)).toEqual([]);
  });

  it('shows in its metrics the parts that are there, without building others', async () => {
    const listener = await startListener();
    const EventHubs = hubs.connectionString.replace(/:\d+;/, `:${listener.port};`);
    const app = createApp({ environment: { ...environment(), EventHubs }, clock: Date.now, log: notes() });
    const request = { params: {}, headers: new Headers(), arrayBuffer: async () => new ArrayBuffer(0) };
    const { status, body } = await app.answerHttp('metrics', request);
    expect(status).toBe(200);
    expect(body).toContain('hubscore_breaker_state{target="storage"} 0\n');
    expect(body).toContain('hubscore_cache_hits_total 0\n');
    expect(body).not.toContain('target="results"');
    expect(listener.connections()).toBe(0);
    await app.warmUp('scoring');
    expect((await app.answerHttp('metrics', request)).body).toContain('hubscore_breaker_state{target="results"} 0\n');
    await app.close();
    listener.stop();
  });
});

async function send(bodies: readonly string[], partitionId: string): Promise<void> {
  const producer = new EventHubProducerClient(hubs.connectionString, 'inference-requests');
  await producer.sendBatch(
    bodies.map(body => ({ body: Buffer.from(body) })),
    { partitionId },
  );
  await producer.close();
}
