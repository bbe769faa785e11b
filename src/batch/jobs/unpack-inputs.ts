import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type JobBlobs, parsePlace } from '../../core/job-storage.ts';
import { someAtOnce } from '../../core/some-at-once.ts';
import type { Encoding } from '../csv/text.ts';
import { HEAD_BYTES, toUtf8, unzipOf, whyNotUnpacked, wideEncoding } from '../packed.ts';
import { BatchRefusal } from '../problems.ts';
import type { Source } from '../range.ts';
import type { FoundInput } from './inputs.ts';
import { sourceOf } from './open-file.ts';
import type { JobRoom } from './room.ts';

const MIB = 1024 * 1024;
const PIECE_BYTES = 8 * MIB;
/** Whoever submits waits for it, and the platform ends a call by HTTP after 230 s. */
const MOST_PACKED_BYTES = 1024 * MIB;
const AT_ONCE = 4;
/** Of a job's folder. */
export const UNPACKED = 'unpacked';

type Room = Pick<JobRoom, 'storage' | 'blobs' | 'batchContainer' | 'log'>;

/**
 * Puts what is packed (gzip, zstd, by its first bytes), or UTF-16, beside the job as its content, which is read in parts like any other.
 * @returns the inputs, such with their `content`
 * @throws BatchRefusal that names the file, where one cannot be unpacked, holds nothing, or they are too large; nothing is left behind then
 */
export async function unpackInputs(
  { storage, blobs, batchContainer, log }: Room,
  id: string,
  encoding: Encoding | undefined,
  files: readonly FoundInput[],
  signal: AbortSignal,
): Promise<readonly FoundInput[]> {
  const packed = new Map<FoundInput, Buffer>();
  await someAtOnce(files, AT_ONCE, async file => {
    const head = await sourceOf(storage, file, signal).read(0, Math.min(HEAD_BYTES, file.bytes));
    const { path } = file;
    const title = `input ${path}`;
    if (unzipOf(head, title) ?? wideEncoding(head, encoding, title)) packed.set(file, head);
  });
  if (packed.size === 0) return files;
  const bytes = [...packed.keys()].reduce((sum, file) => sum + file.bytes, 0);
  if (bytes > MOST_PACKED_BYTES) {
    throw new BatchRefusal(
      `input: ${bytes} bytes that are packed, or UTF-16; at most ${MOST_PACKED_BYTES} are taken: unpack them, or give them to several jobs`,
    );
  }
  log.info(`job ${id}: ${packed.size} files of ${bytes} bytes are unpacked`);
  // Of several who submit the same job each has its own.
  const folder = `jobs/${id}/${UNPACKED}/${randomBytes(4).toString('hex')}`;
  const contents = new Map<FoundInput, FoundInput['content']>();
  let failed: unknown;
  await someAtOnce(packed, AT_ONCE, async ([file, head]) => {
    if (failed !== undefined) return;
    try {
      const path = `${folder}/${files.indexOf(file)}`;
      const content = await unpackOne(sourceOf(storage, file, signal), head, encoding, blobs, path, file.path, signal);
      contents.set(file, { ...content, path: `${batchContainer}/${path}` });
    } catch (thrown) {
      failed = thrown; // the others end first: what they put down is removed, too
    }
  });
  if (failed !== undefined) {
    await removeUnpacked(
      blobs,
      [...contents].map(([file, content]) => ({ ...file, content })),
      signal,
    );
    throw failed;
  }
  return files.map(file => ({ ...file, content: contents.get(file) }));
}

/** Of a job that did not come about. */
export async function removeUnpacked(
  blobs: JobBlobs,
  files: readonly FoundInput[],
  signal: AbortSignal,
): Promise<void> {
  for (const { content } of files) if (content) await blobs.remove(parsePlace(content.path)!.path, signal);
}

async function unpackOne(
  source: Source,
  head: Buffer,
  encoding: Encoding | undefined,
  blobs: JobBlobs,
  path: string,
  name: string,
  signal: AbortSignal,
) {
  const title = `input ${name}`;
  const unzip = unzipOf(head, title);
  let wide: Encoding | undefined;
  const ids: string[] = [];
  let bytes = 0;
  const stage = async (pieces: AsyncIterable<Buffer>) => {
    for await (const piece of pieces) {
      const id = Buffer.from(String(ids.length).padStart(6, '0')).toString('base64');
      await blobs.stage(path, id, piece, signal);
      ids.push(id);
      bytes += piece.length;
    }
  };
  const read = async (packed: AsyncIterable<Buffer>) => {
    const plain = inPieces(packed)[Symbol.asyncIterator]();
    const first = await plain.next();
    if (first.done) return;
    wide = wideEncoding(first.value.subarray(0, HEAD_BYTES), encoding, title);
    const all = (async function* () {
      yield first.value;
      yield* { [Symbol.asyncIterator]: () => plain };
    })();
    if (wide === undefined) await stage(all);
    else await pipeline(Readable.from(all), toUtf8(wide), chunks => stage(inPieces(chunks)), { signal });
  };
  try {
    if (unzip === undefined) await read(bytesOf(source));
    else await pipeline(Readable.from(bytesOf(source)), unzip, read, { signal });
  } catch (thrown) {
    signal.throwIfAborted();
    throw whyNotUnpacked(thrown, title);
  }
  if (bytes === 0) throw new BatchRefusal(`${title} is empty`);
  const etag = await blobs.commit(path, ids, {}, 'any', signal);
  return { etag, bytes, encoding: wide === undefined ? null : ('utf-8' as const) };
}

async function* bytesOf({ size, read }: Source): AsyncIterable<Buffer> {
  for (let at = 0; at < size; at += PIECE_BYTES) yield await read(at, PIECE_BYTES);
}

/** The same bytes in larger pieces: a blob has 50,000 blocks at most. */
async function* inPieces(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let held: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    held.push(chunk);
    bytes += chunk.length;
    if (bytes < PIECE_BYTES) continue;
    yield Buffer.concat(held);
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(held);
}
