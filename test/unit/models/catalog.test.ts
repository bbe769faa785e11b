import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOnnxLoader } from '../../../src/backends/onnx/onnx-loader.ts';
import type { LoadSource } from '../../../src/core/loader.ts';
import type { Route } from '../../../src/core/routing.ts';
import { type CatalogOptions, createCatalog, type ModelCatalog } from '../../../src/models/catalog.ts';
import { type MemoryStore, memoryStore } from '../../support/memory-store.ts';
import { floats, type Notes, notes, temporaryFolder } from '../../support/models.ts';
import { BAD, classifier, regressor } from '../../support/onnx.ts';

const BROKEN = BAD['no model']!.file;

describe('catalog', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let store: MemoryStore;
  let log: Notes;
  let nowMs: number;
  let catalog: ModelCatalog;
  const loads: string[] = [];
  const onnx = createOnnxLoader({ threads: 0, inlineMaxMs: 1, workerMinMs: 5, log: notes() });

  beforeEach(() => {
    folder = temporaryFolder();
    store = memoryStore();
    log = notes();
    nowMs = 1_000_000;
    loads.length = 0;
  });
  afterEach(async () => {
    await catalog.close();
    folder.remove();
  });

  function create(change: Partial<CatalogOptions> = {}): ModelCatalog {
    catalog = createCatalog({
      store,
      loaders: [
        {
          ...onnx,
          open(source: LoadSource) {
            loads.push(source.title);
            return onnx.open(source);
          },
        },
      ],
      clock: () => nowMs,
      log,
      sleep: async ms => {
        nowMs += ms;
      },
      defaultModel: undefined,
      refreshMs: 3_600_000,
      loadTimeoutMs: 10_000,
      memoryBytes: 1e9,
      cacheDir: folder.path,
      cacheBytes: 1e9,
      ...change,
    });
    return catalog;
  }
  const put = (path: string, file: Buffer = regressor([1, 2])) => store.put(`${path}/model.onnx`, file);
  const route = async (model?: string, version?: string): Promise<Route> =>
    (await catalog.routing(model, version)).route as Route;
  const version = async (model?: string, asked?: string) => (await route(model, asked)).version.version;
  /** What the model makes of [1, 1]: its sum of weights tells one content from another. */
  const answer = async ({ version: { backend } }: Route) =>
    (await backend.predict({ x: floats([1, 2], 1, 1) })).variable?.data[0];

  describe('routes', () => {
    it('to the version asked for, at once when it is loaded', async () => {
      put('m/1.0.0', regressor([1, 1]));
      put('m/1.1.0', regressor([2, 2]));
      create();
      const first = await route('m', 'v1.0');
      expect(first).toMatchObject({ fallback: false, requestedVersion: undefined, variant: undefined });
      expect(first.version.label).toMatch(/^1\.0\.0\+[0-9a-f]{8}$/);
      expect(await answer(first)).toBe(2);
      expect(catalog.routing('m', 'v1.0')).toHaveProperty('route', first); // no promise: the batch pays nothing
      expect(await answer(await route('m'))).toBe(4);
    });

    it('to production where the version is not there, and says so', async () => {
      put('m/1.0.0');
      create();
      expect(await route('m', '7.0.0')).toMatchObject({
        fallback: true,
        requestedVersion: '7.0.0',
        version: { version: '1.0.0' },
      });
    });

    it('by alias, in any letter case', async () => {
      put('m/1.0.0');
      put('m/1.1.0');
      store.put('m/deployment.json', { aliases: { Production: '1.0.0', next: '1.1.0' } });
      create();
      expect(await version('m')).toBe('1.0.0');
      expect(await version('m', 'NEXT')).toBe('1.1.0');
    });

    it('by label: another build of the version is not there', async () => {
      put('m/1.0.0');
      store.put('m/1.0.0/model.json', { training_data_hash: 'A1B2C3D4E5F6' });
      create();
      expect(await route('m', '1.0.0+a1b2c3d4')).toMatchObject({
        fallback: false,
        version: { label: '1.0.0+a1b2c3d4' },
      });
      expect(await route('m', '1.0.0+ffffffff')).toMatchObject({ fallback: true, requestedVersion: '1.0.0+ffffffff' });
    });

    it('to the only model, or DEFAULT_MODEL, where the request names none', async () => {
      put('a/1.0.0');
      create();
      expect((await route()).version.name).toBe('a');
      await catalog.close();
      put('b/1.0.0');
      create({ defaultModel: 'b' });
      expect((await route()).version.name).toBe('b');
      await catalog.close();
      create();
      await expect(route()).rejects.toMatchObject({
        code: 'unknown_model',
        message: 'the request names no model, and DEFAULT_MODEL is not set; there are a, b',
      });
    });

    it('nowhere where the model is unknown', async () => {
      put('a/1.0.0');
      create();
      await expect(route('z')).rejects.toMatchObject({
        code: 'unknown_model',
        stage: 'route',
        message: 'model z is not there; there are a',
      });
    });

    it('to a model that was just put there, without waiting for a refresh', async () => {
      create();
      await expect(route('m')).rejects.toMatchObject({ message: 'model m is not there; there are no models' });
      put('m/1.0.0');
      expect(await version('m')).toBe('1.0.0');
      put('m/2.0.0');
      expect(await version('m', '2.0.0')).toBe('2.0.0');
    });

    it('to a version that was just put there, though nothing of the model is loaded yet', async () => {
      put('m/1.0.0');
      create();
      await catalog.list();
      put('m/2.0.0-rc.1');
      expect(await route('m', '2.0.0-rc.1')).toMatchObject({ fallback: false, version: { version: '2.0.0-rc.1' } });
    });

    it('to a model that is put there while names nobody has heard of keep coming', async () => {
      create();
      for (let i = 0; i < 200; i++) {
        void route(`poison-${i}`).catch(() => {});
        await route('misspelt').catch(() => {});
        if (i % 20 > 0) continue;
        put(`m${i}/1.0.0`);
        expect(await version(`m${i}`)).toBe('1.0.0');
      }
    });

    it('nowhere only by a look that began after the question', async () => {
      create();
      await catalog.list();
      let answer = () => {};
      store.listGate = new Promise(resolve => {
        answer = resolve;
      });
      const looking = catalog.refresh();
      await new Promise(setImmediate);
      store.listGate = undefined;
      put('m/1.0.0'); // the look under way has passed it
      const asked = version('m');
      await new Promise(setImmediate);
      answer();
      await looking;
      expect(await asked).toBe('1.0.0');
    });

    it('with one look for all who ask, and one a second', async () => {
      create();
      await catalog.list();
      const before = store.asked.lists;
      const startMs = nowMs;
      await Promise.allSettled(Array.from({ length: 200 }, (_, i) => route(`poison-${i}`)));
      expect(store.asked.lists - before).toBe(1);
      for (let i = 0; i < 10; i++) await route(`more-${i}`).catch(() => {});
      expect(store.asked.lists - before).toBe(11);
      expect(nowMs - startMs).toBe(11_000);
    });

    it('from memory for 5 s where two looks within 10 s have shown that a name is not there', async () => {
      put('n/1.0.0');
      create();
      await catalog.list();
      const looks = async (ask: () => Promise<unknown>) => {
        const before = store.asked.lists;
        await ask().catch(() => {});
        return store.asked.lists - before;
      };
      const misspelt = () => looks(() => route('misspelt'));
      expect([await misspelt(), await misspelt(), await misspelt(), await misspelt()]).toEqual([1, 1, 0, 0]);
      const elder = () => looks(() => route('n', '7.0.0'));
      expect([await elder(), await elder(), await elder()]).toEqual([1, 1, 0]);
      nowMs += 2_900;
      expect(await misspelt()).toBe(0);
      nowMs += 100;
      expect([await misspelt(), await misspelt()]).toEqual([1, 0]);
      nowMs += 10_001;
      expect([await misspelt(), await misspelt(), await misspelt()]).toEqual([1, 1, 0]);
    });
  });

  describe('a broken version', () => {
    it('is unavailable, naming file and cause; the log says so once', async () => {
      put('m/1.0.0', BROKEN);
      create();
      const refusal = { code: 'model_unavailable', message: 'm/1.0.0/model.onnx: not an ONNX file, or a damaged one' };
      await expect(route('m')).rejects.toMatchObject(refusal);
      await expect(route('m', '1.0.0')).rejects.toMatchObject(refusal);
      await catalog.refresh();
      expect(loads).toHaveLength(1);
      expect(log.about(/not an ONNX file/)).toHaveLength(1);
    });

    it('never takes over from a good one', async () => {
      put('m/1.0.0', regressor([1, 1]));
      create();
      const before = await route('m');
      put('m/1.1.0', BROKEN);
      await catalog.refresh();
      expect(catalog.routing('m', undefined)).toHaveProperty('route', before);
      expect(log.about(/m\/1\.1\.0.*does not serve/)).toHaveLength(1);
    });

    it('does not serve after a restart either: the newest good one does', async () => {
      put('m/1.0.0');
      put('m/1.1.0', BROKEN);
      create();
      expect(await route('m')).toMatchObject({ fallback: false, version: { version: '1.0.0' } });
      await expect(route('m', '1.1.0')).rejects.toMatchObject({ code: 'model_unavailable' });
    });

    it('leaves the last good content under its name when it replaces the file', async () => {
      put('m/1.0.0', regressor([1, 1]));
      put('m/0.9.0', regressor([9, 9]));
      create();
      expect(await answer(await route('m'))).toBe(2);
      put('m/1.0.0', BROKEN);
      await catalog.refresh();
      expect(await answer(await route('m'))).toBe(2);
      expect(await answer(await route('m', '1.0.0'))).toBe(2);
      put('m/1.0.0', regressor([5, 5]));
      await catalog.refresh();
      expect(await answer(await route('m'))).toBe(10);
    });

    it('gives way to the fallback that its card declares, and the result says so', async () => {
      put('m/2.0.0', BROKEN);
      put('m/1.5.0');
      put('m/1.0.0');
      store.put('m/2.0.0/model.json', { fallback: { version: '1.0.0' } });
      create();
      expect(await route('m', '2.0.0')).toMatchObject({
        fallback: true,
        requestedVersion: '2.0.0',
        version: { version: '1.0.0' },
      });
      expect(await route('m')).toMatchObject({
        fallback: true,
        requestedVersion: '2.0.0',
        version: { version: '1.0.0' },
      });
    });

    it('is tried again after a while, and at once when its file changes', async () => {
      put('m/1.0.0', BROKEN);
      create();
      await route('m').catch(() => {});
      nowMs += 31_000;
      await route('m').catch(() => {});
      expect(loads).toHaveLength(2);
      nowMs += 31_000; // the next pause is longer
      await route('m').catch(() => {});
      expect(loads).toHaveLength(2);
      put('m/1.0.0');
      await catalog.refresh();
      expect(await version('m')).toBe('1.0.0');
    });

    it.each([
      [
        'a card that does not fit',
        { features: [{ name: 'a', type: 'number' }] },
        /^m\/1\.0\.0\/model\.json: features: expected 2 columns/,
      ],
      ['a card that is wrong', { features: 'all' }, /^m\/1\.0\.0\/model\.json: features: expected array/],
      [
        'another hash',
        { sha256: '0'.repeat(64) },
        /^m\/1\.0\.0\/model\.onnx: checksum differs: m\/1\.0\.0\/model\.json says 000/,
      ],
    ])('is one with %s', async (_, card, message) => {
      put('m/1.0.0');
      store.put('m/1.0.0/model.json', card);
      create();
      await expect(route('m')).rejects.toMatchObject({
        code: 'model_unavailable',
        message: expect.stringMatching(message),
      });
    });

    it('is one that does not load in time', async () => {
      put('m/1.0.0');
      store.gate = new Promise(() => {});
      create({ loadTimeoutMs: 100 });
      await expect(route('m')).rejects.toMatchObject({
        code: 'model_unavailable',
        message: 'm/1.0.0/model.onnx: not loaded within 0.1 s',
      });
    });
  });

  describe('a refresh', () => {
    it('lets a new version take over only when it is warm, and what runs on the old one ends', async () => {
      put('m/1.0.0', regressor([1, 1]));
      create();
      const old = await route('m');
      put('m/1.1.0', regressor([2, 2]));
      let open = () => {};
      store.gate = new Promise(resolve => {
        open = resolve;
      });
      const refreshing = catalog.refresh();
      await new Promise(setImmediate);
      expect(catalog.routing('m', undefined)).toHaveProperty('route', old);
      open();
      await refreshing;
      expect(await answer(await route('m'))).toBe(4);
      expect(await answer(old)).toBe(2);
      expect(log.about(/m: 1\.1\.0\+\w+ takes over from 1\.0\.0/)).toHaveLength(1);
    });

    it('follows aliases, also back', async () => {
      put('m/1.0.0');
      put('m/1.1.0');
      create();
      expect(await version('m')).toBe('1.1.0');
      store.put('m/deployment.json', { aliases: { production: '1.0.0' } });
      await catalog.refresh();
      expect(await version('m')).toBe('1.0.0');
      store.put('m/deployment.json', 'oh');
      await catalog.refresh();
      expect(await version('m')).toBe('1.0.0');
      expect(log.about(/deployment\.json: not JSON.*stays in force/)).toHaveLength(1);
      await catalog.refresh();
      expect(log.about(/deployment\.json/)).toHaveLength(1);
    });

    it('takes a card that came after its model', async () => {
      put('m/1.0.0');
      create();
      expect((await route('m')).version.card.task).toBeUndefined();
      store.put('m/1.0.0/model.json', { task: 'regression' });
      await catalog.refresh();
      expect((await route('m')).version.card.task).toBe('regression');
    });

    it('forgets a model that was removed, and turns from a version that was', async () => {
      put('m/1.0.0');
      put('m/1.1.0');
      put('n/1.0.0');
      create();
      await Promise.all([route('m'), route('n')]);
      store.remove('m/1.1.0/model.onnx');
      store.remove('n/1.0.0/model.onnx');
      await catalog.refresh();
      expect(await version('m')).toBe('1.0.0');
      await expect(route('n')).rejects.toMatchObject({ code: 'unknown_model' });
    });

    it('says once what is no model', async () => {
      put('m/latest');
      create();
      await catalog.start();
      await catalog.refresh();
      expect(log.about(/m\/latest\/model\.onnx: ignored/)).toHaveLength(1);
    });
  });

  describe('where storage is away', () => {
    it('what is loaded goes on serving', async () => {
      put('m/1.0.0');
      create();
      const before = await route('m');
      store.away = true;
      await expect(catalog.refresh()).rejects.toMatchObject({ name: 'InfrastructureError' });
      expect(catalog.routing('m', undefined)).toHaveProperty('route', before);
      expect(await answer(before)).toBe(3);
    });

    it('no name is unknown, and a version that is not there is stood in for', async () => {
      put('m/1.0.0');
      create();
      await route('m');
      store.away = true;
      await expect(route('z')).rejects.toMatchObject({ name: 'InfrastructureError' });
      await expect(route('z')).rejects.toMatchObject({ name: 'InfrastructureError' });
      const before = store.asked.lists;
      expect(await route('m', '2.0.0')).toMatchObject({ fallback: true, version: { version: '1.0.0' } });
      expect(store.asked.lists).toBe(before); // storage is left alone for a while
      store.away = false;
      put('z/1.0.0');
      expect(await version('z')).toBe('1.0.0');
    });

    it('and nothing is loaded, that is an infrastructure failure, and later it works', async () => {
      put('m/1.0.0');
      store.away = true;
      create();
      await catalog.start();
      await expect(route('m')).rejects.toMatchObject({
        name: 'InfrastructureError',
        message: 'listing models: storage is away',
      });
      store.away = false;
      expect(await version('m')).toBe('1.0.0');
    });

    it('or the disk fails under the model cache, that is no fault of the model, and later it works', async () => {
      put('m/1.0.0', classifier({ zipMap: true }));
      create();
      await route('m');
      await catalog.close();
      const derived = join(
        folder.path,
        readdirSync(folder.path).find(name => name.endsWith('.tensors.onnx')) as string,
      );
      rmSync(derived);
      mkdirSync(join(derived, 'in the way'), { recursive: true });
      create();
      await expect(route('m')).rejects.toMatchObject({
        name: 'InfrastructureError',
        message: expect.stringMatching(/^model cache: E[A-Z]+: .*rename/),
      });
      rmSync(derived, { recursive: true });
      expect(await version('m')).toBe('1.0.0');
    });

    it('a version that must be loaded is an infrastructure failure, not a broken model', async () => {
      put('m/1.0.0');
      put('m/1.1.0');
      create();
      await route('m');
      store.away = true;
      await expect(route('m', '1.0.0')).rejects.toMatchObject({ name: 'InfrastructureError' });
      store.away = false;
      expect(await version('m', '1.0.0')).toBe('1.0.0');
    });
  });

  describe('memory', () => {
    it('holds one copy however many ask at once', async () => {
      put('m/1.0.0');
      create();
      await Promise.all(Array.from({ length: 20 }, (_, i) => route('m', i % 2 ? '1.0.0' : undefined)));
      expect(loads).toHaveLength(1);
    });

    it('is kept to its budget: the least recently used goes, and comes back when it is asked for', async () => {
      for (const name of ['a', 'b', 'c']) put(`${name}/1.0.0`);
      create({ memoryBytes: 1.2e6 }); // two of them
      const a = await route('a');
      nowMs += 1;
      await route('b');
      nowMs += 1;
      catalog.routing('a', undefined);
      nowMs += 1;
      await route('c');
      const loaded = async () =>
        (await catalog.list()).filter(model => model.loaded.length > 0).map(model => model.name);
      expect(await loaded()).toEqual(['a', 'c']);
      expect(log.about(/b 1\.0\.0\+\w+ unloaded to make room for c/)).toHaveLength(1);
      nowMs += 1;
      await route('b');
      expect(await loaded()).toEqual(['b', 'c']);
      expect(await answer(a)).toBe(3); // held by a batch from before: it comes back by itself
    });
  });

  it('declares fallbacks for those whose slices fail', async () => {
    put('m/1.0.0');
    put('m/1.1.0');
    put('n/1.0.0');
    store.put('m/1.1.0/model.json', { fallback: { version: '1.0.0' } });
    store.put('m/1.0.0/model.json', { fallback: { model: 'n' } });
    store.put('n/1.0.0/model.json', { fallback: { version: '1.0.0' } });
    create();
    const latest = (await route('m')).version;
    const older = await catalog.fallbackFor(latest);
    expect(older).toMatchObject({ name: 'm', version: '1.0.0' });
    const other = await catalog.fallbackFor(older!);
    expect(other).toMatchObject({ name: 'n', version: '1.0.0' });
    expect(await catalog.fallbackFor(other!)).toBeUndefined(); // itself
  });

  it('lists what there is, and what of it is loaded', async () => {
    put('m/1.0.0');
    put('m/1.1.0');
    store.put('m/deployment.json', { aliases: { production: '1.0.0', next: '1.1.0' } });
    create();
    await catalog.start();
    expect(await catalog.list()).toEqual([
      {
        name: 'm',
        versions: ['1.0.0', '1.1.0'],
        aliases: { production: '1.0.0', next: '1.1.0' },
        production: '1.0.0',
        loaded: [expect.stringMatching(/^1\.0\.0\+/)],
      },
    ]);
  });
});
