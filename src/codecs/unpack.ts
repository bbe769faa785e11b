import { gunzipSync } from 'node:zlib';
import { asError, malformed } from '../core/errors.ts';
import type { Event } from '../core/event.ts';

/** An event has at most 1 MiB, which can unpack to a thousand times that, and JSON takes ten times its text in memory: refused before it costs that. */
export const MAX_UNPACKED_BYTES = 16 * 1024 * 1024;

/** The event with its body unpacked, where it is gzip. @throws RequestError malformed_payload. */
export function unpack(event: Event): Event {
  return isGzip(event) ? { ...event, body: gunzip(event.body), contentEncoding: undefined } : event;
}

/** The body unpacked, for those who only want to know its size: as it is where it is no gzip, undefined where it is too large. */
export function unpackedBody(event: Event): Buffer | undefined {
  if (!isGzip(event)) return event.body;
  try {
    return gunzipSync(event.body, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch (thrown) {
    return isTooLarge(thrown) ? undefined : event.body;
  }
}

function isTooLarge(thrown: unknown): boolean {
  return (asError(thrown) as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
}

function isGzip({ contentType, contentEncoding }: Event): boolean {
  if (contentType === undefined && contentEncoding === undefined) return false;
  return contentEncoding?.trim().toLowerCase() === 'gzip' || /^\s*application\/(x-)?gzip\b/i.test(contentType ?? '');
}

function gunzip(packed: Buffer): Buffer {
  try {
    return gunzipSync(packed, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch (thrown) {
    throw malformed(
      isTooLarge(thrown)
        ? `the gzip body unpacks to more than ${MAX_UNPACKED_BYTES} bytes`
        : 'the body is declared as gzip and is not',
    );
  }
}
