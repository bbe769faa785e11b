import { readFileSync } from 'node:fs';
import {
  BlobConflict,
  BlobGone,
  type Blobs,
  BlobUnusable,
  ContainerMissing,
  type WriteCondition,
} from '../../src/core/blobs.ts';
import { InfrastructureError } from '../../src/core/errors.ts';
import { fromUtf8 } from '../../src/core/utf8.ts';
import { abortable } from '../../src/core/waiting.ts';

/** A container in memory that fails when told to, and counts what it is asked. */
export interface MemoryBlobs extends Blobs {
  put(path: string, content: Uint8Array | object | string): void;
  /** Takes a blob away, whatever its ETag. */
  remove(path: string): void;
  /** Every call fails as if storage were away. */
  away: boolean;
  /** The container is gone; what was in it comes back with it. */
  missing: boolean;
  /** What reading a blob comes to, by path: an error that is thrown, or a promise that is waited for. */
  readonly faults: Map<string, Error | Promise<unknown>>;
  /** Downloads break off after so many bytes, once each. */
  readonly breakOffAfter: number[];
  readonly asked: { lists: number; reads: { path: string; offset: number }[] };
  /** Downloads wait for it. */
  gate: Promise<void> | undefined;
  /** Listings wait for it, with what was there when they began. */
  listGate: Promise<void> | undefined;
}

interface Blob {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export function memoryBlobs(): MemoryBlobs {
  const blobs = new Map<string, Blob>();
  let version = 0;
  const reach = (doing: string, signal: AbortSignal) => {
    signal.throwIfAborted();
    if (self.away) throw new InfrastructureError(`${doing}: storage is away`);
  };
  const find = async (path: string, signal: AbortSignal) => {
    reach(`reading ${path}`, signal);
    const fault = self.faults.get(path);
    if (fault instanceof Error) throw fault;
    if (fault) await abortable(fault, signal);
    const blob = self.missing ? undefined : blobs.get(path);
    if (!blob) throw new BlobGone(`${path}: not there`);
    return blob;
  };
  const write = (path: string, bytes: Buffer, metadata: Blob['metadata'], condition: WriteCondition): string => {
    const there = blobs.get(path);
    const holds = condition === 'any' || (condition === 'absent' ? !there : there?.etag === condition.etag);
    if (!holds) throw new BlobConflict(`${path}: changed meanwhile`);
    const etag = `"${++version}"`;
    blobs.set(path, { bytes, etag, metadata });
    return etag;
  };
  const self: MemoryBlobs = {
    away: false,
    missing: false,
    faults: new Map(),
    breakOffAfter: [],
    asked: { lists: 0, reads: [] },
    gate: undefined,
    listGate: undefined,
    put(path, content) {
      const isPlain = content instanceof Uint8Array || typeof content === 'string';
      write(path, Buffer.from((isPlain ? content : JSON.stringify(content)) as string), {}, 'any');
    },
    remove: path => void blobs.delete(path),
    async delete(path, etag, signal) {
      if ((await find(path, signal)).etag !== etag) throw new BlobConflict(`${path}: changed meanwhile`);
      blobs.delete(path);
    },
    async list(prefix, signal, missing = 'none') {
      self.asked.lists++;
      reach('listing models', signal);
      if (self.missing && missing === 'error') throw new ContainerMissing('container models is not there');
      if (self.missing) return [];
      const listed = [...blobs]
        .filter(([path]) => path.startsWith(prefix))
        .map(([path, { bytes, etag }]) => ({ path, etag, bytes: bytes.length }))
        .sort((a, b) => (a.path < b.path ? -1 : 1));
      if (self.listGate) await self.listGate;
      return listed;
    },
    async readText(path, signal, maxBytes = 16 * 1024 * 1024) {
      const { bytes, etag } = await find(path, signal);
      if (bytes.length > maxBytes)
        throw new BlobUnusable(`${path}: ${bytes.length} bytes, at most ${maxBytes} are read`);
      const text = fromUtf8(bytes);
      if (text === undefined) throw new BlobUnusable(`${path}: not UTF-8 text`);
      return { text, etag };
    },
    async readNewer(path, etag, signal, maxBytes) {
      const { etag: there } = await find(path, signal);
      return there === etag ? undefined : self.readText(path, signal, maxBytes);
    },
    async append(path, text, at, signal) {
      reach(`appending to ${path}`, signal);
      const before = blobs.get(path)?.bytes ?? Buffer.alloc(0);
      if (before.length !== at) throw new BlobConflict(`${path}: it has ${before.length} bytes`);
      write(path, Buffer.concat([before, Buffer.from(text)]), {}, 'any');
    },
    async read(path, offset, etag, signal) {
      self.asked.reads.push({ path, offset });
      const blob = await find(path, signal);
      if (blob.etag !== etag) throw new BlobGone(`${path}: replaced`);
      const end = self.breakOffAfter.shift();
      return (async function* () {
        if (self.gate) await self.gate;
        const step = Math.max(100, Math.ceil(blob.bytes.length / 20));
        for (let at = offset; at < blob.bytes.length; at += step) {
          signal.throwIfAborted();
          if (end !== undefined && at >= offset + end)
            throw new InfrastructureError(`${path}: the connection was lost`);
          yield blob.bytes.subarray(at, at + step);
        }
      })();
    },
    async properties(path, signal) {
      const { etag, bytes, metadata } = await find(path, signal);
      return { etag, bytes: bytes.length, metadata };
    },
    async writeText(path, text, condition, signal) {
      reach(`writing ${path}`, signal);
      return write(path, Buffer.from(text), {}, condition);
    },
    async writeFile(path, file, metadata, condition, signal) {
      reach(`uploading ${path}`, signal);
      return write(path, readFileSync(file), metadata, condition);
    },
  };
  return self;
}
