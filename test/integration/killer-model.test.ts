import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appFolder } from '../support/app-folder.ts';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { type FunctionsHost, startHost } from '../support/functions-host.ts';
import { temporaryFolder } from '../support/models.ts';
import { eater, hanger, killer } from '../support/onnx.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const DIABETES = resolve(import.meta.dirname, '../../samples/models/diabetes/1.0.0');
const FEATURES = [63, 1, 24.4, 73, 160, 91.4, 48, 3, 4.6347, 78];
const WATCHED_MS = 12_000;

describe('a worker that serves a good version', () => {
  const app = appFolder();
  const cache = temporaryFolder();
  let hubs: EventHubs;
  let storage: Storage;
  let host: FunctionsHost;

  beforeAll(async () => {
    [hubs, storage] = await Promise.all([startEventHubs(), startStorage()]);
    await put('1.0.0', readFileSync(join(DIABETES, 'model.onnx')), readFileSync(join(DIABETES, 'model.json')));
    host = await startHost({
      appDir: app.path,
      env: {
        EventHubs: hubs.connectionString,
        ModelStorage: storage.connectionString,
        AzureWebJobsStorage: storage.connectionString,
        MODEL_CACHE_DIR: cache.path,
        MODEL_REFRESH_SECONDS: '1',
        MODEL_LOAD_TIMEOUT_SECONDS: '6',
        MODEL_MEMORY_MB: '300',
        HTTP_AUTH_LEVEL: 'anonymous',
      },
    });
  }, 60_000);
  afterAll(async () => {
    await host?.stop();
    await Promise.all([hubs?.stop(), storage?.stop()]);
    app.remove();
    cache.remove();
  });

  async function put(version: string, model: Buffer, card?: Buffer): Promise<void> {
    const container = BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient('models');
    await container.createIfNotExists();
    if (card) await container.getBlockBlobClient(`diabetes/${version}/model.json`).uploadData(card);
    await container.getBlockBlobClient(`diabetes/${version}/model.onnx`).uploadData(model);
  }

  /** The version that answers, or why none does. */
  async function ask(): Promise<string> {
    const response = await fetch(`${host.url}/v2/models/diabetes/infer`, {
      method: 'POST',
      body: JSON.stringify({ inputs: [{ name: 'features', shape: [1, 10], datatype: 'FP32', data: FEATURES }] }),
    });
    const { model_version, error } = (await response.json()) as { model_version?: string; error?: string };
    return model_version ?? String(error);
  }

  it('goes on answering whatever newer versions do to who opens them', async () => {
    const good = await ask();
    expect(good).toMatch(/^1\.0\.0/);
    const newer = { '2.0.0': killer(), '2.1.0': hanger(), '2.2.0': eater(600e6) };
    const answers = new Set<string>();
    for (const [version, content] of Object.entries(newer)) {
      await put(version, content);
      for (const end = Date.now() + WATCHED_MS; Date.now() < end; ) answers.add(await ask());
    }
    expect([...answers]).toEqual([good]);
    for (const said of [
      'diabetes/2.0.0/model.onnx: opening it ended the process that tried it: the process was ended by SIGFPE',
      'diabetes/2.1.0/model.onnx: not loaded within 6 s',
      'diabetes/2.2.0/model.onnx: took more than 300 MB where it was tried',
    ]) {
      expect(host.log()).toContain(said);
    }
    expect(host.log()).not.toContain('the worker ended');
  }, 120_000);
});
