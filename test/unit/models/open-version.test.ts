import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFile } from '../../../bench/models.ts';
import { createOnnxLoader } from '../../../src/backends/onnx/onnx-loader.ts';
import type { Loader, LoadSource } from '../../../src/core/loader.ts';
import type { ModelVersion } from '../../../src/core/model.ts';
import type { Route } from '../../../src/core/routing.ts';
import { NO_CARD, parseCard } from '../../../src/models/card.ts';
import { createCatalog, type ModelCatalog } from '../../../src/models/catalog.ts';
import { type ModelFiles, openModelFiles } from '../../../src/models/open-files.ts';
import { inspectModel } from '../../../src/models/publish.ts';
import { type MemoryStore, memoryStore } from '../../support/memory-store.ts';
import { floats, notes, temporaryFolder } from '../../support/models.ts';
import { classifier, regressor } from '../../support/onnx.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures/models');
const onnx = createOnnxLoader({ threads: 0, inlineMaxMs: 1, workerMinMs: 5, log: notes() });
const folder = temporaryFolder();
afterAll(() => folder.remove());

let store: MemoryStore;
let catalog: ModelCatalog;
beforeEach(() => {
  store = memoryStore();
  catalog = createCatalog({
    store,
    loaders: [onnx],
    clock: Date.now,
    log: notes(),
    defaultModel: undefined,
    refreshMs: 3_600_000,
    loadTimeoutMs: 10_000,
    memoryBytes: 1e9,
    cacheDir: join(folder.path, 'cache'),
    cacheBytes: 1e9,
  });
});
afterEach(async () => {
  await catalog.close();
  rmSync(join(folder.path, 'cache'), { recursive: true, force: true });
});

const filesOf = (name: string): ModelFiles => {
  const file = join(FIXTURES, name, '1.0.0/model.onnx');
  const card = join(file, '../model.json');
  return { name, version: '1.0.0', file, card: existsSync(card) ? card : undefined };
};

/** Files laid out as in storage, so that messages name the same paths below the folder. */
function lay(file: Buffer, card?: object): ModelFiles {
  const at = join(folder.path, 'm/1.0.0');
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, 'model.onnx'), file);
  writeFileSync(join(at, 'model.json'), JSON.stringify(card ?? {}));
  return { name: 'm', version: '1.0.0', file: join(at, 'model.onnx'), card: join(at, 'model.json') };
}

const reason = (thrown: Error) => thrown.message.replaceAll(`${folder.path}/`, '');

/** What one who opens a version learns of it. */
const told = ({ label, sha256, card, signature }: Omit<ModelVersion, 'backend'>) => ({
  label,
  sha256,
  // Functions are each opener's own.
  card: card.text ? { ...card, text: { ...card.text, tokenizer: card.text.tokenizer.maxLength } } : card,
  signature,
});

/** The same files opened by everyone who opens models. */
const OPENERS: Record<string, (files: ModelFiles) => Promise<object>> = {
  async load({ name, version, file, card }) {
    store.put(`${name}/${version}/model.onnx`, readFileSync(file));
    if (card) store.put(`${name}/${version}/model.json`, readFileSync(card, 'utf8'));
    for (const beside of readdirSync(dirname(file)).filter(other => /^(tokenizer|config)/.test(other)))
      store.put(`${name}/${version}/${beside}`, readFileSync(join(dirname(file), beside)));
    return told(((await catalog.routing(name, version)).route as Route).version);
  },
  async push(files) {
    const { info, ...found } = await inspectModel(files, [onnx]);
    return told({ ...files, ...found, signature: info.signature });
  },
  async tune(files) {
    const raw = files.card ? parseCard(readFileSync(files.card, 'utf8'), files.card) : NO_CARD;
    const { version, close } = await openModelFiles(files, raw, [onnx]);
    await close();
    return told(version);
  },
  async measure(files) {
    const raw = files.card ? parseCard(readFileSync(files.card, 'utf8'), files.card) : NO_CARD;
    const { model, backends } = await openFile({ ...files, raw, threads: 0 });
    await backends.close();
    return told(model);
  },
};

