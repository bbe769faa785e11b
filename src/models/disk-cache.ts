import { createHash } from 'node:crypto';
import { readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { asError, InfrastructureError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { isDiskFailure, isOfName, withRoom } from './disk-room.ts';
import { createDownloads, type Whole } from './downloads.ts';
import { evict, folderOf } from './evict.ts';
import { hashFile, linkInto, writeAtomically } from './files.ts';
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
   * @throws BlobGone where the version was replaced or removed; BlobUnusable; DiskFull; InfrastructureError where storage or the disk fails.
   */
  get(stored: StoredVersion, signal: AbortSignal): Promise<CachedFile>;
  /** Removes a version's file, so that it is downloaded anew. */
  forget(stored: StoredVersion): Promise<void>;
}

export function createDiskCache(options: {
  readonly dir: string;
  readonly maxBytes: number;
  readonly store: ModelStore;
  readonly log: Log;
  /** Versions that are loaded, or are being: a disk that is full takes nothing of theirs away. */
  readonly inUse?: () => Iterable<StoredVersion>;
}): DiskCache {
  const { dir, maxBytes, store, log, inUse = () => [] } = options;
  const downloads = createDownloads(dir, store, log);
  const underWay = new Map<string, { readonly work: Promise<CachedFile>; readonly signal: AbortSignal }>();
  const pathOf = (stored: StoredVersion) => join(dir, `${keyOf(modelFileOf(stored))}.onnx`);

  const evictTo = (bytes: number, kept: readonly string[]) => evict(dir, bytes, new Set([...kept, ...underWay.keys()]));
  const room = <T>(stored: StoredVersion, work: () => Promise<T>) =>
    withRoom(
      { title: modelPath(stored), dir, log },
      async () => {
        await downloads.discard();
        return evictTo(0, [...inUse(), stored].map(pathOf));
      },
      work,
    );

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

  const bring = (file: StoredFile, path: string, signal: AbortSignal) =>
    downloads.bring(file, keyOf(file), path, signal);

  async function wholeModel(stored: StoredVersion, signal: AbortSignal): Promise<CachedFile> {
    const path = pathOf(stored);
    const there = await reuse(path);
    const file = there ?? (await bring(modelFileOf(stored), path, signal));
    if (!there) await evictTo(maxBytes, []);
    return cached(stored, file, names => room(stored, () => gather(stored, file, names, signal)));
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
      try {
        const whole = (await reuse(path)) ?? (await bring(file, path, signal));
        await linkInto(folder, name, path);
        beside[name] = whole.sha256;
        bytes += whole.bytes;
      } catch (thrown) {
        if (!isOfName(thrown)) throw thrown;
        throw new Error(`${modelPath(stored)}: its weights are in ${name}, which no file here can be called`, {
          cause: thrown,
        });
      }
    }
    const path = await linkInto(folder, 'model.onnx', model.path);
    await evictTo(maxBytes, [model.path]);
    return { file: cached(stored, { ...model, path, bytes }, again => gather(stored, model, again, signal)), beside };
  }

  function cached(stored: StoredVersion, { path, sha256, bytes }: Whole, gather: VersionFile['gather']): CachedFile {
    return {
      path,
      sha256,
      bytes,
      gather,
      has: async name => stored.beside?.has(name) ?? false,
      derive: (suffix, content) =>
        room(stored, async () => {
          const derived = path.replace(/\.onnx$/, `.${suffix}.onnx`);
          await writeAtomically(derived, content);
          return derived;
        }),
    };
  }

  const cache: DiskCache = {
    async get(stored, signal) {
      const key = pathOf(stored);
      const there = underWay.get(key);
      if (there) {
        try {
          return await there.work;
        } catch (thrown) {
          if (!there.signal.aborted || signal.aborted) throw thrown;
          return await cache.get(stored, signal); // whoever began it has given it up
        }
      }
      const work = room(stored, () => wholeModel(stored, signal));
      underWay.set(key, { work, signal });
      try {
        return await work;
      } catch (thrown) {
        throw isDiskFailure(thrown)
          ? new InfrastructureError(`model cache ${dir}: ${asError(thrown).message}`, { cause: thrown })
          : thrown;
      } finally {
        underWay.delete(key);
      }
    },
    async forget(stored) {
      await rm(`${pathOf(stored)}.json`, { force: true });
      await rm(pathOf(stored), { force: true });
      await rm(folderOf(pathOf(stored)), { recursive: true, force: true });
    },
  };
  return cache;
}

const modelFileOf = (stored: StoredVersion): StoredFile => ({
  path: modelPath(stored),
  etag: stored.modelEtag,
  bytes: stored.bytes,
});

/** By path and ETag: a replaced file is another one. */
function keyOf(stored: StoredFile): string {
  return createHash('sha256').update(`${stored.path}\n${stored.etag}\n${stored.bytes}`).digest('hex').slice(0, 32);
}
