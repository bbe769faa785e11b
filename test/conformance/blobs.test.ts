import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBlobs } from '../../src/azure/blobs.ts';
import type { Blobs } from '../../src/core/blobs.ts';
import { isRetryable } from '../../src/core/errors.ts';
import { type MemoryBlobs, memoryBlobs } from '../support/memory-blobs.ts';
import { temporaryFolder } from '../support/models.ts';
import { randomInputs } from '../support/seed.ts';
import { type Storage, startStorage } from '../support/storage.ts';

interface Implementation {
  start?(): Promise<void>;
  stop?(): Promise<void>;
  /** A container of its own, which nobody has made yet. */
  open(): Blobs;
  /** Its container is not there from now on. */
  removeContainer(blobs: Blobs): Promise<void>;
  /** Storage is away while `work` runs. */
  whileAway(blobs: Blobs, work: () => Promise<void>): Promise<void>;
}

function azure(): Implementation {
  let storage: Storage;
  return {
    async start() {
      storage = await startStorage();
    },
    stop: () => storage.stop(),
    open: () =>
      createBlobs({ kind: 'connection-string', connectionString: storage.connectionString }, `c-${randomUUID()}`),
    async removeContainer() {}, // it was never made
    async whileAway(_, work) {
      await storage.kill();
      await work();
      await storage.restart();
    },
  };
}

const inMemory: Implementation = {
  open: memoryBlobs,
  async removeContainer(blobs) {
    (blobs as MemoryBlobs).missing = true;
  },
  async whileAway(blobs, work) {
    (blobs as MemoryBlobs).away = true;
    await work();
    (blobs as MemoryBlobs).away = false;
  },
};

