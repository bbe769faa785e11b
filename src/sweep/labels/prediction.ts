import type { StoredEvent } from '../../core/hub-reader.ts';
import type { Group } from '../counts.ts';
import { requestKey } from './read-label.ts';

/** What a version of a rollout answered, to be held against its label. */
export interface Prediction {
  /** `q` and the JSON of the request's id. */
  readonly request: string;
  readonly resultId: string;
  readonly model: string;
  readonly rollout: string;
  readonly variant: string;
  /** When the request was enqueued: of several answers the newest is meant. */
  readonly atMs: number;
  /** Undefined: a pack, which has `rows`. */
  readonly prediction?: unknown;
  /** JSON of each row's id, and its prediction. */
  readonly rows?: readonly (readonly [id: string, prediction: unknown])[];
}

/** @returns undefined where the result answers nothing that could be labelled */
export function toPrediction({ body }: StoredEvent, group: Group, atMs: number): Prediction | undefined {
  const { model, rollout, variant } = group;
  if (rollout === undefined || variant === undefined) return undefined;
  const result = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
  const common = {
    request: requestKey(result.request_id),
    resultId: String(result.result_id),
    model,
    rollout,
    variant,
    atMs,
  };
  if (result.prediction !== undefined) return { ...common, prediction: result.prediction };
  if (!Array.isArray(result.predictions)) return undefined;
  const rows = result.predictions
    .filter(row => row?.id !== undefined)
    .map(row => [JSON.stringify(row.id), row.prediction] as const);
  return { ...common, rows };
}

/** Whether a label says what was predicted: 1, true and "1" are the same. */
export function isRight(prediction: unknown, label: unknown): boolean {
  return plain(prediction) === plain(label);
}

function plain(value: unknown): string {
  if (typeof value === 'boolean') return String(Number(value));
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
