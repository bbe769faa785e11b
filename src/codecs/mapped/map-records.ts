import { type Found, isRequest, type PassedOver, type Undecoded } from '../../core/codec.ts';
import { asError, malformed, RequestError } from '../../core/errors.ts';
import type { Event } from '../../core/event.ts';
import type { InputMapping, InputPaths } from '../../core/input.ts';
import { type InputPath, parsePath, readFirst, whyMissing } from '../../core/input-path.ts';
import type { RequestId } from '../../core/request.ts';
import { nameOfType } from '../../core/words.ts';
import { checkCount, readOne } from '../event-json/event-json.ts';
import { NumberSource } from '../event-json/number-source.ts';
import type { Origin } from '../event-json/read-request.ts';
import { isObject } from '../event-json/shape.ts';
import { parseJson } from '../text.ts';
import { isInexact } from './parse-exact.ts';
import { ExactRecords, recordsOf } from './records.ts';

export const PASSED_OVER: PassedOver = { passedOver: true };

/** What is no JSON is a row where no card says more. */
export const ROWS_ALONE: InputMapping = {
  format: 'auto',
  schema: undefined,
  records: undefined,
  where: [],
  skipEmpty: false,
  row: undefined,
  fields: [],
  requestId: [parsePath('$.request_id')],
  carry: [],
};

/**
 * The requests that an event's value holds by a card's mapping: a record each, or what is a request already.
 * @param text of the value, where the event holds others beside it
 * @param json that the value was read from, if any: it has the digits of numbers that a double would change
 */
export function mapRecords(
  value: unknown,
  event: Event,
  input: InputMapping,
  { text, json }: { readonly text?: () => string; readonly json?: string } = {},
): readonly Found[] {
  const origin: Origin = { event, text, numbers: undefined, index: undefined };
  const exact = json === undefined ? undefined : new ExactRecords(json, input);
  const numbers = json === undefined ? undefined : new NumberSource(json);
  if (isWholeRequest(value)) return [readOne(value, { ...origin, numbers })];
  if (value === null && input.skipEmpty) return [PASSED_OVER];
  try {
    const { records, wrap } = recordsOf(value, input);
    if (records === undefined) return [mapRecord(value, origin, input, () => exact?.whole)];
    checkCount(records.length);
    const alone = records.length === 1;
    return records.map((record, i) => {
      const own = alone ? origin : { ...origin, text: () => JSON.stringify(wrap(record)) };
      if (!isWholeRequest(record)) return mapRecord(record, own, input, () => exact?.record(i));
      return readOne(record, input.records === undefined ? { ...own, numbers, index: i } : own);
    });
  } catch (thrown) {
    return [undecoded(thrown, undefined, origin)];
  }
}

function isWholeRequest(value: unknown): boolean {
  return isObject(value) && ((value.features !== undefined && value.features !== null) || Array.isArray(value.inputs));
}

/** @param exact the record with the digits of its numbers; undefined where there are none to be had */
function mapRecord(record: unknown, origin: Origin, input: InputMapping, exact: () => unknown): Found {
  const { event } = origin;
  if (record === null && input.skipEmpty) return PASSED_OVER;
  const readExactly = (paths: InputPaths): unknown => {
    const value = readFirst(paths, record, event);
    return isInexact(value) ? (readFirst(paths, exact(), event) ?? value) : value;
  };
  let id: unknown;
  try {
    for (const { paths, in: allowed } of input.where) {
      if (!allowed.includes(readFirst(paths, record, event))) return PASSED_OVER;
    }
    id = readExactly(input.requestId);
    const isRaw = isRawNumber(id);
    const decoded = readOne({ request_id: isRaw ? undefined : id, features: featuresOf(record, event, input) }, origin);
    if (!isRequest(decoded) || (input.carry.length === 0 && !isRaw)) return decoded;
    const carried = input.carry.length === 0 ? undefined : carriedOf(input, readExactly);
    return { ...decoded, requestId: isRaw ? (id as RequestId) : decoded.requestId, carried };
  } catch (thrown) {
    return undecoded(thrown, id, origin);
  }
}

function isRawNumber(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'rawJSON' in value;
}

function featuresOf(record: unknown, event: Event, { row: paths, fields }: InputMapping): unknown {
  const row = paths === undefined ? record : rowAt(paths, record, event);
  const isRow = isObject(row) || Array.isArray(row);
  if (!isRow && paths !== undefined)
    throw malformed(`input.row: ${paths[0].text} is ${nameOfType(row)}; expected an object`);
  if (!isRow && fields.length === 0) throw malformed(`the record is ${nameOfType(row)}; expected an object`);
  if (fields.length === 0) return row;
  const features: Record<string, unknown> = isObject(row) ? { ...row } : {};
  for (const { feature, paths: places, filled } of fields) {
    const value = readFirst(places, record, event);
    if (value === undefined && !filled) {
      const why = whyMissing(places[0], record);
      throw new RequestError('schema_mismatch', 'decode', `input.fields.${feature}: ${why}`);
    }
    features[feature] = value;
  }
  return features;
}

/** A row may be JSON in a text or in bytes, as in what Event Hubs captured. */
function rowAt(paths: InputPaths, record: unknown, event: Event): unknown {
  const row = readFirst(paths, record, event);
  if (row === undefined) throw malformed(`input.row: ${whyMissing(paths[0] as InputPath, record)}`);
  if (typeof row === 'string') return parseJson(row) ?? row;
  return row instanceof Uint8Array ? (parseJson(Buffer.from(row).toString('utf8')) ?? row) : row;
}

/** What is missing is left out. */
function carriedOf({ carry }: InputMapping, read: (paths: InputPaths) => unknown): string {
  const carried: Record<string, unknown> = {};
  for (const { name, paths } of carry) carried[name] = read(paths);
  return JSON.stringify(carried);
}

function undecoded(thrown: unknown, id: unknown, { text }: Origin): Undecoded {
  const cause = asError(thrown);
  const error =
    cause instanceof RequestError ? cause : new RequestError('unexpected', 'decode', cause.message, { cause });
  const requestId = typeof id === 'string' || typeof id === 'number' || isRawNumber(id) ? (id as RequestId) : undefined;
  return { requestId, model: undefined, text, error };
}