describe('whoever opens a model', () => {
  it.each(readdirSync(FIXTURES).filter(name => name !== 'bad'))('finds the same in it: %s', async name => {
    const found = await Promise.all(Object.values(OPENERS).map(open => open(filesOf(name))));
    expect(found[0]).toMatchObject({
      label: expect.stringMatching(/^1\.0\.0\+[0-9a-f]{8}$/),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      card: { name, version: '1.0.0' },
    });
    for (const other of found) expect(other).toEqual(found[0]);
  });

  it('finds probabilities by class where the file has a ZipMap', async () => {
    for (const open of Object.values(OPENERS)) {
      expect(await open({ ...filesOf('diabetes-zipmap'), card: undefined })).toMatchObject({
        card: { outputs: { label: 'output_label', probabilities: 'output_probability', classes: [0, 1] } },
        signature: { opaqueOutputs: [] },
      });
    }
  });

  it.each([
    ...readdirSync(join(FIXTURES, 'bad')).map(file => [file, join(FIXTURES, 'bad', file), undefined] as const),
    ['a card that does not fit', filesOf('echo').file, { features: [{ name: 'a', input: 'nowhere' }] }] as const,
    ['another hash', filesOf('echo').file, { sha256: 'AB'.repeat(32) }] as const,
  ])('is told the same of what is wrong with it: %s', async (what, file, card) => {
    const files = lay(readFileSync(file), card);
    const said = await Promise.all(Object.values(OPENERS).map(open => open(files).then(() => 'it opens', reason)));
    // It opens where a machine has the locale that it needs.
    if (!what.includes('needs-locale')) expect(said[0]).toMatch(/^m\/1\.0\.0\/model\.(onnx|json): \w/);
    for (const other of said) expect(other).toBe(said[0]);
  });
});

describe('a kind of model', () => {
  const opened: LoadSource[] = [];
  const served: Loader = {
    takes: card => 'served' in card,
    async open(source) {
      opened.push(source);
      const { backend } = await onnx.open(source);
      return { backend, producer: 'a server', opsets: new Map() };
    },
    async close() {},
  };
  const open = (card: object, loaders: readonly Loader[]) =>
    openModelFiles(lay(regressor([1, 2]), card), parseCard(JSON.stringify(card), 'model.json'), loaders);

  it('opens what its cards say is of it; the rest is left to the next', async () => {
    const mine = await open({ served: 'at home', runtime: { intra_op_threads: 2 } }, [served, onnx]);
    const other = await open({}, [served, onnx]);
    expect([mine.producer, other.producer]).toEqual(['a server', 'hand-made']);
    expect(opened).toHaveLength(1);
    expect(opened[0]).toMatchObject({ card: { served: 'at home' }, wishes: { intraOpThreads: 2 } });
    const { variable } = await mine.version.backend.predict({ x: floats([1, 2], 3, 4) });
    expect(variable?.data[0]).toBe(11);
    await Promise.all([mine.close(), other.close()]);
  });

  it('is named as unknown where none takes the card', async () => {
    await expect(open({}, [served])).rejects.toThrow(/model\.json: a kind of model that is not known here$/);
  });
});

describe('what is derived from a file', () => {
  it('lies there for as long as the model is open', async () => {
    const derived: string[] = [];
    const watched = (openIt: Loader['open']): Loader => ({
      ...onnx,
      open(source) {
        const derive: typeof source.file.derive = async (...given) => {
          derived.push(await source.file.derive(...given));
          return derived.at(-1) as string;
        };
        return openIt({ ...source, file: { ...source.file, derive } });
      },
    });
    const files = lay(classifier({ zipMap: true }));
    const opened = await openModelFiles(files, NO_CARD, [watched(onnx.open)]);
    expect(derived.map(existsSync)).toEqual([true]);
    await opened.close();
    const failing = watched(async source => {
      await source.file.derive('half', Buffer.from('made'));
      throw new Error('this far and no further');
    });
    await expect(openModelFiles(files, NO_CARD, [failing])).rejects.toThrow('no further');
    expect(derived.map(existsSync)).toEqual([false, false]);
  });
});
