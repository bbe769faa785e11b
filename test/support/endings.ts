import type { MemoryHub } from './memory-hub.ts';

/** What a result or a dead letter of a test says; the rest is plausible. */
export interface EndingParts {
  readonly sequenceNumber: number;
  /** Place among the requests of its event. */
  readonly part?: number;
  readonly model?: string;
  readonly version?: string;
  readonly variant?: 'candidate' | 'production';
  readonly rollout?: string;
  readonly revision?: number;
  readonly bucket?: number;
  /** When the request was enqueued. */
  readonly enqueuedAtMs?: number;
  readonly requestId?: string;
}

export interface ResultParts extends EndingParts {
  readonly scoredAtMs?: number;
  readonly modelMs?: number;
  readonly prediction?: unknown;
  readonly confidence?: number;
  readonly flags?: Readonly<Record<string, true>>;
  /** In place of prediction and confidence. */
  readonly predictions?: readonly unknown[];
  readonly errors?: readonly unknown[];
}

export interface LetterParts extends EndingParts {
  readonly code: string;
  readonly failedAtMs?: number;
  readonly run?: { readonly rows: number; readonly failed: number };
}

/** 2026-11-21T09:00:00Z */
export const NINE = Date.UTC(2026, 10, 21, 9);

const idOf = ({ sequenceNumber, part }: EndingParts) =>
  `inference-requests/0/${sequenceNumber}${part === undefined ? '' : `/${part}`}`;

function propertiesOf(parts: EndingParts): Record<string, string | number> {
  const { model = 'churn', version = '1.1.0', variant, rollout, revision, bucket, sequenceNumber } = parts;
  const chosen = rollout === undefined ? {} : { variant, rollout, revision: revision ?? 1, bucket: bucket ?? 0 };
  const own = { source_partition: '0', source_sequence_number: sequenceNumber, settled_through: sequenceNumber };
  return { model, model_version: version, ...chosen, ...own } as Record<string, string | number>;
}

/** A result, member by member in the order that the app writes them in. */
export function resultEvent(parts: ResultParts) {
  const { model = 'churn', version = '1.1.0', variant, enqueuedAtMs = NINE, scoredAtMs = enqueuedAtMs + 11 } = parts;
  const { prediction = 1, confidence = 0.73, modelMs = 0.4, flags = {}, requestId = idOf(parts) } = parts;
  const { predictions, errors } = parts;
  const answer = predictions ? { predictions, errors } : { prediction, probabilities: { 1: confidence }, confidence };
  const body = {
    ...{ request_id: requestId, result_id: idOf(parts), model, model_version: version, variant, ...flags, ...answer },
    ...{ enqueued_at: new Date(enqueuedAtMs).toISOString(), timestamp: new Date(scoredAtMs).toISOString() },
    ...{ latency_ms: scoredAtMs - enqueuedAtMs, model_ms: modelMs },
  };
  return {
    body: Buffer.from(JSON.stringify(body)),
    messageId: idOf(parts),
    correlationId: undefined,
    properties: propertiesOf(parts),
  };
}

export function letterEvent(parts: LetterParts) {
  const {
    code,
    run,
    enqueuedAtMs = NINE,
    failedAtMs = enqueuedAtMs + 9,
    sequenceNumber,
    requestId = idOf(parts),
  } = parts;
  const body = {
    ...{ request_id: requestId, result_id: idOf(parts), model: parts.model ?? 'churn' },
    error: { code, message: 'no', stage: 'infer', run },
    ...{ attempts: 1, failed_at: new Date(failedAtMs).toISOString() },
    source: {
      hub: 'inference-requests',
      partition: '0',
      sequence_number: sequenceNumber,
      enqueued_at: new Date(enqueuedAtMs).toISOString(),
    },
    ...{ body: '{"features":[1,2]}', body_encoding: 'utf-8' },
  };
  return {
    body: Buffer.from(JSON.stringify(body)),
    messageId: idOf(parts),
    correlationId: undefined,
    properties: propertiesOf(parts),
  };
}

/** Appends endings to a hub, each a second behind its request. */
export function appendEndings(
  hub: MemoryHub,
  endings: readonly ReturnType<typeof resultEvent>[],
  atMs = NINE + 1_000,
): void {
  for (const ending of endings) hub.append(ending, atMs);
}
