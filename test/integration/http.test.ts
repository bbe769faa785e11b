import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  EventHubConsumerClient,
  EventHubProducerClient,
  earliestEventPosition,
  type ReceivedEventData,
} from '@azure/event-hubs';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appFolder } from '../support/app-folder.ts';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { type FunctionsHost, startHost } from '../support/functions-host.ts';
import { temporaryFolder } from '../support/models.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const MODELS = resolve(import.meta.dirname, '../../samples/models');
const app = appFolder();
const cache = temporaryFolder();
let hubs: EventHubs;
let storage: Storage;
let host: FunctionsHost;

beforeAll(async () => {
  [hubs, storage] = await Promise.all([startEventHubs(), startStorage()]);
  const container = BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient('models');
  await container.createIfNotExists();
  for (const folder of ['diabetes/1.0.0', 'diabetes/1.1.0', 'topic/1.0.0']) {
    for (const file of ['model.onnx', 'model.json']) {
      await container.getBlockBlobClient(`${folder}/${file}`).uploadFile(join(MODELS, folder, file));
    }
  }
  host = await start({});
});
afterAll(async () => {
  await host?.stop();
  await Promise.all([hubs.stop(), storage.stop()]);
  app.remove();
  cache.remove();
});

const start = (settings: Readonly<Record<string, string>>) =>
  startHost({
    appDir: app.path,
    env: {
      EventHubs: hubs.connectionString,
      AzureWebJobsStorage: storage.connectionString,
      ModelStorage: storage.connectionString,
      MODEL_CACHE_DIR: cache.path,
      HTTP_MAX_BODY_MB: '1',
      ...settings,
    },
  });

async function get(path: string) {
  const response = await fetch(`${host.url}${path}`);
  return { status: response.status, text: await response.text() };
}

async function infer(path: string, body: unknown) {
  const response = await fetch(`${host.url}/v2/models/${path}/infer`, { method: 'POST', body: JSON.stringify(body) });
  // biome-ignore lint/suspicious/noExplicitAny: a JSON answer of any shape
  return { status: response.status, body: (await response.json()) as any };
}

/** A model's cases as one request of many instances, and what is expected of each. */
function cases(folder: string, count: number) {
  const lines = readFileSync(join(MODELS, folder, 'cases.jsonl'), 'utf8').split('\n', count);
  return lines.map(
    line => JSON.parse(line) as { features: number[]; expected: { label: number; probabilities: number[] } },
  );
}

