import type { StoredEvent } from '../../core/hub-reader.ts';
import type { Group } from '../counts.ts';
import { requestKey } from './read-label.ts';

/** What a version answered, to be held against its label. */
export interface Prediction {
  /** `q` and the JSON of the request's id. */
  readonly request: string;
  readonly resultId: string;
  readonly model: string;
  /** As results name it; undefined in what an older app kept. */
  readonly version?: string | undefined;
  /** Where a rollout chose. */
  readonly rollout?: string | undefined;
  readonly variant?: string | undefined;
  /** When the request was enqueued: of several answers the newest is meant. */
  readonly atMs: number;
  /** Undefined: a pack, which has `rows`. */
  readonly prediction?: unknown;
  /** JSON of each row's id, and its prediction. */
  readonly rows?: readonly (readonly [id: string, prediction: unknown])[];
}

const REQUEST_ID = '{"request_id":'.length;
const RESULT_ID = ',"result_id":"';
const MODEL = '","model":"';
const PREDICTION = ',"prediction":';
/** What may come behind a prediction. */
const BEHIND = /^,"(?:probabilities|confidence|outputs|carried|enqueued_at)":/;

/** A result's prediction as a line of JSON; undefined where the result answers nothing that could be labelled. Most lines are put together from the result's own bytes: parsing it takes three times as long. */
export function predictionLine(event: StoredEvent, group: Group, atMs: number): string | undefined {
  const { body } = event;
  const text = body.toString('latin1');
  const resultAt = text.indexOf(RESULT_ID);
  const modelAt = text.indexOf(MODEL, resultAt);
  const predictionAt = text.indexOf(PREDICTION, modelAt) + PREDICTION.length;
  const end = endOfScalar(text, predictionAt);
  const isPlain = resultAt > 0 && modelAt > 0 && predictionAt > modelAt && end !== undefined;
  const request = isPlain ? body.toString('utf8', REQUEST_ID, resultAt) : '\\';
  if (!isPlain || request.includes('\\') || !BEHIND.test(text.slice(end, end + 18))) {
    const parsed = toPrediction(event, group, atMs);
    return parsed && JSON.stringify(parsed);
  }
  const about = `${aboutOf(group)},"atMs":${atMs}`;
  const resultId = text.slice(resultAt + RESULT_ID.length, modelAt);
  return `{"request":${JSON.stringify(`q${request}`)},"resultId":"${resultId}",${about},"prediction":${body.toString('utf8', predictionAt, end)}}`;
}

const abouts = new WeakMap<Group, string>();

/** Members of a line that results of a group share. */
function aboutOf(group: Group): string {
  const known = abouts.get(group);
  if (known !== undefined) return known;
  const { model, version, rollout, variant } = group;
  const about = JSON.stringify({ model, version, rollout, variant }).slice(1, -1);
  abouts.set(group, about);
  return about;
}

/** Where a text or a number ends; undefined where it is neither, or has escapes. */
function endOfScalar(text: string, start: number): number | undefined {
  if (text[start] !== '"') {
    const end = text.indexOf(',', start);
    return end > start && /^-?\d/.test(text.slice(start, start + 2)) ? end : undefined;
  }
  const end = text.indexOf('"', start + 1);
  return end > start && !text.slice(start, end).includes('\\') ? end + 1 : undefined;
}

function toPrediction({ body }: StoredEvent, group: Group, atMs: number): Prediction | undefined {
  const { model, version, rollout, variant } = group;
  const result = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
  const about = { resultId: String(result.result_id), model, version, rollout, variant, atMs };
  const common = { request: requestKey(result.request_id), ...about };
  if (result.prediction !== undefined) return { ...common, prediction: result.prediction };
  if (!Array.isArray(result.predictions)) return undefined;
  const rows = result.predictions
    .filter(row => row?.id !== undefined)
    .map(row => [JSON.stringify(row.id), row.prediction] as const);
  return { ...common, rows };
}

/** Keys of a line, escaped as JSON has them, without parsing it: few of many lines have a label. */
export function keysOf(line: string): readonly [request: string, result: string] | undefined {
  const requestEnd = line.indexOf(LINE_RESULT, LINE_REQUEST.length);
  const resultEnd = line.indexOf('"', requestEnd + LINE_RESULT.length);
  if (!line.startsWith(LINE_REQUEST) || requestEnd < 0 || resultEnd < 0) return undefined;
  return [line.slice(LINE_REQUEST.length, requestEnd), `r${line.slice(requestEnd + LINE_RESULT.length, resultEnd)}`];
}

const LINE_REQUEST = '{"request":"';
const LINE_RESULT = '","resultId":"';

/** A key as it stands in a line. */
export const escapedKey = (key: string) => JSON.stringify(key).slice(1, -1);

/** Whether a label says what was predicted: 1, true and "1" are the same. */
export function isRight(prediction: unknown, label: unknown): boolean {
  return plain(prediction) === plain(label);
}

function plain(value: unknown): string {
  if (typeof value === 'boolean') return String(Number(value));
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
