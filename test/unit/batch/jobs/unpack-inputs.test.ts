import { deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { type FoundInput, findInputs } from '../../../../src/batch/jobs/inputs.ts';
import { removeUnpacked, unpackInputs } from '../../../../src/batch/jobs/unpack-inputs.ts';
import { type MemoryJobStorage, memoryJobStorage } from '../../../support/memory-job-storage.ts';

const signal = new AbortController().signal;
const TEXT = `id,größe\n${Array.from({ length: 3000 }, (_, i) => `r${i},${i / 7}\n`).join('')}`;
const log = { info() {}, warn() {}, error() {} };

describe('unpackInputs', () => {
  let memory: MemoryJobStorage;
  beforeEach(() => {
    memory = memoryJobStorage(Date.now);
  });

  async function unpack(files: Readonly<Record<string, Buffer>>): Promise<readonly FoundInput[]> {
    const lake = memory.storage('lake');
    for (const [name, bytes] of Object.entries(files)) await lake.write(`in/${name}`, bytes, {}, 'any', signal);
    const found = await findInputs(memory.storage, 'lake/in/', signal);
    const room = { storage: memory.storage, blobs: memory.storage('batch'), batchContainer: 'batch', log };
    return unpackInputs(room, 'nightly', undefined, found, signal);
  }
  const contentOf = async ({ content }: FoundInput) =>
    content &&
    String(
      await memory
        .storage('batch')
        .readRange(content.path.replace('batch/', ''), 0, content.bytes, content.etag, signal),
    );
  const left = async () => (await memory.storage('batch').describe('jobs/', signal)).map(({ path }) => path);

  it('puts the content of what is packed or UTF-16 beside the job, and leaves the others where they are', async () => {
    const wide = Buffer.from(`\uFEFF${TEXT}`, 'utf16le');
    const found = await unpack({
      'a.csv': Buffer.from(TEXT),
      'b.csv.gz': gzipSync(TEXT),
      'c.csv.zst': zstdCompressSync(Buffer.from(TEXT)),
      'd.csv': wide,
      'e.csv.gz': gzipSync(wide),
    });
    expect(found.map(({ path }) => path)).toEqual(
      ['a.csv', 'b.csv.gz', 'c.csv.zst', 'd.csv', 'e.csv.gz'].map(name => `lake/in/${name}`),
    );
    expect(await Promise.all(found.map(contentOf))).toEqual([undefined, TEXT, TEXT, TEXT, TEXT]);
    expect(found.map(({ content }) => content?.encoding)).toEqual([undefined, null, null, 'utf-8', 'utf-8']);
    expect(await left()).toHaveLength(4);
    await removeUnpacked(memory.storage('batch'), found, signal);
    expect(await left()).toEqual([]);
  });

  it.each([
    [
      'is cut off',
      gzipSync(TEXT).subarray(0, 900),
      /^input lake\/in\/x\.gz cannot be unpacked: unexpected end of file$/,
    ],
    [
      'is damaged',
      Buffer.concat([gzipSync(TEXT).subarray(0, 500), deflateRawSync('no')]),
      /^input lake\/in\/x\.gz cannot be unpacked: /,
    ],
    ['holds nothing', gzipSync(''), /^input lake\/in\/x\.gz is empty$/],
    ['is no text', Buffer.from('id,a\0b\n'), /^input lake\/in\/x\.gz: byte 4 is 0: the file is no text; CSV,/],
    ['holds no text', gzipSync('id,a\0b\n'), /^input lake\/in\/x\.gz: byte 4 is 0: the file is no text; CSV,/],
  ])('refuses what %s, by its name, and leaves nothing behind', async (_, bytes, message) => {
    await expect(unpack({ 'good.gz': gzipSync(TEXT), 'x.gz': bytes })).rejects.toThrow(message);
    expect(await left()).toEqual([]);
  });
});
