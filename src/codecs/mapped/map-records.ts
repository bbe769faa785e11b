import { type Found, isRequest, type PassedOver, type Undecoded } from '../../core/codec.ts';
import { asError, malformed, RequestError } from '../../core/errors.ts';
import type { Event } from '../../core/event.ts';
import type { InputMapping, InputPaths } from '../../core/input.ts';
import { EVERY, type InputPath, parsePath, readFirst, readPath, type Step, whyMissing } from '../../core/input-path.ts';
import type { RequestId } from '../../core/request.ts';
import { nameOfType } from '../../core/words.ts';
import { checkCount, readOne } from '../event-json/event-json.ts';
import type { Origin } from '../event-json/read-request.ts';
import { isObject } from '../event-json/shape.ts';
import { parseJson } from '../text.ts';

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
 */
export function mapRecords(value: unknown, event: Event, input: InputMapping, text?: () => string): readonly Found[] {
  const origin: Origin = { event, text, numbers: undefined, index: undefined };
  if (isWholeRequest(value)) return [readOne(value, origin)];
  if (value === null && input.skipEmpty) return [PASSED_OVER];
  try {
    const { records, wrap } = recordsOf(value, input);
    if (records === undefined) return [mapRecord(value, origin, input)];
    checkCount(records.length);
    const alone = records.length === 1;
    return records.map(record => {
      const own = alone ? origin : { ...origin, text: () => JSON.stringify(wrap(record)) };
      return isWholeRequest(record) ? readOne(record, own) : mapRecord(record, own, input);
    });
  } catch (thrown) {
    return [undecoded(thrown, undefined, origin)];
  }
}

function isWholeRequest(value: unknown): boolean {
  return isObject(value) && ((value.features !== undefined && value.features !== null) || Array.isArray(value.inputs));
}

interface Records {
  /** Undefined: the value is the record. */
  readonly records: readonly unknown[] | undefined;
  /** A record alone as the mapping finds it, for its dead letter. */
  wrap(record: unknown): unknown;
}

function recordsOf(value: unknown, { records: paths }: InputMapping): Records {
  if (paths === undefined) return { records: Array.isArray(value) ? value : undefined, wrap: record => record };
  for (const { steps } of paths) {
    const records = collect(value, steps);
    if (records !== undefined) return { records, wrap: record => steps.reduceRight(wrapped, record) };
  }
  throw malformed(`input.records: ${paths[0].text} leads to no list; the body is ${nameOfType(value)}`);
}

/** Undefined where a step leads nowhere. */
function collect(value: unknown, steps: readonly Step[]): readonly unknown[] | undefined {
  const at = steps.indexOf(EVERY);
  const list = readPath({ text: '', name: '', from: 'record', steps: steps.slice(0, at) }, value, NO_EVENT);
  if (!Array.isArray(list)) return undefined;
  const rest = steps.slice(at + 1);
  return rest.length === 0 ? list : list.flatMap(item => collect(item, rest) ?? []);
}

/** Paths of records do not lead beside the body. */
const NO_EVENT = {} as Event;

function wrapped(inner: unknown, step: Step): unknown {
  if (typeof step === 'string') return { [step]: inner };
  return typeof step === 'number' ? [...new Array(step).fill(null), inner] : [inner];
}

function mapRecord(record: unknown, origin: Origin, input: InputMapping): Found {
  const { event } = origin;
  if (record === null && input.skipEmpty) return PASSED_OVER;
  let id: unknown;
  try {
    for (const { paths, in: allowed } of input.where) {
      if (!allowed.includes(readFirst(paths, record, event))) return PASSED_OVER;
    }
    id = readFirst(input.requestId, record, event);
    const decoded = readOne({ request_id: id, features: featuresOf(record, event, input) }, origin);
    return isRequest(decoded) && input.carry.length > 0
      ? { ...decoded, carried: carriedOf(record, event, input) }
      : decoded;
  } catch (thrown) {
    return undecoded(thrown, id, origin);
  }
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
function carriedOf(record: unknown, event: Event, { carry }: InputMapping): string {
  const carried: Record<string, unknown> = {};
  for (const { name, paths } of carry) carried[name] = readFirst(paths, record, event);
  return JSON.stringify(carried);
}

function undecoded(thrown: unknown, id: unknown, { text }: Origin): Undecoded {
  const cause = asError(thrown);
  const error =
    cause instanceof RequestError ? cause : new RequestError('unexpected', 'decode', cause.message, { cause });
  const requestId = typeof id === 'string' || typeof id === 'number' ? (id as RequestId) : undefined;
  return { requestId, model: undefined, text, error };
}
