import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOnnxLoader } from '../../../src/backends/onnx/onnx-loader.ts';
import { encodeField, encodeNumber } from '../../../src/backends/onnx/protobuf.ts';
import { withDownloaded } from '../../../src/cli/stored-model.ts';
import { createCatalog, type ModelCatalog } from '../../../src/models/catalog.ts';
import { inspectModel, pushModel } from '../../../src/models/publish.ts';
import { type MemoryStore, memoryStore } from '../../support/memory-store.ts';
import { floats, notes, temporaryFolder } from '../../support/models.ts';
import { model, node, regressor, value } from '../../support/onnx.ts';

const CASE = resolve(import.meta.dirname, '../../fixtures/cases/external-data-pushed-without-it');
const { signal } = new AbortController();
const loaders = [createOnnxLoader({ threads: 0, inlineMaxMs: 1, workerMinMs: 5, log: notes() })];
const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

/** A weight [2, 1] in a file of its own, and an output that hands the input on, so that the model is rewritten as it is opened. */
function external(location: string): Buffer {
  const entry = (key: string, text: string) =>
    encodeField(13, Buffer.concat([encodeField(1, key), encodeField(2, text)]));
  const weight = Buffer.concat([
    encodeNumber(1, 2),
    encodeNumber(1, 1),
    encodeNumber(2, 1),
    encodeField(8, 'w'),
    entry('location', location),
    encodeNumber(14, 1),
  ]);
  return model({
    nodes: [node('MatMul', ['x', 'w'], ['variable']), node('Identity', ['x'], ['x_out'])],
    inputs: [value('x', 'float32', [null, 2])],
    outputs: [value('variable', 'float32', [null, 1]), value('x_out', 'float32', [null, 2])],
    initializers: [weight],
  });
}

