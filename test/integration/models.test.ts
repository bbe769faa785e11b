import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerClient } from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createBlobs } from '../../src/azure/blobs.ts';
import { connectContainer } from '../../src/azure/connect-blobs.ts';
import { createOnnxLoader } from '../../src/backends/onnx/onnx-loader.ts';
import type { Route } from '../../src/core/routing.ts';
import { type CatalogOptions, createCatalog, type ModelCatalog } from '../../src/models/catalog.ts';
import { setAlias } from '../../src/models/deployment.ts';
import { createModelStore } from '../../src/models/model-store.ts';
import type { ModelFiles } from '../../src/models/open-files.ts';
import { inspectModel, pushModel } from '../../src/models/publish.ts';
import type { ModelStore } from '../../src/models/store.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { floats, type Notes, notes, sourceOf, temporaryFolder } from '../support/models.ts';
import { BAD, large, regressor } from '../support/onnx.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/models');
const signal = AbortSignal.timeout(300_000);

describe('models in blob storage', () => {
  let storage: Storage;
  let container: ContainerClient;
  let store: ModelStore;
  let log: Notes;
  let catalog: ModelCatalog;
  let name: string;
  let test = 0;
  const folder = temporaryFolder();
  const loader = createOnnxLoader({ threads: 1, inlineMaxMs: 1, workerMinMs: 5, log: notes() });

  beforeAll(async () => {
    storage = await startStorage();
  });
  afterAll(async () => {
    await loader.close();
    await storage.stop();
    folder.remove();
  });
  afterEach(() => catalog.close());

  /** Every test has its own container. */
  function create(change: Partial<CatalogOptions> = {}, connectionString = storage.connectionString): ModelCatalog {
    name = `models-${++test}`;
    const storeAt = (to: string) =>
      createModelStore(createBlobs({ kind: 'connection-string', connectionString: to }, name));
    store = storeAt(storage.connectionString);
    log = notes();
    catalog = createCatalog({
      store: storeAt(connectionString),
      loaders: [loader],
      clock: Date.now,
      log,
      defaultModel: undefined,
      refreshMs: 100,
      loadTimeoutMs: 30_000,
      memoryBytes: 1e9,
      cacheDir: join(folder.path, name),
      cacheBytes: 1e9,
      ...change,
    });
    return catalog;
  }
  async function put(path: string, content: Buffer | string): Promise<void> {
    const connection = { kind: 'connection-string', connectionString: storage.connectionString } as const;
    container = await connectContainer(connection, name);
    await container.createIfNotExists();
    await container.getBlockBlobClient(path).uploadData(Buffer.from(content));
  }
  const route = async (model?: string, version?: string): Promise<Route> =>
    (await catalog.routing(model, version)).route as Route;
  const answer = async ({ version: { backend } }: Route) =>
    (await backend.predict({ x: floats([1, 2], 1, 1) })).variable?.data[0];
  async function until(holds: () => Promise<boolean>): Promise<void> {
    for (const end = Date.now() + 10_000; !(await holds()); ) {
      if (Date.now() > end) throw new Error(`it never came to be:\n${log.lines.join('\n')}`);
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }

  it('serve once their container is there, and a dropped file serves at once', async () => {
    create();
    await catalog.start();
    await expect(route('m')).rejects.toMatchObject({ code: 'unknown_model' });
    await put('m/1.0.0/model.onnx', regressor([1, 1]));
    expect(await answer(await route('m'))).toBe(2);
  });

  it('are followed by their timer: a new version takes over, a broken one does not', async () => {
    create();
    await put('m/1.0.0/model.onnx', regressor([1, 1]));
    await catalog.start();
    const first = await route('m');
    await put('m/1.1.0/model.onnx', regressor([2, 2]));
    await until(async () => (await route('m')).version.version === '1.1.0');
    expect(await answer(await route('m'))).toBe(4);
    await put('m/1.2.0/model.onnx', BAD['custom operator']!.file);
    await until(async () => log.about(/m\/1\.2\.0\/model\.onnx: uses the operator FancyScore/).length > 0);
    expect((await route('m')).version.version).toBe('1.1.0');
    await setAlias(store, 'm', 'production', '1.0.0', signal);
    await until(async () => (await route('m')).version.version === '1.0.0');
    expect(await answer(first)).toBe(2);
  });

  it('that scikit-learn made serve with nothing but their file, and say what class a probability belongs to', async () => {
    create();
    for (const model of ['diabetes-zipmap', 'iris-fixed-batch', 'survey-int64', 'wine-multi', 'house-price']) {
      await put(`${model}/1.0.0/model.onnx`, readFileSync(join(FIXTURES, model, '1.0.0/model.onnx')));
    }
    await catalog.start();
    const outputs = async (model: string) => (await route(model)).version.card.outputs;
    expect(await outputs('diabetes-zipmap')).toMatchObject({
      label: 'output_label',
      probabilities: 'output_probability',
      classes: [0, 1],
    });
    expect(await outputs('iris-fixed-batch')).toMatchObject({
      label: 'label',
      classes: ['setosa', 'versicolor', 'virginica'],
    });
    expect(await outputs('survey-int64')).toMatchObject({ classes: [0, 1, 2] });
    expect(await outputs('wine-multi')).toMatchObject({ extra: ['embedding'], probabilities: 'probabilities' });
    expect(await outputs('house-price')).toMatchObject({ value: 'variable', classes: undefined });
    expect((await route('iris-fixed-batch')).version.card.batching.maxBatchSize).toBe(1);
  });

  it('go on serving while storage is killed, and follow it again when it is back', async () => {
    create({ refreshMs: 3_600_000 });
    await put('m/1.0.0/model.onnx', regressor([1, 1]));
    await catalog.start();
    await storage.kill();
    await expect(catalog.refresh()).rejects.toMatchObject({ name: 'InfrastructureError' });
    expect(await answer(await route('m'))).toBe(2);
    await storage.restart();
    await put('m/1.1.0/model.onnx', regressor([2, 2]));
    await catalog.refresh();
    expect(await answer(await route('m'))).toBe(4);
  });

  it('are downloaded to the end though the connection breaks off again and again', async () => {
    const proxy = await startFaultProxy(storage.port);
    try {
      create({}, storage.connectionString.replace(`:${storage.port}/`, `:${proxy.port}/`));
      const file = large(6 * 1024 * 1024);
      await put('big/1.0.0/model.onnx', file);
      proxy.cuts.push(2_000_000, 1_500_000);
      expect(await answer(await route('big'))).toBeCloseTo(3, 4); // 1 + 1 + the largest sine
      expect(proxy.cuts).toEqual([]);
      expect(proxy.sentBytes).toBeLessThan(file.length * 1.5); // it went on, it did not begin again
      expect(log.about(/going on from byte/).length).toBeGreaterThan(0);
    } finally {
      await catalog.close();
      await proxy.close();
    }
  });

  describe('pushed', () => {
    const files = (file: Buffer, version = '1.0.0'): ModelFiles => {
      const { file: path } = sourceOf(folder.path, file);
      return { name: 'm', version, file: path, card: undefined };
    };
    const push = async (given: ModelFiles) => pushModel(store, given, await inspectModel(given, [loader]), signal);

    it('serve, with hash and card', async () => {
      create();
      const given = files(regressor([3, 4]));
      expect(await push(given)).toBe(true);
      expect(await answer(await route('m'))).toBe(7);
      const { card, sha256 } = (await route('m')).version;
      expect(card.raw).toMatchObject({ name: 'm', version: '1.0.0', sha256 });
    });

    it('are immutable: the same file again is nothing new, another one is refused', async () => {
      create();
      await push(files(regressor([3, 4])));
      expect(await push(files(regressor([3, 4])))).toBe(false);
      await expect(push(files(regressor([5, 6])))).rejects.toThrow(
        'm/1.0.0/model.onnx is there already, with other content',
      );
      expect(await answer(await route('m'))).toBe(7);
    });

    it('are refused before they are uploaded where they could not serve', async () => {
      create();
      const given = files(BAD['fails at its first run']!.file);
      await expect(push(given)).rejects.toThrow(`${given.file}: fails at its first run`);
      await expect(push({ ...files(regressor([1, 2])), version: 'v1' })).rejects.toThrow(
        'version v1: expected a semantic version',
      );
      expect((await store.list(signal)).models.size).toBe(0);
    });

    it('are told apart when two push at once', async () => {
      create();
      const pushes = await Promise.allSettled([push(files(regressor([1, 1]))), push(files(regressor([2, 2])))]);
      expect(pushes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect([2, 4]).toContain(await answer(await route('m')));
    });
  });
});
