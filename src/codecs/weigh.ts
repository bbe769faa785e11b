import type { Event } from '../core/event.ts';
import { MAX_REQUESTS_PER_EVENT } from './event-json/event-json.ts';
import { MAX_UNPACKED_BYTES, unpackedBody } from './unpack.ts';

/** What a request takes beside its text: its object, its rows, its ending. */
const REQUEST_BYTES = 1024;
const [NEWLINE, COMMA, BRACE] = [10, 44, 123];

/**
 * Bytes that scoring an event takes at once: its body, unpacked, and something for each request that it may hold, which are counted high. 61 packed bytes
 * can be 10,000 requests, so that neither the events of a batch nor their own bytes tell what they take.
 */
export function weigh(event: Event): number {
  const body = unpackedBody(event);
  return body === undefined ? MAX_UNPACKED_BYTES : body.length + requestsIn(body) * REQUEST_BYTES;
}

/** No fewer than there are, without parsing: lines, or what stands between the commas of a list. */
function requestsIn(body: Buffer): number {
  const lines = count(body, NEWLINE);
  const parts = body[0] === BRACE ? 0 : count(body, COMMA);
  return Math.min(1 + Math.max(lines, parts), MAX_REQUESTS_PER_EVENT);
}

function count(body: Buffer, byte: number): number {
  let found = 0;
  for (let at = body.indexOf(byte); at >= 0 && found < MAX_REQUESTS_PER_EVENT; at = body.indexOf(byte, at + 1)) found++;
  return found;
}
