import type { StoredEvent } from '../../core/hub-reader.ts';

/** Ground truth for one request, or for one row of a pack. */
export interface Label {
  /** Which request: `q` and the JSON of its id, or `r` and the id of its result. */
  readonly key: string;
  /** Of several models that answered it, the one that is meant; undefined: whichever. */
  readonly model: string | undefined;
  /** JSON of the row's id, of a pack. */
  readonly row: string | undefined;
  readonly label: unknown;
  /** When the label was enqueued: a later one corrects an earlier one. */
  readonly atMs: number;
}

/** The labels of an event: one object, or a list of them. What is none is left out, and counted. */
export function readLabels({ body, enqueuedAtMs }: StoredEvent): {
  readonly labels: readonly Label[];
  readonly unreadable: number;
} {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch {
    return { labels: [], unreadable: 1 };
  }
  const list = Array.isArray(parsed) ? parsed : [parsed];
  const labels = list.map(each => toLabel(each, enqueuedAtMs)).filter(each => each !== undefined);
  return { labels, unreadable: list.length - labels.length };
}

/** @returns undefined where it names no request, or says no label */
export function toLabel(value: unknown, atMs: number): Label | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { request_id, result_id, model, id, label } = value as Record<string, unknown>;
  const key =
    typeof result_id === 'string' ? resultKey(result_id) : isId(request_id) ? requestKey(request_id) : undefined;
  if (key === undefined || label === undefined || label === null) return undefined;
  return {
    key,
    model: typeof model === 'string' ? model : undefined,
    row: isId(id) ? JSON.stringify(id) : undefined,
    label,
    atMs,
  };
}

const isId = (value: unknown) => typeof value === 'string' || typeof value === 'number';

export const requestKey = (id: unknown) => `q${JSON.stringify(id)}`;
export const resultKey = (id: string) => `r${id}`;
