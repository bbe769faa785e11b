import { BlobConflict, BlobGone, type WriteCondition } from '../../src/core/blobs.ts';
import { BlocksMissing, type JobBlobs, type JobStorage } from '../../src/core/job-storage.ts';
import { fromUtf8 } from '../../src/core/utf8.ts';

interface Blob {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly modifiedMs: number;
}

/** An account in memory, with blocks and conditions as Blob Storage has them. */
export interface MemoryJobStorage {
  readonly storage: JobStorage;
  put(path: string, content: string): void;
  /** Undefined where nothing is there. */
  text(path: string): string | undefined;
  paths(): string[];
  remove(path: string): void;
  /** Uncommitted blocks expire. */
  dropBlocks(): void;
  /** Told before every call; what it throws the caller gets, and the call was not made. */
  before: (doing: string) => void;
  /** Likewise after it was made: its answer is lost. */
  after: (doing: string) => void;
  readonly calls: string[];
}

async function notUsed(): Promise<never> {
  throw new Error('not used by jobs');
}

export function memoryJobStorage(clock: () => number): MemoryJobStorage {
  const blobs = new Map<string, Blob>();
  const blocks = new Map<string, Map<string, Buffer>>();
  /** By blob, those that its last commit named: a later one may name them again. */
  const committed = new Map<string, ReadonlyMap<string, Buffer>>();
  let version = 0;

  function find(key: string): Blob {
    const blob = blobs.get(key);
    if (!blob) throw new BlobGone(`${key}: not there`);
    return blob;
  }
  function set(key: string, bytes: Buffer, metadata: Blob['metadata'], condition: WriteCondition): string {
    const there = blobs.get(key);
    const holds = condition === 'any' || (condition === 'absent' ? !there : there?.etag === condition.etag);
    if (!holds) throw new BlobConflict(`${key}: changed meanwhile`);
    const etag = `"${++version}"`;
    blobs.set(key, { bytes, etag, metadata, modifiedMs: clock() });
    return etag;
  }
  async function call<T>(doing: string, signal: AbortSignal, work: () => T): Promise<T> {
    signal.throwIfAborted();
    await Promise.resolve(); // another caller may come between
    self.before(doing);
    self.calls.push(doing);
    const done = work();
    self.after(doing);
    return done;
  }

  function container(name: string): JobBlobs {
    const key = (path: string) => `${name}/${path}`;
    const under = (prefix: string) =>
      [...blobs]
        .filter(([path]) => path.startsWith(key(prefix)))
        .map(([path, { bytes, ...blob }]) => ({ ...blob, path: path.slice(name.length + 1), bytes: bytes.length }))
        .sort((a, b) => (a.path < b.path ? -1 : 1));
    return {
      list: (prefix, signal) => call(`list ${key(prefix)}`, signal, () => under(prefix)),
      describe: (prefix, signal) => call(`list ${key(prefix)}`, signal, () => under(prefix)),
      readText: (path, signal) =>
        call(`read ${key(path)}`, signal, () => {
          const { bytes, etag } = find(key(path));
          return { text: fromUtf8(bytes) ?? '', etag };
        }),
      read: notUsed,
      readNewer: notUsed,
      append: notUsed,
      readRange: (path, offset, count, etag, signal) =>
        call(`read ${key(path)}`, signal, () => {
          const blob = find(key(path));
          if (blob.etag !== etag) throw new BlobGone(`${key(path)}: it was replaced meanwhile`);
          return blob.bytes.subarray(offset, offset + count);
        }),
      properties: (path, signal) =>
        call(`look at ${key(path)}`, signal, () => {
          const { bytes, ...blob } = find(key(path));
          return { ...blob, bytes: bytes.length };
        }),
      writeText: (path, text, condition, signal) =>
        call(`write ${key(path)}`, signal, () => set(key(path), Buffer.from(text), {}, condition)),
      writeFile: async () => {
        throw new Error('not used by jobs');
      },
      write: (path, bytes, { metadata = {} }, condition, signal) =>
        call(`write ${key(path)}`, signal, () => set(key(path), Buffer.from(bytes), metadata, condition)),
      delete: async () => {
        throw new Error('not used by jobs');
      },
      remove: (path, signal) => call(`remove ${key(path)}`, signal, () => void blobs.delete(key(path))),
      stage: (path, id, bytes, signal) =>
        call(`stage ${key(path)}`, signal, () => {
          const staged = blocks.get(key(path)) ?? new Map<string, Buffer>();
          blocks.set(key(path), staged.set(id, Buffer.from(bytes)));
        }),
      staged: (path, signal) =>
        call(
          `blocks of ${key(path)}`,
          signal,
          () => new Map([...(blocks.get(key(path)) ?? [])].map(([id, bytes]) => [id, bytes.length])),
        ),
      commit: (path, ids, { metadata = {} }, condition, signal) =>
        call(`commit ${key(path)}`, signal, () => {
          if (condition === 'absent' && blobs.has(key(path))) throw new BlobConflict(`${key(path)}: there already`);
          const staged = blocks.get(key(path)) ?? new Map<string, Buffer>();
          const named = ids.map(id => staged.get(id) ?? committed.get(key(path))?.get(id));
          if (named.includes(undefined)) throw new BlocksMissing(`${key(path)}: blocks are gone`);
          const etag = set(key(path), Buffer.concat(named as Buffer[]), metadata, condition);
          blocks.delete(key(path));
          committed.set(key(path), new Map(ids.map((id, i) => [id, named[i] as Buffer])));
          return etag;
        }),
      copyFrom: (path, from, source, tier, signal) =>
        call(`copy to ${key(path)}${tier ? ` as ${tier}` : ''}`, signal, () => {
          const { bytes, metadata } = find(`${from}/${source}`);
          set(key(path), bytes, metadata, 'any');
        }),
    };
  }

  const self: MemoryJobStorage = {
    storage: container,
    put: (path, content) => void set(path, Buffer.from(content), {}, 'any'),
    text: path => blobs.get(path)?.bytes.toString(),
    paths: () => [...blobs.keys()].sort(),
    remove: path => void blobs.delete(path),
    dropBlocks: () => blocks.clear(),
    before: () => {},
    after: () => {},
    calls: [],
  };
  return self;
}
