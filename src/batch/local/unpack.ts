import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { ByteEncoding, Encoding } from '../csv/text.ts';
import { HEAD_BYTES, toUtf8, unzipOf, whyNotUnpacked, wideEncoding } from '../packed.ts';

/**
 * A file as it can be read in parts: itself, or, where it is packed (gzip, zstd, by its first bytes) or UTF-16, its content in another.
 * @param into where that is put
 * @throws BatchRefusal where it cannot be unpacked
 */
export async function unpack(
  path: string,
  title: string,
  into: string,
  encoding: Encoding | undefined,
  signal: AbortSignal,
): Promise<{ readonly path: string; readonly encoding: ByteEncoding | undefined }> {
  const plain = await unzipped(path, title, `${into}.unpacked`, signal);
  const wide = wideEncoding(await headOf(plain), encoding, title);
  if (wide === undefined) return { path: plain, encoding: encoding as ByteEncoding | undefined };
  await pipeline(createReadStream(plain), toUtf8(wide), createWriteStream(`${into}.utf-8`), { signal });
  return { path: `${into}.utf-8`, encoding: 'utf-8' };
}

async function unzipped(path: string, title: string, into: string, signal: AbortSignal): Promise<string> {
  const unzip = unzipOf(await headOf(path), title);
  if (unzip === undefined) return path;
  try {
    await pipeline(createReadStream(path), unzip, createWriteStream(into), { signal });
  } catch (thrown) {
    signal.throwIfAborted();
    throw whyNotUnpacked(thrown, title);
  }
  return into;
}

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