const signal = AbortSignal.timeout(120_000);
const GONE = { name: 'BlobGone', retryable: false };
const UNUSABLE = { name: 'BlobUnusable', retryable: false };
const CONFLICT = { name: 'BlobConflict', retryable: false };

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe.each([
  ['a storage account', azure()],
  ['memory', inMemory],
])('blobs in %s', (_, implementation) => {
  const folder = temporaryFolder();
  beforeAll(() => implementation.start?.());
  afterAll(async () => {
    await implementation.stop?.();
    folder.remove();
  });
  const fileOf = (bytes: Buffer) => {
    const file = join(folder.path, randomUUID());
    writeFileSync(file, bytes);
    return file;
  };

  it('are none where the container is not there, and the first write makes it', async () => {
    const blobs = implementation.open();
    expect(await blobs.list('', signal)).toEqual([]);
    await expect(blobs.readText('a.json', signal)).rejects.toMatchObject(GONE);
    await blobs.writeText('a.json', '{}', 'absent', signal);
    expect(await blobs.list('', signal)).toEqual([{ path: 'a.json', etag: expect.any(String), bytes: 2 }]);
  });

  it('say that the container is not there to those who ask for that', async () => {
    const blobs = implementation.open();
    await implementation.removeContainer(blobs);
    expect(await blobs.list('', signal)).toEqual([]);
    await expect(blobs.list('', signal, 'error')).rejects.toMatchObject({ name: 'ContainerMissing', retryable: false });
  });

  it('that are texts are read up to a limit, and only where they are UTF-8', async () => {
    const blobs = implementation.open();
    await blobs.writeText('a.json', 'x'.repeat(1_000), 'absent', signal);
    expect((await blobs.readText('a.json', signal, 1_000)).text).toHaveLength(1_000);
    await expect(blobs.readText('a.json', signal, 999)).rejects.toMatchObject({
      ...UNUSABLE,
      message: expect.stringMatching(/^a\.json: 1000 bytes.* 999 /),
    });
    await blobs.writeFile('b.json', fileOf(Buffer.from([0x22, 0xff, 0x22])), {}, 'absent', signal);
    await expect(blobs.readText('b.json', signal)).rejects.toMatchObject({
      ...UNUSABLE,
      message: expect.stringMatching(/^b\.json: not UTF-8 text/),
    });
  });

  it('are listed by prefix, ordered by path', async () => {
    const blobs = implementation.open();
    for (const path of ['b/2.json', 'a/1.json', 'b/10.json', 'c.json', 'ab/1.json']) {
      await blobs.writeText(path, path, 'any', signal);
    }
    const paths = async (prefix: string) => (await blobs.list(prefix, signal)).map(({ path }) => path);
    expect(await paths('')).toEqual(['a/1.json', 'ab/1.json', 'b/10.json', 'b/2.json', 'c.json']);
    expect(await paths('b/')).toEqual(['b/10.json', 'b/2.json']);
    expect(await paths('a')).toEqual(['a/1.json', 'ab/1.json']);
    expect(await paths('d')).toEqual([]);
  });

  it('are read as they were written', async () => {
    const blobs = implementation.open();
    const text = JSON.stringify({ name: 'diabète 🩺', spaces: ' \n' });
    await blobs.writeText('m/deployment.json', text, 'any', signal);
    expect((await blobs.readText('m/deployment.json', signal)).text).toBe(text);
    await expect(blobs.readText('m/model.json', signal)).rejects.toMatchObject(GONE);
  });

  it('have one ETag, whoever says it, until they are written again', async () => {
    const blobs = implementation.open();
    const etag = async () => {
      const [listed] = await blobs.list('a.json', signal);
      const [read, properties] = [await blobs.readText('a.json', signal), await blobs.properties('a.json', signal)];
      expect(new Set([listed?.etag, read.etag, properties.etag]).size).toBe(1);
      return read.etag;
    };
    const first = await blobs.writeText('a.json', '1', 'absent', signal);
    expect(await etag()).toBe(first);
    const second = await blobs.writeText('a.json', '1', 'any', signal);
    expect(await etag()).toBe(second);
    expect(second).not.toBe(first);
  });

  it('are written only where the condition holds', async () => {
    const blobs = implementation.open();
    await expect(blobs.writeText('a.json', '0', { etag: '"0x8D"' }, signal)).rejects.toMatchObject(CONFLICT);
    const first = await blobs.writeText('a.json', '1', 'absent', signal);
    await expect(blobs.writeText('a.json', '2', 'absent', signal)).rejects.toMatchObject(CONFLICT);
    const second = await blobs.writeText('a.json', '3', { etag: first }, signal);
    await expect(blobs.writeText('a.json', '4', { etag: first }, signal)).rejects.toMatchObject(CONFLICT);
    expect(await blobs.readText('a.json', signal)).toMatchObject({ text: '3', etag: second });
    await blobs.writeText('a.json', '5', 'any', signal);
    expect((await blobs.readText('a.json', signal)).text).toBe('5');
  });

  it('are written under the ETag of a listing', async () => {
    const blobs = implementation.open();
    await blobs.writeText('a.json', '1', 'absent', signal);
    const [listed] = await blobs.list('', signal);
    await blobs.writeText('a.json', '2', { etag: listed!.etag }, signal);
    expect((await blobs.readText('a.json', signal)).text).toBe('2');
  });

  it('let one of several win who write at the same moment', async () => {
    const blobs = implementation.open();
    const writes = ['a', 'b', 'c', 'd'].map(text => blobs.writeText('claim.json', text, 'absent', signal));
    const ended = await Promise.allSettled(writes);
    expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const end of ended) if (end.status === 'rejected') expect(end.reason).toMatchObject(CONFLICT);
    const winner = ended.findIndex(({ status }) => status === 'fulfilled');
    expect((await blobs.readText('claim.json', signal)).text).toBe('abcd'[winner]);
  });

  it('stream from an offset on', async () => {
    const blobs = implementation.open();
    const bytes = randomInputs().bytes(300_000);
    const etag = await blobs.writeFile('m.onnx', fileOf(bytes), {}, 'absent', signal);
    expect((await bytesOf(await blobs.read('m.onnx', 0, etag, signal))).equals(bytes)).toBe(true);
    expect((await bytesOf(await blobs.read('m.onnx', 123_457, etag, signal))).equals(bytes.subarray(123_457))).toBe(
      true,
    );
  });

  it('are gone for a reader once they were replaced', async () => {
    const blobs = implementation.open();
    const old = await blobs.writeText('a.json', '1', 'absent', signal);
    const now = await blobs.writeText('a.json', '2', 'any', signal);
    await expect(blobs.read('a.json', 0, old, signal)).rejects.toMatchObject(GONE);
    expect((await bytesOf(await blobs.read('a.json', 0, now, signal))).toString()).toBe('2');
    await expect(blobs.read('b.json', 0, now, signal)).rejects.toMatchObject(GONE);
  });

  it('take files, with metadata, under the same conditions', async () => {
    const blobs = implementation.open();
    const bytes = randomInputs().bytes(1_000);
    const etag = await blobs.writeFile('m.onnx', fileOf(bytes), { sha256: 'ab12' }, 'absent', signal);
    expect(await blobs.properties('m.onnx', signal)).toEqual({ etag, bytes: 1_000, metadata: { sha256: 'ab12' } });
    const other = fileOf(randomInputs().bytes(10));
    await expect(blobs.writeFile('m.onnx', other, {}, 'absent', signal)).rejects.toMatchObject(CONFLICT);
    await expect(blobs.writeFile('m.onnx', other, {}, { etag: '"0x8D"' }, signal)).rejects.toMatchObject(CONFLICT);
    expect((await bytesOf(await blobs.read('m.onnx', 0, etag, signal))).equals(bytes)).toBe(true);
    const next = await blobs.writeFile('m.onnx', other, {}, { etag }, signal);
    expect(await blobs.properties('m.onnx', signal)).toEqual({ etag: next, bytes: 10, metadata: {} });
    await expect(blobs.properties('n.onnx', signal)).rejects.toMatchObject(GONE);
  });

  it('are deleted under their ETag only', async () => {
    const blobs = implementation.open();
    const old = await blobs.writeText('a.json', '1', 'absent', signal);
    const now = await blobs.writeText('a.json', '2', 'any', signal);
    await expect(blobs.delete('a.json', old, signal)).rejects.toMatchObject(CONFLICT);
    expect((await blobs.readText('a.json', signal)).text).toBe('2');
    await blobs.delete('a.json', now, signal);
    expect(await blobs.list('', signal)).toEqual([]);
    // Storage looks at the condition first, or at whether there is a blob.
    await expect(blobs.delete('a.json', now, signal)).rejects.toMatchObject({
      name: expect.stringMatching(/^Blob(Gone|Conflict)$/),
    });
  });

  it('do not wait once the signal is aborted, and do not call that a storage that is away', async () => {
    const blobs = implementation.open();
    const etag = await blobs.writeText('a.json', '1', 'absent', signal);
    const aborted = AbortSignal.abort();
    for (const call of [
      () => blobs.list('', aborted),
      () => blobs.readText('a.json', aborted),
      () => blobs.read('a.json', 0, etag, aborted),
      () => blobs.properties('a.json', aborted),
      () => blobs.writeText('a.json', '2', 'any', aborted),
      () => blobs.writeFile('a.json', fileOf(Buffer.from('2')), {}, 'any', aborted),
      () => blobs.delete('a.json', etag, aborted),
    ]) {
      await expect(call()).rejects.toSatisfy(thrown => thrown instanceof Error && !isRetryable(thrown));
    }
    expect((await blobs.readText('a.json', signal)).text).toBe('1');
  });

  it('say that storage is away, whatever was asked, and are there again later', async () => {
    const blobs = implementation.open();
    const etag = await blobs.writeText('a.json', '1', 'absent', signal);
    await implementation.whileAway(blobs, async () => {
      for (const call of [
        () => blobs.list('', signal),
        () => blobs.readText('a.json', signal),
        () => blobs.read('a.json', 0, etag, signal),
        () => blobs.properties('a.json', signal),
        () => blobs.writeText('a.json', '2', 'any', signal),
        () => blobs.writeFile('a.json', fileOf(Buffer.from('2')), {}, 'any', signal),
        () => blobs.delete('a.json', etag, signal),
      ]) {
        await expect(call()).rejects.toMatchObject({ name: 'InfrastructureError', retryable: true });
      }
    });
    expect(await blobs.readText('a.json', signal)).toMatchObject({ text: '1', etag });
  });
});