describe('HTTP through the local host', () => {
  it('says that it lives, is ready and what it has', async () => {
    expect(await get('/v2/health/live')).toEqual({ status: 200, text: '{"live":true}' });
    expect(await get('/v2/health/ready')).toEqual({ status: 200, text: '{"ready":true}' });
    expect(JSON.parse((await get('/v2')).text)).toMatchObject({ name: 'hubscore' });
    const model = JSON.parse((await get('/v2/models/diabetes')).text);
    expect(model).toMatchObject({ versions: ['1.0.0', '1.1.0'], inputs: [{ name: 'features', shape: [-1, 10] }] });
    expect(await get('/v2/models/diabetes/versions/1.0.0/ready')).toMatchObject({ status: 200 });
    expect(await get('/v2/models/diabetes/versions/7.0.0/ready')).toMatchObject({ status: 404 });
  });

  it.each(['1.0.0', '1.1.0'])('scores what diabetes %s is expected to say', async version => {
    const expected = cases(`diabetes/${version}`, 50);
    const data = expected.flatMap(({ features }) => features);
    const inputs = [{ name: 'features', shape: [50, 10], datatype: 'FP32', data }];
    const { status, body } = await infer(`diabetes/versions/${version}`, { id: 'fifty', inputs });
    expect(status, JSON.stringify(body)).toBe(200);
    expect(body.id).toBe('fifty');
    expect(body.model_version).toMatch(new RegExp(`^${version}\\+`));
    const [label, probabilities] = body.outputs;
    expect(label.data).toEqual(expected.map(one => one.expected.label));
    for (const [i, value] of expected.flatMap(one => one.expected.probabilities).entries()) {
      expect(probabilities.data[i]).toBeCloseTo(value, 5);
    }
  });

  it('takes tensors as bytes behind the JSON, as Triton clients send them', async () => {
    const [one] = cases('diabetes/1.1.0', 1);
    const bytes = Buffer.from(Float32Array.from(one?.features ?? []).buffer);
    const parameters = { binary_data_size: bytes.length };
    const inputs = [{ name: 'features', shape: [1, 10], datatype: 'FP32', parameters }];
    const json = Buffer.from(JSON.stringify({ inputs, parameters: { binary_data_output: true } }));
    const response = await fetch(`${host.url}/v2/models/diabetes/infer`, {
      method: 'POST',
      headers: { 'inference-header-content-length': String(json.length) },
      body: Buffer.concat([json, bytes]),
    });
    const answer = Buffer.from(await response.arrayBuffer());
    const length = Number(response.headers.get('inference-header-content-length'));
    expect(JSON.parse(answer.toString('utf8', 0, length))).toMatchObject({
      outputs: [
        { name: 'label', parameters: { binary_data_size: 8 } },
        { name: 'probabilities', parameters: { binary_data_size: 8 } },
      ],
    });
    expect(Number(answer.readBigInt64LE(length))).toBe(one?.expected.label);
  });

  it('answers a request as in the hub, and another method with those that there are', async () => {
    const [one] = cases('diabetes/1.1.0', 1);
    const path = '/models/diabetes:predict';
    const body = JSON.stringify({ request_id: 'p-1', features: one?.features });
    const response = await fetch(`${host.url}${path}`, { method: 'POST', body });
    expect(await response.json()).toMatchObject({ request_id: 'p-1', prediction: one?.expected.label });
    const put = await fetch(`${host.url}${path}`, { method: 'PUT', body });
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'POST']);
    const head = await fetch(`${host.url}/v2/health/live`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const index = await fetch(`${host.url}/v2/repository/index`, { method: 'POST' });
    expect(await index.json()).toContainEqual({ name: 'diabetes', version: '1.1.0', state: 'READY', reason: '' });
  });

  it('answers errors with their status', async () => {
    const inputs = [{ name: 'features', shape: [1, 3], datatype: 'FP32', data: [1, 2, 3] }];
    expect(await infer('diabetes', { inputs })).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('10') },
    });
    expect(await infer('nothing', { inputs })).toMatchObject({
      status: 404,
      body: { error: expect.stringContaining('nothing') },
    });
    const data = new Array(300_000).fill(0.5);
    const large = [{ name: 'features', shape: [30_000, 10], datatype: 'FP32', data }];
    expect(await infer('diabetes', { inputs: large })).toMatchObject({ status: 413 });
  });

  it('shows in its metrics what came by HTTP and what came by the hub', async () => {
    const producer = new EventHubProducerClient(hubs.connectionString, 'inference-requests');
    const events = cases('topic/1.0.0', 5).map(({ features }) => ({ body: { model: 'topic', features } }));
    await producer.sendBatch([...events, { body: { model: 'topic', features: [1, 2, 3, 4] } }], { partitionId: '1' });
    await producer.close();
    await expect
      .poll(async () => (await get('/metrics')).text, { timeout: 20_000, interval: 200 })
      .toMatch(/inference_requests_total\{model="topic",version="1.0.0\+[0-9a-f]{8}",outcome="result"\} 5\n/);
    const { text } = await get('/metrics');
    expect((await fetch(`${host.url}/metrics`)).headers.get('content-encoding')).toBe('gzip'); // asked for by fetch
    expect(text).toMatch(/inference_errors_total\{model="topic",version="[^"]+",code="schema_mismatch"\} 1\n/);
    expect(text).toMatch(/inference_end_to_end_seconds_count\{model="topic",version="[^"]+"\} 5\n/);
    expect(text).toMatch(/inference_requests_total\{model="diabetes",version="1\.1\.0\+[^"]+",outcome="result"\} 3\n/);
    expect(text).toContain('hubscore_partition_lag_events{partition="1"} 0\n');
    expect(text).toMatch(/hubscore_partition_lag_seconds\{partition="1"\} [0-9.]+\n/);
    expect(text).toMatch(/hubscore_model_loads_total\{model="topic",version="[^"]+",outcome="loaded"\} 1\n/);
    expect(text).toMatch(/hubscore_model_loaded\{model="diabetes",version="1\.1\.0\+[^"]+"\} 1\n/);
    expect(text).toMatch(/hubscore_http_requests_total\{route="v2-infer",status="413"\} 1\n/);
  });
});

describe('an event of the same app', () => {
  it('gives its correlation id to its result and to its dead letter', async () => {
    const producer = new EventHubProducerClient(hubs.connectionString, 'inference-requests');
    const features = cases('topic/1.0.0', 1)[0]?.features;
    await producer.sendBatch(
      [
        { body: { request_id: 'c-1', model: 'topic', features }, correlationId: 'order 7 ✓' },
        { body: { request_id: 'c-2', model: 'topic' }, correlationId: 'order 8' },
        { body: { request_id: 'c-3', model: 'topic', features } },
      ],
      { partitionId: '0' },
    );
    await producer.close();
    const results = await received('inference-requests-results', 2);
    expect(results.map(({ correlationId, body }) => [body.request_id, correlationId])).toEqual([
      ['c-1', 'order 7 ✓'],
      ['c-3', undefined],
    ]);
    const [letter] = await received('inference-dead-letter', 1);
    expect([letter?.body.request_id, letter?.correlationId]).toEqual(['c-2', 'order 8']);
  });
});

/** The first events of a hub's partition 0. */
async function received(hub: string, count: number): Promise<ReceivedEventData[]> {
  const consumer = new EventHubConsumerClient('$Default', hubs.connectionString, hub);
  const events: ReceivedEventData[] = [];
  await new Promise<void>((resolve, reject) => {
    consumer.subscribe(
      '0',
      {
        async processEvents(some) {
          if (events.push(...some) >= count) resolve();
        },
        processError: async error => reject(error),
      },
      { startPosition: earliestEventPosition },
    );
  });
  await consumer.close();
  return events;
}

describe('with a REDIS_URL whose password was not escaped, and another setting of the cache wrong', () => {
  beforeAll(async () => {
    await host.stop();
    host = await start({ REDIS_URL: 'redis://:s3cr#et@cache.example:6379', CACHE_MB: 's3cret' });
  });

  it('answers and scores without it', async () => {
    expect(await get('/v2/health/live')).toEqual({ status: 200, text: '{"live":true}' });
    expect(await get('/v2/health/ready')).toEqual({ status: 200, text: '{"ready":true}' });
    const [one] = cases('diabetes/1.1.0', 1);
    const inputs = [{ name: 'features', shape: [1, 10], datatype: 'FP32', data: one?.features }];
    const { status, body } = await infer('diabetes', { inputs });
    expect(status, JSON.stringify(body)).toBe(200);
    expect(body.outputs[0].data).toEqual([one?.expected.label]);

    const producer = new EventHubProducerClient(hubs.connectionString, 'inference-requests');
    await producer.sendBatch([{ body: { model: 'topic', features: cases('topic/1.0.0', 1)[0]?.features } }]);
    await producer.close();
    await expect
      .poll(async () => (await get('/metrics')).text, { timeout: 20_000, interval: 200 })
      .toMatch(/inference_requests_total\{model="topic",version="[^"]+",outcome="result"\} 1\n/);
  });

  it('names the setting once in its log and in its metrics, never what it holds', async () => {
    const { text } = await get('/metrics');
    expect(text).toContain('hubscore_setting_ignored{setting="REDIS_URL"} 1\n');
    expect(text).toContain('hubscore_setting_ignored{setting="CACHE_MB"} 1\n');
    expect(host.log().match(/REDIS_URL/g)).toHaveLength(1);
    expect(host.log().match(/CACHE_MB takes/g)).toHaveLength(1);
    expect(host.log() + text).not.toMatch(/s3cr|cache\.example/);
  });
});
