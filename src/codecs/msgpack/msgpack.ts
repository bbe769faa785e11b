import type { Codec } from '../../core/codec.ts';
import { asError, malformed } from '../../core/errors.ts';
import { mapRecords, ROWS_ALONE } from '../mapped/map-records.ts';
import { checkCounts } from './check-counts.ts';

type Decode = typeof import('./library.ts').decode;

const CONTENT_TYPE = /^\s*application\/(x-|vnd\.)?msgpack\b/i;

let loading: Promise<Decode> | undefined;
let decodeBytes: Decode | undefined;

/** MessagePack, by its content type or by the card. */
export const msgpack: Codec = {
  name: 'msgpack',
  takes: ({ contentType }, input) =>
    input?.format === 'msgpack' || (contentType !== undefined && CONTENT_TYPE.test(contentType)),
  decode(event, input) {
    const read = (decode: Decode) => mapRecords(readValue(event.body, decode), event, input ?? ROWS_ALONE);
    return decodeBytes === undefined ? load().then(read) : read(decodeBytes);
  },
};

function load(): Promise<Decode> {
  loading ??= import('./library.ts').then(({ decode }) => {
    decodeBytes = decode;
    return decode;
  });
  return loading;
}

function readValue(body: Buffer, decode: Decode): unknown {
  try {
    checkCounts(body);
    return asInJson(decode(body, { useBigInt64: true }));
  } catch (thrown) {
    throw malformed(`the body is no MessagePack: ${asError(thrown).message}`);
  }
}

/** Whole numbers beyond 2^53 as their digits, times as ISO text; bytes stay. */
function asInJson(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString();
  if (Array.isArray(value)) return value.map(asInJson);
  const members = value as Record<string, unknown>;
  for (const name of Object.keys(members)) members[name] = asInJson(members[name]);
  return members;
}
