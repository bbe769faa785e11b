import { isUtf8 } from 'node:buffer';

/** Bytes as text; undefined where they are no UTF-8, which Node reads as U+FFFD, silently. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  // The character itself is rare enough to look twice.
  return text.includes('\uFFFD') && !isUtf8(bytes) ? undefined : text;
}
