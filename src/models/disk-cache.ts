import { createHash, type Hash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BlobGone } from '../core/blobs.ts';
import { asError, InfrastructureError, isRetryable } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { bytesIn, hashFile, linkInto, writeAtomically } from './files.ts';
import type { GatheredFile, VersionFile } from './open-version.ts';
import { type ModelStore, modelPath, type StoredFile, type StoredVersion } from './store.ts';

/** What is derived from it lies beside it. */
export interface CachedFile extends VersionFile {
  /** Hex, lower case. */
  readonly sha256: string;
}

/** Model files on disk, by content: any number of processes may share the folder, and a restart finds them again. */
export interface DiskCache {
  /**
   * The file of a version, downloaded where it is not there yet. A broken download goes on where it broke off, also in a later call.
   * @throws BlobGone where the version was replaced or removed; InfrastructureError where storage or the disk fails.
   */
  get(stored: StoredVersion, signal: AbortSignal): Promise<CachedFile>;
  /** Removes a version's file, so that it is downloaded anew. */
  forget(stored: StoredVersion): Promise<void>;
}

/** A file that is all there. */
interface Whole {
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
}

interface Partial {
  readonly path: string;
  readonly hash: Hash;
  bytes: number;
}

const ATTEMPTS_WITHOUT_PROGRESS = 3;
const KEPT_PARTIALS = 8;
const STALE_MS = 3_600_000;

