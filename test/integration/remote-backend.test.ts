import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { EventHubProducerClient } from '@azure/event-hubs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { run } from '../../src/cli/program.ts';
import type { ModelVersion } from '../../src/core/model.ts';
import { appFolder } from '../support/app-folder.ts';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { type FunctionsHost, startHost } from '../support/functions-host.ts';
import { type InferenceServer, startInferenceServer } from '../support/inference-server.ts';
import { temporaryFolder } from '../support/models.ts';
import { openModel } from '../support/onnx-model.ts';
import { DEAD_LETTERS, REQUESTS, RESULTS, readAll } from '../support/scoring.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const DIABETES = resolve(import.meta.dirname, '../../samples/models/diabetes/1.0.0');
const FEATURES = [63, 1, 24.4, 73, 160, 91.4, 48, 3, 4.6347, 78];

const app = appFolder();
const cache = temporaryFolder();
let hubs: EventHubs;
let storage: Storage;
let host: FunctionsHost;
let server: InferenceServer;
let model: ModelVersion;
let producer: EventHubProducerClient;
let sent = 0;

/** Runs a command; gives what it said. */
async function hubscore(...words: string[]): Promise<string> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const world = { stdin: Readable.from([]), stdout, stderr, folder: cache.path, signal: AbortSignal.timeout(60_000) };
  const environment = {
    EventHubs: hubs.connectionString,
    ModelStorage: storage.connectionString,
    REMOTE_HOSTS: server.host,
  };
  const code = await run(words, { ...world, environment });
  stdout.end();
  stderr.end();
  const said = `${await text(stdout)}${await text(stderr)}`;
  expect(code, said).toBe(0);
  return said;
}

beforeAll(async () => {
  model = await openModel(DIABETES);
  server = await startInferenceServer(model.backend, { binary: true });
  [hubs, storage] = await Promise.all([startEventHubs(), startStorage()]);
  producer = new EventHubProducerClient(hubs.connectionString, REQUESTS);
  await hubscore('models', 'push', DIABETES, '--name', 'diabetes', '--version', '1.0.0');
  const card = {
    backend: { kind: 'open-inference', url: server.url, model: 'm', retries: 0, timeout_seconds: 5 },
    outputs: { classes: [0, 1] },
    fallback: { version: '1.0.0' },
    cache: false,
  };
  const path = join(cache.path, 'remote.json');
  writeFileSync(path, JSON.stringify(card));
  const said = await hubscore('models', 'push', path, '--name', 'diabetes', '--version', '2.0.0');
  expect(said).toMatch(new RegExp(`server +open-inference at ${server.host}`));
  host = await startHost({
    appDir: app.path,
    env: {
      EventHubs: hubs.connectionString,
      ModelStorage: storage.connectionString,
      AzureWebJobsStorage: storage.connectionString,
      MODEL_CACHE_DIR: cache.path,
      REMOTE_HOSTS: server.host,
      BREAKER_RESET_SECONDS: '1',
    },
  });
}, 90_000);
afterAll(async () => {
  await producer?.close();
  await host?.stop();
  await Promise.all([hubs?.stop(), storage?.stop(), server?.close()]);
  await model?.backend.close();
  app.remove();
  cache.remove();
});

interface Told {
  readonly request_id: number;
  readonly result_id: string;
  readonly model_version: string;
  readonly fallback?: boolean;
  readonly probabilities: Readonly<Record<string, number>>;
}

/** Sends some requests and gives all endings of the partition so far, in order. */
async function ask(count: number, asked = 'diabetes'): Promise<Told[]> {
  const batch = Array.from({ length: count }, () => ({
    body: { request_id: sent++, model: asked, features: FEATURES },
  }));
  await producer.sendBatch(batch, { partitionId: '0' });
  const read = async () =>
    (await readAll(hubs.connectionString, RESULTS, '0')).map(({ body }) => JSON.parse(String(body)) as Told);
  await vi.waitFor(async () => expect(await read()).toHaveLength(sent), { timeout: 30_000, interval: 200 });
  return read();
}

it('answers by the server, by the fallback while that is away, and by the server again, each event once and in order', async () => {
  const well = await ask(100);
  expect(new Set(well.map(({ model_version }) => model_version.split('+')[0]))).toEqual(new Set(['2.0.0']));
  server.mood = 'breaks off';
  const away = (await ask(100)).slice(100);
  expect(new Set(away.map(({ model_version, fallback }) => `${model_version.split('+')[0]} ${fallback}`))).toEqual(
    new Set(['1.0.0 true']),
  );
  server.mood = 'well';
  await vi.waitFor(async () => expect((await ask(1)).at(-1)?.model_version).toMatch(/^2\.0\.0/), {
    timeout: 30_000,
    interval: 500,
  });
  const all = await ask(10);
  expect(all.map(({ request_id }) => request_id)).toEqual(all.map((_, i) => i));
  // By the server or here, it is one model.
  expect(new Set(all.map(({ probabilities }) => Object.values(probabilities)[0]?.toFixed(5))).size).toBe(1);
  expect(await readAll(hubs.connectionString, DEAD_LETTERS, '0')).toEqual([]);
});

