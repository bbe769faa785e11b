import { isUtf8 } from 'node:buffer';
import { gunzipSync } from 'node:zlib';
import { asError, RequestError } from '../../core/errors.ts';
import type { Event } from '../../core/event.ts';

/** An event has at most 1 MiB, which can unpack to a thousand times that, and JSON takes ten times its text in memory: refused before it costs that. */
const MAX_UNPACKED_BYTES = 16 * 1024 * 1024;

/** The text of an event's body, unpacked where it is gzip. @throws RequestError malformed_payload. */
export function bodyText(event: Event): string {
  const bytes = isGzip(event) ? unpack(event.body) : event.body;
  const text = bytes.toString('utf8');
  // Bytes that are no UTF-8 read as U+FFFD, silently; the character itself is rare enough to look twice.
  if (text.includes('\uFFFD') && !isUtf8(bytes)) throw malformed('the body is not UTF-8 text');
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

function isGzip(event: Event): boolean {
  const { contentType, contentEncoding } = event;
  if (contentType === undefined && contentEncoding === undefined) return false;
  return contentEncoding?.trim().toLowerCase() === 'gzip' || /^\s*application\/(x-)?gzip\b/i.test(contentType ?? '');
}

function unpack(packed: Buffer): Buffer {
  try {
    return gunzipSync(packed, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch (thrown) {
    const cause = asError(thrown) as NodeJS.ErrnoException;
    const tooLarge = cause.code === 'ERR_BUFFER_TOO_LARGE';
    throw malformed(
      tooLarge
        ? `the gzip body unpacks to more than ${MAX_UNPACKED_BYTES} bytes`
        : 'the body is declared as gzip and is not',
    );
  }
}

function malformed(message: string): RequestError {
  return new RequestError('malformed_payload', 'decode', message);
}