describe('a model with its weights in files of their own', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let store: MemoryStore;
  let catalog: ModelCatalog | undefined;
  beforeEach(() => {
    folder = temporaryFolder();
    store = memoryStore();
  });
  afterEach(async () => {
    await catalog?.close();
    catalog = undefined;
    folder.remove();
  });

  /** `ext` 1.0.0 in a folder of its own. */
  function filesIn(name: string, copy = CASE) {
    const path = join(folder.path, name);
    mkdirSync(path, { recursive: true });
    if (copy) cpSync(copy, path, { recursive: true });
    return { name: 'ext', version: '1.0.0', file: join(path, 'model.onnx'), card: undefined };
  }
  async function push(files: ReturnType<typeof filesIn>) {
    return pushModel(store, files, await inspectModel(files, loaders), signal);
  }
  function open(cacheBytes = 1e9): ModelCatalog {
    catalog = createCatalog({
      store,
      loaders,
      clock: () => 0,
      log: notes(),
      defaultModel: undefined,
      refreshMs: 3_600_000,
      loadTimeoutMs: 10_000,
      memoryBytes: 1e9,
      cacheDir: join(folder.path, 'cache'),
      cacheBytes,
    });
    return catalog;
  }
  async function answer(width = 64) {
    const { route } = await open().routing('ext', undefined);
    const x = floats([1, width], ...Array<number>(width).fill(1));
    const outputs = (await route?.version.backend.predict({ x })) ?? {};
    return { value: outputs.variable?.data[0], names: Object.keys(outputs) };
  }

  it('is pushed with them, all hashed, and serves, again after a restart without another download', async () => {
    const files = filesIn('push');
    expect(await push(files)).toBe(true);
    const hash = sha256(join(CASE, 'ext.onnx.data'));
    const card = JSON.parse((await store.readText('ext/1.0.0/model.json', signal)).text);
    expect(card.files).toEqual({ 'ext.onnx.data': hash });
    expect(await store.sha256Of('ext/1.0.0/ext.onnx.data', signal)).toBe(hash);
    expect((await answer()).value).toBe(64);
    await catalog?.close();
    const before = store.asked.reads.length;
    expect((await answer()).value).toBe(64);
    expect(store.asked.reads).toHaveLength(before);
    expect(await push(files)).toBe(false);
  });

  it('is refused where they are not beside it, or lead out of its folder', async () => {
    const alone = filesIn('alone', '');
    copyFileSync(join(CASE, 'model.onnx'), alone.file);
    await expect(push(alone)).rejects.toThrow(/its weights are in ext\.onnx\.data, which is not beside it/);
    for (const location of ['../w.data', '/etc/w.data', 'a/../../w.data', 'C:\\w.data']) {
      writeFileSync(alone.file, external(location));
      await expect(push(alone)).rejects.toThrow(
        /model\.onnx: weights in .*w\.data: expected a file in the model's folder/,
      );
    }
    writeFileSync(join(folder.path, 'w.data'), new Uint8Array(8));
    symlinkSync(join(folder.path, 'w.data'), join(folder.path, 'alone/w.data'));
    writeFileSync(alone.file, external('w.data'));
    await expect(push(alone)).rejects.toThrow(/w\.data leads out of its folder/);
    expect((await store.list(signal)).models.size).toBe(0);
  });

  it('is another one where they differ', async () => {
    await push(filesIn('push'));
    const other = filesIn('other');
    writeFileSync(join(folder.path, 'other/ext.onnx.data'), new Uint8Array(256));
    await expect(push(other)).rejects.toThrow('ext/1.0.0/model.onnx is there already, with other content');
    store.put('ext/1.0.0/ext.onnx.data', new Uint8Array(256));
    await expect(open().routing('ext', undefined)).rejects.toThrow(/checksum of ext\.onnx\.data differs/);
  });

  it('serves where it was put by hand, once they are there', async () => {
    store.put('ext/1.0.0/model.onnx', readFileSync(join(CASE, 'model.onnx')));
    await expect(open().routing('ext', undefined)).rejects.toThrow(
      /its weights are in ext\.onnx\.data, which is not there: upload it too/,
    );
    await catalog?.close();
    store.put('ext/1.0.0/ext.onnx.data', readFileSync(join(CASE, 'ext.onnx.data')));
    expect((await answer()).value).toBe(64);
  });

  it('is opened where it is rewritten, from a folder below, and by who downloads it to look', async () => {
    const files = filesIn('deep', '');
    mkdirSync(join(folder.path, 'deep/weights'));
    writeFileSync(files.file, external('./weights/w.data'));
    writeFileSync(join(folder.path, 'deep/weights/w.data'), new Uint8Array(Float32Array.of(2, 3).buffer));
    expect(await push(files)).toBe(true);
    expect(await answer(2)).toEqual({ value: 5, names: ['variable'] });
    const stored = (await store.list(signal)).models.get('ext')!.versions.get('1.0.0')!;
    const seen = await withDownloaded(
      { LOCAL_DATA_DIR: undefined },
      store,
      { stored, card: undefined },
      signal,
      downloaded => inspectModel({ ...stored, ...downloaded }, loaders),
    );
    expect(seen.beside).toEqual({ 'weights/w.data': sha256(join(folder.path, 'deep/weights/w.data')) });
  });

  it('is broken, and no disk that fails, where they are called what no file here can be', async () => {
    const name = `${'w'.repeat(300)}.data`;
    store.put('ext/1.0.0/model.onnx', external(name));
    store.put(`ext/1.0.0/${name}`, new Uint8Array(8));
    await expect(open().routing('ext', undefined)).rejects.toMatchObject({
      code: 'model_unavailable',
      message: `ext/1.0.0/model.onnx: its weights are in ${name}, which no file here can be called`,
    });
  });

  it('leaves nothing in the cache where it is thrown out', async () => {
    await push(filesIn('push'));
    const routing = open(300).routing('ext', undefined);
    await routing;
    const cache = join(folder.path, 'cache');
    const names = () => readdirSync(cache, { recursive: true, encoding: 'utf8' });
    expect(names().some(name => name.endsWith('.files/ext.onnx.data'))).toBe(true);
    expect(names().filter(name => /\.(tmp|part)$/.test(name))).toEqual([]);
    store.put('other/1.0.0/model.onnx', regressor([1, 2]));
    await catalog?.routing('other', undefined);
    expect(names().filter(name => /\.files|ext/.test(name))).toEqual([]);
  });
});

afterAll(async () => {
  for (const loader of loaders) await loader.close();
});
