import { createHash } from 'node:crypto';
import { InfrastructureError } from '../../src/core/errors.ts';
import { listingOf } from '../../src/models/listing.ts';
import { BlobConflict, BlobGone, type ModelStore } from '../../src/models/store.ts';

/** Storage that fails when told to, and counts what it is asked. */
export interface MemoryStore extends ModelStore {
  put(path: string, content: Uint8Array | object | string): void;
  remove(path: string): void;
  /** Every call fails as if storage were away. */
  away: boolean;
  /** Downloads break off after so many bytes, once each. */
  readonly breakOffAfter: number[];
  readonly asked: { lists: number; reads: { path: string; offset: number }[] };
  /** Downloads wait for it. */
  gate: Promise<void> | undefined;
}

export function memoryStore(): MemoryStore {
  const blobs = new Map<string, { bytes: Buffer; etag: string }>();
  let version = 0;
  const find = (path: string) => {
    if (store.away) throw new InfrastructureError(`reading ${path}: storage is away`);
    const blob = blobs.get(path);
    if (!blob) throw new BlobGone(`${path}: not there`);
    return blob;
  };
  const store: MemoryStore = {
    away: false,
    breakOffAfter: [],
    asked: { lists: 0, reads: [] },
    gate: undefined,
    put(path, content) {
      const bytes =
        content instanceof Uint8Array ? content : typeof content === 'string' ? content : JSON.stringify(content);
      blobs.set(path, { bytes: Buffer.from(bytes as string), etag: `"${++version}"` });
    },
    remove: path => void blobs.delete(path),
    async list() {
      store.asked.lists++;
      if (store.away) throw new InfrastructureError('listing models: storage is away');
      return listingOf([...blobs].map(([path, { bytes, etag }]) => ({ path, etag, bytes: bytes.length })));
    },
    async readText(path) {
      const { bytes, etag } = find(path);
      return { text: bytes.toString(), etag };
    },
    async read(path, offset, etag, signal) {
      store.asked.reads.push({ path, offset });
      const blob = find(path);
      if (blob.etag !== etag) throw new BlobGone(`${path}: replaced`);
      const end = store.breakOffAfter.shift();
      return (async function* () {
        if (store.gate) await store.gate;
        for (let at = offset; at < blob.bytes.length; at += 100) {
          signal.throwIfAborted();
          if (end !== undefined && at >= offset + end)
            throw new InfrastructureError(`${path}: the connection was lost`);
          yield blob.bytes.subarray(at, at + 100);
        }
      })();
    },
    async writeText(path, text, condition) {
      const there = blobs.get(path);
      const holds = condition === 'any' || (condition === 'absent' ? !there : there?.etag === condition.etag);
      if (!holds) throw new BlobConflict(`${path}: changed meanwhile`);
      store.put(path, text);
      return blobs.get(path)!.etag;
    },
    async writeFile() {
      throw new Error('not used');
    },
    async sha256Of(path) {
      return createHash('sha256').update(find(path).bytes).digest('hex');
    },
  };
  return store;
}
