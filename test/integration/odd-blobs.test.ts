import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import type { ContainerClient } from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createBlobs } from '../../src/azure/blobs.ts';
import { connectContainer, containerAddress } from '../../src/azure/connect-blobs.ts';
import { withBreaker } from '../../src/azure/with-breaker.ts';
import { createOnnxLoader } from '../../src/backends/onnx/onnx-loader.ts';
import { run } from '../../src/cli/program.ts';
import { InfrastructureError } from '../../src/core/errors.ts';
import { type Breaker, createBreaker } from '../../src/core/retry-policies.ts';
import { createCatalog, type ModelCatalog } from '../../src/models/catalog.ts';
import { createModelStore } from '../../src/models/model-store.ts';
import { type FaultProxy, httpAnswer, startFaultProxy } from '../support/fault-proxy.ts';
import { type Notes, notes, temporaryFolder } from '../support/models.ts';
import { regressor } from '../support/onnx.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const NOT_FOUND = '<?xml version="1.0"?><Error><Code>ContainerNotFound</Code><Message>gone</Message></Error>';

describe('one odd blob in storage', () => {
  let [storage, proxy]: [Storage?, FaultProxy?] = [];
  const folder = temporaryFolder();
  const loader = createOnnxLoader({ threads: 0, inlineMaxMs: 1, workerMinMs: 5, log: notes() });
  let container: ContainerClient;
  let catalog: ModelCatalog | undefined;
  let breaker: Breaker;
  let log: Notes;
  let test = 0;
  let name: string;

  beforeAll(async () => {
    storage = await startStorage();
    proxy = await startFaultProxy(storage.port);
  });
  afterAll(async () => {
    await proxy?.close();
    await storage?.stop();
    await loader.close();
    folder.remove();
  });
  beforeEach(async () => {
    name = `odd-${++test}`;
    container = await connectContainer(connectionAt(storage!.port), name);
    await container.create();
    for (const path of ['m/1.0.0', 'm/2.0.0', 'n/1.0.0']) await put(`${path}/model.onnx`, regressor([1, 2]));
  });
  afterEach(async () => {
    proxy!.set('pass');
    await catalog?.close();
  });

  const connectionAt = (port: number) => ({
    kind: 'connection-string' as const,
    connectionString: storage!.connectionString.replace(`:${storage!.port}/`, `:${port}/`),
  });
  const put = (path: string, content: Buffer | string) =>
    container.getBlockBlobClient(path).uploadData(Buffer.from(content));
  const archive = (path: string) => container.getBlobClient(path).setAccessTier('Archive');

  async function start(port = storage!.port): Promise<void> {
    await catalog?.close();
    log = notes();
    breaker = createBreaker(
      { name: 'blob storage', failures: 2, resetMs: 60_000, log },
      error => error instanceof InfrastructureError,
    );
    const connection = connectionAt(port);
    catalog = createCatalog({
      store: createModelStore(withBreaker(createBlobs(connection, name), breaker)),
      loaders: [loader],
      clock: Date.now,
      log,
      defaultModel: undefined,
      refreshMs: 3_600_000,
      loadTimeoutMs: 30_000,
      memoryBytes: 1e9,
      storage: containerAddress(connection, name),
      cacheDir: join(folder.path, name),
      cacheBytes: 1e9,
    });
    await catalog.start();
  }
  const version = async (model: string, asked?: string) =>
    (await catalog!.routing(model, asked)).route?.version.version;
  async function hubscore(...args: string[]) {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const environment = { ModelStorage: storage!.connectionString, MODELS_CONTAINER: name };
    const { signal } = new AbortController();
    const code = await run(args, {
      stdin: Readable.from([]),
      stdout,
      stderr,
      environment,
      folder: folder.path,
      signal,
    });
    return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
  }

  it.each(['m/2.0.0/model.onnx', 'm/2.0.0/model.json'])(
    'that is archived, %s, breaks its version alone',
    async path => {
      await put('m/2.0.0/model.json', '{}');
      await archive(path);
      await start();
      for (let i = 0; i < 4; i++) {
        await expect(catalog!.routing('m', '2.0.0')).rejects.toMatchObject({
          code: 'model_unavailable',
          message: expect.stringMatching(new RegExp(`${path}: it lies in the archive tier: rehydrate it`)),
        });
      }
      expect([await version('m'), await version('n')]).toEqual(['1.0.0', '1.0.0']);
      expect(breaker.state).toBe('closed');
    },
  );

  it('that is an archived deployment.json leaves the last good one in force', async () => {
    await put('m/deployment.json', '{"aliases":{"production":"1.0.0"}}');
    await start();
    expect(await version('m')).toBe('1.0.0');
    await put('m/deployment.json', '{"aliases":{"production":"2.0.0"}}');
    await archive('m/deployment.json');
    await catalog!.refresh();
    await start();
    expect([await version('m'), await version('n')]).toEqual(['1.0.0', '1.0.0']);
    expect(log.about(/m\/deployment\.json: it lies in the archive tier.*stays in force/)).toHaveLength(1);
    expect(breaker.state).toBe('closed');
  });

  it('that is a deployment.json that cannot be used makes nothing live, and commands live with it', async () => {
    await put('m/deployment.json', 'oh');
    await put('n/deployment.json', '{"aliases":{}}');
    await archive('n/deployment.json');
    await start();
    for (const model of ['m', 'n']) {
      await expect(catalog!.routing(model, undefined)).rejects.toMatchObject({ code: 'model_unavailable' });
    }
    expect([await version('m', '1.0.0'), await version('n', 'v1')]).toEqual(['1.0.0', '1.0.0']);
    const list = await hubscore('models', 'list');
    expect(list).toMatchObject({ code: 0, out: 'm      2.0.0  1.0.0\nn      1.0.0\n' });
    expect(list.err).toMatch(/m\/deployment\.json: not JSON.*; which version is production is not known/);
    expect(list.err).toMatch(/n\/deployment\.json: it lies in the archive tier.*; which version is production is not/);
    const show = await hubscore('models', 'show', 'm', '1.0.0');
    expect(show).toMatchObject({ code: 0, out: expect.stringMatching(/^m 1\.0\.0/) });
    const highest = await hubscore('models', 'show', 'm');
    expect(highest).toMatchObject({ code: 0, out: expect.stringMatching(/^m 2\.0\.0\+[0-9a-f]{8}\n/) });
    expect(highest.err).toContain('which version is production is not known');
    const json = await hubscore('models', 'list', '--json');
    expect(JSON.parse(json.out.split('\n')[0]!)).toMatchObject({
      name: 'm',
      problem: expect.stringContaining('not JSON'),
    });
  });

  it('that is a card of 17 MB is not read', async () => {
    await put('m/2.0.0/model.json', `{"notes":"${'x'.repeat(17_000_000)}"}`);
    const before = proxy!.sentBytes;
    await start(proxy!.port);
    expect(await version('m')).toBe('1.0.0');
    await expect(catalog!.routing('m', '2.0.0')).rejects.toMatchObject({
      code: 'model_unavailable',
      message: expect.stringMatching(
        /^m\/2\.0\.0\/model\.json: 17000012 bytes or more, of which at most 2097152 are read/,
      ),
    });
    expect(proxy!.sentBytes - before).toBeLessThan(9_000_000); // what lies in buffers between is on its way already
  });

  it.each([
    ['a page that says to sign in', { status: 200, type: 'text/html', body: '<html><body>Sign in</body></html>' }],
    ['nothing', { status: 200, type: 'text/html', body: '' }],
    ['JSON', { status: 200, type: 'application/json', body: '{}' }],
    [
      'the listing of another container',
      {
        status: 200,
        type: 'application/xml',
        body: '<?xml version="1.0"?><EnumerationResults ContainerName="other"><Blobs/></EnumerationResults>',
      },
    ],
    ["a gateway's 404", { status: 404, type: 'text/html', body: '<html>no such page</html>' }],
    ['that the container is not there', { status: 404, type: 'application/xml', body: NOT_FOUND }],
  ])('is no reason to drop any where a listing answers with %s', async (_, { status, type, body }) => {
    await start(proxy!.port);
    expect(await version('m')).toBe('2.0.0');
    proxy!.set({ answer: httpAnswer(status, type, body) });
    await expect(catalog!.refresh()).rejects.toMatchObject({ name: 'InfrastructureError' });
    expect([await version('m'), await version('n')]).toEqual(['2.0.0', '1.0.0']);
    await expect(catalog!.routing('z', undefined)).rejects.toMatchObject({ name: 'InfrastructureError' });
    await expect(catalog!.routing('m', '1.0.0')).rejects.toMatchObject({ name: 'InfrastructureError' });
  });
});
