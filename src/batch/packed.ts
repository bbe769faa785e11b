import { Transform } from 'node:stream';
import zlib from 'node:zlib';
import { asError } from '../core/errors.ts';
import { BYTE_ENCODINGS, type Encoding, encodingOf } from './csv/text.ts';
import { BatchRefusal, naming } from './problems.ts';

/** So many bytes of a file tell how it is packed, and its text encoded. */
export const HEAD_BYTES = 4096;
const [GZIP, ZSTD] = ['1f8b', '28b52ffd'];
/** How files of Parquet and of Avro begin, which hold zeros and are no text. */
const BINARY = ['PAR1', 'Obj\x01'];

/** What unpacks a file that begins with these bytes (gzip, zstd); undefined where it is not packed. @throws BatchRefusal where this Node.js cannot */
export function unzipOf(head: Buffer, title: string): Transform | undefined {
  const hex = head.toString('hex', 0, 4);
  if (hex.startsWith(GZIP as string)) return zlib.createGunzip();
  if (hex !== ZSTD) return undefined;
  // Node.js has it from 22.15 on.
  if (typeof zlib.createZstdDecompress === 'function') return zlib.createZstdDecompress();
  throw new BatchRefusal(
    `${title} is packed by zstd, which this Node.js cannot unpack: 22.15 or later is needed, or gzip`,
  );
}

/** What an unpacking failed of: the file, as a refusal, or something else. */
export function whyNotUnpacked(thrown: unknown, title: string): Error {
  const cause = asError(thrown);
  const code = String((cause as { readonly code?: unknown }).code);
  const isZlib = /^(Z_|ZSTD_|ERR_ZSTD)/.test(code);
  return isZlib ? new BatchRefusal(`${title} cannot be unpacked: ${cause.message}`, { cause }) : cause;
}

/** The encoding of a text whose characters are not bytes, by its first ones; undefined for any other, and for tables that are no text. @throws BatchRefusal that names the file, where it is neither */
export function wideEncoding(head: Buffer, named: Encoding | undefined, title: string): Encoding | undefined {
  if (BINARY.includes(head.toString('latin1', 0, 4))) return undefined;
  try {
    const { encoding } = encodingOf(head, named);
    return (BYTE_ENCODINGS as readonly string[]).includes(encoding) ? undefined : encoding;
  } catch (thrown) {
    throw naming(title, thrown);
  }
}

export function toUtf8(encoding: Encoding): Transform {
  const decoder = new TextDecoder(encoding, { fatal: false });
  return new Transform({
    transform(bytes: Buffer, _, done) {
      done(null, Buffer.from(decoder.decode(bytes, { stream: true })));
    },
    flush(done) {
      done(null, Buffer.from(decoder.decode()));
    },
  });
}