it('answers together with a file, by who is there, and says who that was', async () => {
  const members = [
    { model: 'diabetes', version: '1.0.0' },
    { model: 'diabetes', version: '2.0.0' },
  ];
  const path = join(cache.path, 'both.json');
  writeFileSync(path, JSON.stringify({ ensemble: { members, on_missing: 'ignore' }, cache: false }));
  const said = await hubscore('models', 'push', path, '--name', 'both', '--version', '1.0.0');
  expect(said).toMatch(/mean of diabetes 1\.0\.0, diabetes 2\.0\.0/);
  const infer = async () => {
    const inputs = [{ name: model.signature.inputs[0]?.name, shape: [1, 10], datatype: 'FP32', data: FEATURES }];
    const answer = await fetch(`${host.url}/v2/models/both/infer`, {
      method: 'POST',
      body: JSON.stringify({ inputs }),
    });
    const { outputs = [] } = (await answer.json()) as { outputs?: { name: string; data: unknown[] }[] };
    return Object.fromEntries(outputs.map(({ name, data }) => [name, data]));
  };
  const together = { answered_by: ['diabetes 1.0.0, diabetes 2.0.0'] };
  await vi.waitFor(async () => expect(await infer()).toMatchObject(together), { timeout: 60_000, interval: 500 });
  const told = (await ask(1, 'both')).at(-1);
  expect(told).toMatchObject({ outputs: { answered_by: 'diabetes 1.0.0, diabetes 2.0.0' } });
  const lineage = JSON.parse(
    (await hubscore('lineage', told?.result_id ?? '', '--json')).split('\n')[0] ?? '',
  ) as object;
  const sha256 = expect.stringMatching(/^[0-9a-f]{64}$/);
  expect(lineage).toMatchObject({
    model: 'both',
    members: [
      { model: 'diabetes', version: '1.0.0', files: { 'model.onnx': sha256, 'model.json': sha256 } },
      { model: 'diabetes', version: '2.0.0', files: { 'model.json': sha256 } },
    ],
  });
  server.mood = 'breaks off';
  expect(await infer()).toMatchObject({ answered_by: ['diabetes 1.0.0'] });
  const metadata = (await (await fetch(`${host.url}/v2/models/both`)).json()) as { parameters: { backend: object } };
  expect(metadata.parameters.backend).toMatchObject({ kind: 'ensemble', at: 'mean of 2', state: 'up' });
  server.mood = 'well';
  await vi.waitFor(async () => expect(await infer()).toMatchObject(together), { timeout: 60_000, interval: 500 });
  const shown = await hubscore('models', 'show', 'both');
  expect(shown).toMatch(/member +diabetes 2\.0\.0: open-inference at .*, up/);
  const deletion = hubscore('models', 'delete', 'diabetes', '1.0.0');
  await expect(deletion).rejects.toThrow(
    /diabetes 1\.0\.0 is in use: (2\.0\.0 falls back on it|it is a member of both 1\.0\.0)/,
  );
  server.mood = 'breaks off';
  expect(await hubscore('models', 'show', 'diabetes', '2.0.0')).toMatch(
    new RegExp(
      `backend +open-inference at ${server.host}, away: .*(hang up|ECONNRESET).*\\n +fallback +.*1\\.0\\.0.* answers`,
    ),
  );
  server.mood = 'well';
});

it('chooses by how many instances come, and takes the file while the server is away', async () => {
  const folder = join(cache.path, 'chosen/1.0.0');
  cpSync(DIABETES, folder, { recursive: true });
  const backends = [
    { kind: 'onnx', max_instances: 8 },
    { kind: 'open-inference', url: server.url, model: 'm', retries: 0, timeout_seconds: 5 },
  ];
  const card = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')) as object;
  writeFileSync(join(folder, 'model.json'), JSON.stringify({ ...card, name: 'chosen', backends, cache: false }));
  const said = await hubscore('models', 'push', folder);
  expect(said).toMatch(/backend +up to 8 instances: onnx in-line, up/);
  expect(said).toMatch(new RegExp(`backend +any number of instances: open-inference at ${server.host}, up`));
  const infer = async (rows: number) => {
    const data = Array.from({ length: rows }, () => FEATURES).flat();
    const inputs = [{ name: model.signature.inputs[0]?.name, shape: [rows, 10], datatype: 'FP32', data }];
    const answer = await fetch(`${host.url}/v2/models/chosen/infer`, {
      method: 'POST',
      body: JSON.stringify({ inputs }),
    });
    return answer.status;
  };
  await vi.waitFor(async () => expect(await infer(8)).toBe(200), { timeout: 60_000, interval: 500 });
  const before = server.asked.length;
  expect(await infer(8)).toBe(200);
  expect(server.asked.length).toBe(before);
  expect(await infer(20)).toBe(200);
  expect(server.asked.length).toBe(before + 1);
  server.mood = 'breaks off';
  expect(await infer(20)).toBe(200);
  server.mood = 'well';
});

it('says which backend answers, and whether it can', async () => {
  const metadata = async () => (await fetch(`${host.url}/v2/models/diabetes/versions/2.0.0`)).json();
  expect(await metadata()).toMatchObject({
    platform: 'open-inference',
    parameters: { backend: { kind: 'open-inference', at: server.host, state: 'up' }, fallback: { version: '1.0.0' } },
  });
  const metrics = await (await fetch(`${host.url}/metrics`)).text();
  expect(metrics).toContain(`hubscore_breaker_state{target="${server.host}"} 0`);
  const fallbacks = /^hubscore_fallback_results_total\{model="diabetes",version="1\.0\.0\+\w+"\} (\d+)$/m.exec(
    metrics,
  )?.[1];
  expect(Number(fallbacks)).toBeGreaterThanOrEqual(100);
});
