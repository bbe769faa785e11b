import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTrial } from '../../../src/app/create-trial.ts';
import { createOnnxLoader } from '../../../src/backends/onnx/onnx-loader.ts';
import type { Route } from '../../../src/core/routing.ts';
import { createCatalog, type ModelCatalog } from '../../../src/models/catalog.ts';
import { createTriedFiles, type TriedFiles } from '../../../src/models/tried.ts';
import { memoryBlobs } from '../../support/memory-blobs.ts';
import { type MemoryStore, memoryStore } from '../../support/memory-store.ts';
import { type Notes, notes, temporaryFolder } from '../../support/models.ts';
import { eater, hanger, killer, network, regressor } from '../../support/onnx.ts';

const onnx = createOnnxLoader({ threads: 0, inlineMaxMs: 1, workerMinMs: 5, log: notes() });
const trial = createTrial({ MODEL_LOAD_TIMEOUT_SECONDS: 5, MODEL_MEMORY_MB: 300 });

describe('a catalog', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let store: MemoryStore;
  let shared: ReturnType<typeof memoryBlobs>;
  let log: Notes;
  let tried: TriedFiles;
  let catalog: ModelCatalog;

  beforeEach(() => {
    folder = temporaryFolder();
    store = memoryStore();
    shared = memoryBlobs();
    start();
  });
  afterEach(async () => {
    await stop();
    folder.remove();
  });

  /** As a worker that comes up does. */
  function start(): void {
    log = notes();
    const world = { clock: Date.now, log };
    tried = createTriedFiles({ ...world, trial, dir: folder.path, shared });
    catalog = createCatalog({
      ...world,
      store,
      tried,
      loaders: [onnx],
      defaultModel: undefined,
      refreshMs: 3_600_000,
      loadTimeoutMs: 10_000,
      memoryBytes: 1e9,
      cacheDir: folder.path,
      cacheBytes: 1e9,
    });
  }
  async function stop(): Promise<void> {
    tried.close();
    await catalog.close();
  }
  const put = (path: string, file: Buffer) => store.put(`${path}/model.onnx`, file);
  const route = async (model: string, version?: string) => (await catalog.routing(model, version)).route as Route;
  const ofTrials = () => log.about(/tried in a process of its own/).length;

  it('goes on with the good version where a new one ends every process that opens it, also after a restart', async () => {
    put('m/1.0.0', regressor([1, 1]));
    expect((await route('m')).version.version).toBe('1.0.0');
    put('m/1.1.0', killer());
    await catalog.refresh();
    const says = 'm/1.1.0/model.onnx: opening it ended the process that tried it: the process was ended by SIGFPE';
    expect((await route('m')).version.version).toBe('1.0.0');
    expect(log.lines).toContain(`${says}; this version does not serve`);
    await stop();
    start();
    await catalog.start();
    expect((await route('m')).version.version).toBe('1.0.0');
    expect(log.lines).toContain(`${says}; this version does not serve`);
    expect(ofTrials()).toBe(0);
  });

  it('says of a model that has nothing else why it cannot serve', async () => {
    put('eater/1.0.0', eater(600e6));
    put('killer/1.0.0', killer());
    await expect(route('eater')).rejects.toMatchObject({
      code: 'model_unavailable',
      message: 'eater/1.0.0/model.onnx: took more than 300 MB where it was tried',
    });
    await expect(route('killer')).rejects.toMatchObject({ code: 'model_unavailable' });
  });

  it('loads what was tried at once, while another is being tried that never answers', async () => {
    put('good/1.0.0', regressor([1, 1]));
    await route('good');
    await stop();
    start();
    put('hanger/1.0.0', hanger());
    let isOver = false;
    const hung = route('hanger')
      .catch(error => error)
      .finally(() => {
        isOver = true;
      });
    expect((await route('good')).version.version).toBe('1.0.0');
    expect(isOver).toBe(false);
    expect(ofTrials()).toBe(0);
    expect(await hung).toMatchObject({
      code: 'model_unavailable',
      message: expect.stringMatching(/^hanger\/1\.0\.0\/model\.onnx: not loaded within 5 s/),
    });
  });

  it('counts what a model took where it was tried, however much this process grows meanwhile', async () => {
    put('m/1.0.0', network());
    const { backend } = (await route('m')).version;
    const first = backend.info.memoryBytes;
    await stop();
    start();
    const ballast: Buffer[] = [];
    const growing = setInterval(() => ballast.length < 20 && ballast.push(Buffer.alloc(4e6, 1)), 1);
    const second = (await route('m')).version.backend.info.memoryBytes;
    clearInterval(growing);
    expect(second).toBe(first);
    expect(first).toBeLessThan(5 * network().length);
  });
});
