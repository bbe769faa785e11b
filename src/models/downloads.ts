import { createHash, type Hash, randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BlobGone } from '../core/blobs.ts';
import { asError, InfrastructureError, isRetryable } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { writeAtomically } from './files.ts';
import type { ModelStore, StoredFile } from './store.ts';

/** A file that is all there. */
export interface Whole {
  readonly path: string;
  /** Hex, lower case. */
  readonly sha256: string;
  readonly bytes: number;
}

/** Brings blobs into a folder. A download that breaks off goes on where it broke off, also in a later call. */
export interface Downloads {
  /**
   * @param key tells the content from any other
   * @returns the file at `path`, its hash beside it. @throws what reading blobs does, and what the disk does.
   */
  bring(stored: StoredFile, key: string, path: string, signal: AbortSignal): Promise<Whole>;
  /** Gives up what was kept of downloads that broke off. */
  discard(): Promise<void>;
}

interface Partial {
  readonly path: string;
  readonly hash: Hash;
  bytes: number;
}

const ATTEMPTS_WITHOUT_PROGRESS = 3;
const KEPT_PARTIALS = 8;

export function createDownloads(dir: string, store: Pick<ModelStore, 'read'>, log: Log): Downloads {
  /** Those that broke off; what is under way is in none's hands but its own. */
  const idle = new Map<string, Partial>();

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

  async function keep(key: string, partial: Partial): Promise<void> {
    idle.set(key, partial);
    const [oldest] = idle;
    if (idle.size <= KEPT_PARTIALS || !oldest) return;
    idle.delete(oldest[0]);
    await remove(oldest[1]);
  }

  return {
    async bring(stored, key, path, signal) {
      const name = `${key}.${randomUUID()}.part`;
      const partial = idle.get(key) ?? { path: join(dir, name), hash: createHash('sha256'), bytes: 0 };
      idle.delete(key);
      try {
        await fill(partial, stored, signal);
      } catch (thrown) {
        const goesOn = !(thrown instanceof BlobGone) && (isRetryable(thrown) || signal.aborted);
        await (goesOn ? keep(key, partial) : remove(partial));
        throw thrown;
      }
      const file = { path, sha256: partial.hash.digest('hex'), bytes: partial.bytes };
      try {
        // The hash first: a file without it would not be taken, one with it is whole.
        await mkdir(dirname(path), { recursive: true });
        await writeAtomically(`${path}.json`, JSON.stringify({ sha256: file.sha256, source: stored.path }));
        await rename(partial.path, path);
      } catch (thrown) {
        await remove(partial);
        throw thrown;
      }
      return file;
    },
    async discard() {
      const partials = [...idle.values()];
      idle.clear();
      for (const partial of partials) await remove(partial);
    },
  };
}

const remove = ({ path }: Partial) => rm(path, { force: true });
