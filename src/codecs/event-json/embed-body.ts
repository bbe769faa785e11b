import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

/**
 * A dead letter with the original bytes in it, in the first of these forms that fits: as text, `body_encoding` utf-8; as base64 where they are
 * no UTF-8, or a text that JSON would write several times as long (control characters); packed, gzip+base64; else as many of the first bytes as fit, base64 with `body_truncated`, the length and the SHA-256 of the whole.
 */
export function embedBody(letter: object, original: Buffer, maxBytes: number): Buffer {
  const plain = isPlainText(original)
    ? { body: original.toString('utf8'), body_encoding: 'utf-8' }
    : { body: original.toString('base64'), body_encoding: 'base64' };
  const whole = Buffer.from(JSON.stringify({ ...letter, ...plain }));
  if (whole.length <= maxBytes) return whole;
  const gzip = { body: gzipSync(original).toString('base64'), body_encoding: 'gzip+base64' };
  const packed = Buffer.from(JSON.stringify({ ...letter, ...gzip }));
  return packed.length <= maxBytes ? packed : truncated(letter, original, maxBytes);
}

/** Every control character takes six in JSON. */
function isPlainText(bytes: Buffer): boolean {
  if (!isUtf8(bytes)) return false;
  let controls = 0;
  for (const byte of bytes) if (byte < 32 && byte !== 10) controls++;
  return controls <= bytes.length / 4;
}

function truncated(letter: object, original: Buffer, maxBytes: number): Buffer {
  const frame = {
    ...letter,
    body: '',
    body_encoding: 'base64',
    body_truncated: true,
    body_bytes: original.length,
    body_sha256: createHash('sha256').update(original).digest('hex'),
  };
  const room = Math.max(0, maxBytes - Buffer.byteLength(JSON.stringify(frame)));
  const body = original.subarray(0, Math.floor(room / 4) * 3).toString('base64');
  return Buffer.from(JSON.stringify({ ...frame, body }));
}
