import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { type Transform, Transform as TransformStream } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import zlib from 'node:zlib';
import { asError } from '../../core/errors.ts';
import { BYTE_ENCODINGS, type ByteEncoding, type Encoding, encodingOf } from '../csv/text.ts';
import { BatchRefusal } from '../problems.ts';

const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];
const HEAD_BYTES = 4096;
/** How files of Parquet and of Avro begin, which hold zeros and are no text. */
const BINARY = ['PAR1', 'Obj\x01'];

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
  const wide = wideEncoding(await headOf(plain), encoding);
  if (wide === undefined) return { path: plain, encoding: encoding as ByteEncoding | undefined };
  await pipeline(createReadStream(plain), toUtf8(wide), createWriteStream(`${into}.utf-8`), { signal });
  return { path: `${into}.utf-8`, encoding: 'utf-8' };
}

async function unzipped(path: string, title: string, into: string, signal: AbortSignal): Promise<string> {
  const head = await headOf(path);
  const begins = (bytes: readonly number[]) => bytes.every((byte, i) => head[i] === byte);
  const stream = begins(GZIP) ? zlib.createGunzip() : begins(ZSTD) ? unzstd(title) : undefined;
  if (stream === undefined) return path;
  try {
    await pipeline(createReadStream(path), stream, createWriteStream(into), { signal });
  } catch (thrown) {
    signal.throwIfAborted();
    const cause = asError(thrown);
    if (!isZlib(cause)) throw cause;
    throw new BatchRefusal(`${title} cannot be unpacked: ${cause.message}`);
  }
  return into;
}

function isZlib(error: Error): boolean {
  const code = String((error as { readonly code?: unknown }).code);
  return /^(Z_|ZSTD_|ERR_ZSTD)/.test(code);
}

/** Node.js has it from 22.15 on. */
function unzstd(title: string): Transform {
  if (typeof zlib.createZstdDecompress !== 'function')
    throw new BatchRefusal(
      `${title} is packed by zstd, which this Node.js cannot unpack: 22.15 or later is needed, or gzip`,
    );
  return zlib.createZstdDecompress();
}

/** Undefined where its characters are bytes, or what is no text. */
function wideEncoding(head: Buffer, named: Encoding | undefined): Encoding | undefined {
  if (BINARY.includes(head.toString('latin1', 0, 4))) return undefined;
  const { encoding } = encodingOf(head, named);
  return (BYTE_ENCODINGS as readonly string[]).includes(encoding) ? undefined : encoding;
}

function toUtf8(encoding: Encoding): Transform {
  const decoder = new TextDecoder(encoding, { fatal: false });
  return new TransformStream({
    transform(bytes: Buffer, _, done) {
      done(null, Buffer.from(decoder.decode(bytes, { stream: true })));
    },
    flush(done) {
      done(null, Buffer.from(decoder.decode()));
    },
  });
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
