import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDiskCache, type DiskCache } from '../../../src/models/disk-cache.ts';
import type { StoredVersion } from '../../../src/models/store.ts';
import { type MemoryStore, memoryStore } from '../../support/memory-store.ts';
import { notes, temporaryFolder } from '../../support/models.ts';

const signal = AbortSignal.timeout(60_000);
const content = (seed: number, bytes = 1000) => Buffer.from(Array.from({ length: bytes }, (_, i) => (i * seed) % 251));
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('disk cache', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let store: MemoryStore;
  beforeEach(() => {
    folder = temporaryFolder();
    store = memoryStore();
  });
  afterEach(() => folder.remove());

  const open = (maxBytes = 1e6): DiskCache => createDiskCache({ dir: folder.path, maxBytes, store, log: notes() });
  const stored = async (name: string): Promise<StoredVersion> =>
    (await store.list(signal)).models.get(name)!.versions.get('1.0.0')!;
  const parts = () => readdirSync(folder.path).filter(name => !/\.onnx(\.json)?$/.test(name));

  it('downloads once, whole, with its hash', async () => {
    store.put('a/1.0.0/model.onnx', content(7));
    const cache = open();
    const version = await stored('a');
    const [file, same] = await Promise.all([cache.get(version, signal), cache.get(version, signal)]);
    expect(same).toEqual(file);
    expect(file).toMatchObject({ sha256: sha256(content(7)), bytes: 1000 });
    expect(readFileSync(file.path)).toEqual(content(7));
    expect(store.asked.reads).toHaveLength(1);
    expect(parts()).toEqual([]);
  });

  it('finds it again after a restart, and in another process', async () => {
    store.put('a/1.0.0/model.onnx', content(7));
    await open().get(await stored('a'), signal);
    await open().get(await stored('a'), signal);
    expect(store.asked.reads).toHaveLength(1);
  });

  it('downloads a replaced version anew', async () => {
    store.put('a/1.0.0/model.onnx', content(7));
    const cache = open();
    await cache.get(await stored('a'), signal);
    store.put('a/1.0.0/model.onnx', content(9));
    expect((await cache.get(await stored('a'), signal)).sha256).toBe(sha256(content(9)));
  });

  it('does not take a file that was damaged', async () => {
    store.put('a/1.0.0/model.onnx', content(7));
    const { path } = await open().get(await stored('a'), signal);
    writeFileSync(path, content(8));
    expect((await open().get(await stored('a'), signal)).sha256).toBe(sha256(content(7)));
  });

  it('goes on where a download broke off', async () => {
    store.put('a/1.0.0/model.onnx', content(7));
    store.breakOffAfter.push(300, 500);
    const { path } = await open().get(await stored('a'), signal);
    expect(readFileSync(path)).toEqual(content(7));
    expect(store.asked.reads.map(({ offset }) => offset)).toEqual([0, 300, 800]);
  });

  it('keeps what it has when it must give up, for the next try', async () => {
    store.put('a/1.0.0/model.onnx', content(7));
    store.breakOffAfter.push(400, 0, 0, 0);
    const cache = open();
    const version = await stored('a');
    await expect(cache.get(version, signal)).rejects.toThrow('the connection was lost');
    await cache.get(version, signal);
    expect(store.asked.reads.map(({ offset }) => offset)).toEqual([0, 400, 400, 400, 400]);
  });

  it('starts afresh where the file was replaced in the middle', async () => {
    store.put('a/1.0.0/model.onnx', content(7));
    store.breakOffAfter.push(400);
    const cache = open();
    const version = await stored('a');
    const getting = cache.get(version, signal);
    store.put('a/1.0.0/model.onnx', content(9));
    await expect(getting).rejects.toMatchObject({ name: 'BlobGone' });
    expect(parts()).toEqual([]);
    expect((await cache.get(await stored('a'), signal)).sha256).toBe(sha256(content(9)));
  });

  it('removes the least recently used files when it grows too large', async () => {
    for (const name of ['a', 'b', 'c']) store.put(`${name}/1.0.0/model.onnx`, content(name.charCodeAt(0)));
    const cache = open(2500);
    const a = await cache.get(await stored('a'), signal);
    const b = await cache.get(await stored('b'), signal);
    utimesSync(a.path, 1000, 1000);
    utimesSync(b.path, 2000, 2000);
    await cache.get(await stored('a'), signal); // used again: b is the oldest now
    const c = await cache.get(await stored('c'), signal);
    const there = readdirSync(folder.path).map(name => join(folder.path, name));
    expect(there).toContain(a.path);
    expect(there).toContain(c.path);
    expect(there).not.toContain(b.path);
  });

  it('brings as many at once as are asked for', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `m${i}`);
    for (const [i, name] of names.entries()) store.put(`${name}/1.0.0/model.onnx`, content(i + 3));
    let letGo = () => {};
    store.gate = new Promise(resolve => {
      letGo = resolve;
    });
    const cache = open();
    const versions = await Promise.all(names.map(stored));
    const first = versions.slice(0, 8).map(version => cache.get(version, signal));
    await vi.waitFor(() => expect(store.asked.reads).toHaveLength(8)); // their files are open by now
    const getting = Promise.all([...first, ...versions.slice(8).map(version => cache.get(version, signal))]);
    await vi.waitFor(() => expect(store.asked.reads).toHaveLength(12));
    letGo();
    for (const [i, { path }] of (await getting).entries()) expect(readFileSync(path)).toEqual(content(i + 3));
    expect(parts()).toEqual([]);
  });

  it('keeps no more than eight downloads that broke off', async () => {
    const cache = open();
    const names = Array.from({ length: 12 }, (_, i) => `m${i}`);
    for (const name of names) store.put(`${name}/1.0.0/model.onnx`, content(7));
    store.breakOffAfter.push(...names.flatMap(() => [0, 0, 0]));
    const getting = names.map(async name => cache.get(await stored(name), signal));
    for (const end of await Promise.allSettled(getting)) expect(end.status).toBe('rejected');
    await vi.waitFor(() => expect(parts()).toHaveLength(8));
  });

  it('says so where the disk fails', async () => {
    store.put('a/1.0.0/model.onnx', content(7));
    const file = join(folder.path, 'file');
    writeFileSync(file, '');
    const cache = createDiskCache({ dir: join(file, 'cache'), maxBytes: 1e6, store, log: notes() });
    await expect(cache.get(await stored('a'), signal)).rejects.toMatchObject({
      name: 'InfrastructureError',
      message: expect.stringMatching(/^model cache .*cache: ENOTDIR/),
    });
  });
});