export function createDiskCache(options: {
  readonly dir: string;
  readonly maxBytes: number;
  readonly store: ModelStore;
  readonly log: Log;
}): DiskCache {
  const { dir, maxBytes, store, log } = options;
  const partials = new Map<string, Partial>();
  const downloads = new Map<string, Promise<CachedFile>>();
  const pathOf = (stored: StoredVersion) => join(dir, `${keyOf(modelFileOf(stored))}.onnx`);

  async function reuse(path: string): Promise<Whole | undefined> {
    try {
      const expected: unknown = JSON.parse(await readFile(`${path}.json`, 'utf8'));
      const { size } = await stat(path);
      const sha256 = await hashFile(path);
      if ((expected as { sha256?: unknown }).sha256 !== sha256) return undefined;
      const now = new Date();
      await utimes(path, now, now); // the least recently used go first
      return { path, sha256, bytes: size };
    } catch {
      return undefined; // not there, or not whole: download
    }
  }

  async function download(stored: StoredFile, path: string, signal: AbortSignal): Promise<Whole> {
    const key = keyOf(stored);
    const partial = partials.get(key) ?? newPartial(key);
    try {
      await fill(partial, stored, signal);
    } catch (thrown) {
      if (thrown instanceof BlobGone || !isStorageFailure(thrown, signal)) await discard(key);
      throw thrown;
    }
    partials.delete(key);
    const file = { path, sha256: partial.hash.digest('hex'), bytes: partial.bytes };
    // The hash first: a file without it would not be taken, one with it is whole.
    await mkdir(dirname(path), { recursive: true });
    await writeAtomically(`${path}.json`, JSON.stringify({ sha256: file.sha256, source: stored.path }));
    await rename(partial.path, path);
    return file;
  }

  async function wholeModel(stored: StoredVersion, signal: AbortSignal): Promise<CachedFile> {
    const path = pathOf(stored);
    const there = await reuse(path);
    const file = there ?? (await download(modelFileOf(stored), path, signal));
    if (!there) await evict(path);
    return cachedFile(file, names => gather(stored, file, names, signal));
  }

  /** A folder of the version's own: the model looks for its weights beside itself, by name. */
  async function gather(
    stored: StoredVersion,
    model: Whole,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<GatheredFile> {
    const folder = folderOf(model.path);
    const beside: Record<string, string> = {};
    let { bytes } = model;
    for (const name of names) {
      const file = stored.beside?.get(name);
      if (!file) throw new Error(`${modelPath(stored)}: its weights are in ${name}, which is not there: upload it too`);
      const path = join(folder, keyOf(file), name);
      const whole = (await reuse(path)) ?? (await download(file, path, signal));
      await linkInto(folder, name, path);
      beside[name] = whole.sha256;
      bytes += whole.bytes;
    }
    const path = await linkInto(folder, 'model.onnx', model.path);
    await evict(model.path);
    return { file: cachedFile({ ...model, path, bytes }, again => gather(stored, model, again, signal)), beside };
  }

  function newPartial(key: string): Partial {
    const partial = { path: join(dir, `${key}.${randomUUID()}.part`), hash: createHash('sha256'), bytes: 0 };
    partials.set(key, partial);
    const [oldest] = partials.keys();
    if (partials.size > KEPT_PARTIALS && oldest) void discard(oldest);
    return partial;
  }

  async function discard(key: string): Promise<void> {
    const partial = partials.get(key);
    partials.delete(key);
    if (partial) await rm(partial.path, { force: true });
  }

  async function fill(partial: Partial, stored: StoredFile, signal: AbortSignal): Promise<void> {
    await mkdir(dir, { recursive: true });
    const handle = await open(partial.path, 'a');
    try {
      for (let attempts = 1; partial.bytes < stored.bytes; attempts++) {
        const before = partial.bytes;
        try {
          for await (const chunk of await store.read(stored.path, partial.bytes, stored.etag, signal)) {
            await handle.appendFile(chunk);
            partial.hash.update(chunk);
            partial.bytes += chunk.length;
          }
          if (partial.bytes < stored.bytes) throw new InfrastructureError(`${stored.path}: the download broke off`);
        } catch (thrown) {
          if (partial.bytes > before) attempts = 1;
          if (!isRetryable(thrown) || signal.aborted || attempts >= ATTEMPTS_WITHOUT_PROGRESS) {
            throw thrown;
          }
          log.warn(`${asError(thrown).message}; going on from byte ${partial.bytes} of ${stored.bytes}`);
          await sleep(100 * 2 ** attempts, undefined, { signal });
        }
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  async function evict(kept: string): Promise<void> {
    const files = [];
    for (const name of await readdir(dir)) {
      const path = join(dir, name);
      const found = await stat(path).catch(() => undefined);
      if (!found) continue;
      if (/\.(part|tmp)$/.test(name) && Date.now() - found.mtimeMs > STALE_MS) await rm(path, { force: true });
      if (!name.endsWith('.onnx')) continue;
      files.push({ path, bytes: found.size + (await bytesIn(folderOf(path))), usedMs: found.mtimeMs });
    }
    let total = files.reduce((sum, file) => sum + file.bytes, 0);
    for (const file of files.sort((a, b) => a.usedMs - b.usedMs)) {
      if (total <= maxBytes) return;
      if (file.path.startsWith(kept.slice(0, -'.onnx'.length))) continue;
      await rm(file.path, { force: true });
      await rm(`${file.path}.json`, { force: true });
      await rm(folderOf(file.path), { recursive: true, force: true });
      total -= file.bytes;
    }
  }

  return {
    async get(stored, signal) {
      const key = pathOf(stored);
      const underWay = downloads.get(key);
      if (underWay) return underWay;
      const work = wholeModel(stored, signal);
      downloads.set(key, work);
      try {
        return await work;
      } catch (thrown) {
        throw isDiskFailure(thrown)
          ? new InfrastructureError(`model cache ${dir}: ${asError(thrown).message}`, { cause: thrown })
          : thrown;
      } finally {
        downloads.delete(key);
      }
    },
    async forget(stored) {
      await rm(`${pathOf(stored)}.json`, { force: true });
      await rm(pathOf(stored), { force: true });
      await rm(folderOf(pathOf(stored)), { recursive: true, force: true });
    },
  };
}

function cachedFile({ path, sha256, bytes }: Whole, gather: VersionFile['gather']): CachedFile {
  return {
    path,
    sha256,
    bytes,
    gather,
    async derive(suffix, content) {
      const derived = path.replace(/\.onnx$/, `.${suffix}.onnx`);
      await writeAtomically(derived, content);
      return derived;
    },
  };
}

const modelFileOf = (stored: StoredVersion): StoredFile => ({
  path: modelPath(stored),
  etag: stored.modelEtag,
  bytes: stored.bytes,
});

/** Where a model's own file is gathered with those beside it. */
const folderOf = (path: string) => path.replace(/\.onnx$/, '.files');

/** By path and ETag: a replaced file is another one. */
function keyOf(stored: StoredFile): string {
  return createHash('sha256').update(`${stored.path}\n${stored.etag}\n${stored.bytes}`).digest('hex').slice(0, 32);
}

function isStorageFailure(thrown: unknown, signal: AbortSignal): boolean {
  return isRetryable(thrown) || signal.aborted;
}

/** Errors of the file system bear a code like ENOSPC. */
export function isDiskFailure(thrown: unknown): boolean {
  return thrown instanceof Error && 'syscall' in thrown;
}
