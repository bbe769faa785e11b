import type { StoredEvent } from '../core/hub-reader.ts';

/** Which request of which event an ending is of. */
export interface SourceOf {
  readonly sequenceNumber: number;
  /** Place among the requests of the event; -1 where it carried but one. */
  readonly part: number;
}

/** What is counted of a result. */
export interface ResultFacts {
  readonly cached: boolean;
  readonly fallback: boolean;
  readonly degraded: boolean;
  /** When its request was enqueued, as it says. */
  readonly enqueuedAt: string;
  /** When it was scored, and what its slice took in the model: what rows of one run share. */
  readonly timestamp: string;
  readonly modelMs: number;
  readonly latencyMs: number;
  readonly confidence: number | undefined;
  /** The predicted label as JSON; undefined where the answer is no class. */
  readonly label: string | undefined;
  /** Of a pack, rows that failed while others were answered: how many were the model's fault. */
  readonly failedRows: number;
}

/** Of a result or a dead letter, by its properties; undefined where it bears none, or others than ours. */
export function sourceOf({ properties, messageId }: StoredEvent): SourceOf | undefined {
  const sequenceNumber = Number(properties.source_sequence_number);
  if (!Number.isSafeInteger(sequenceNumber) || messageId === undefined) return undefined;
  const slash = messageId.lastIndexOf('/');
  const last = messageId.slice(slash + 1);
  if (last === String(sequenceNumber)) {
    // `…/2/7/7`: the eighth request of event 7, and not the only one of an event of partition 7.
    const isTwice =
      messageId.endsWith(last, slash) && messageId.endsWith(`/${properties.source_partition}/${last}`, slash);
    return { sequenceNumber, part: isTwice ? sequenceNumber : -1 };
  }
  const part = Number(last);
  return Number.isSafeInteger(part) ? { sequenceNumber, part } : undefined;
}

const FLAGS_END = ',"enqueued_at":"';
const ENQUEUED_AT = FLAGS_END.length;
const TIME = '2026-11-21T09:00:00.120Z'.length;
const TIMESTAMP = '","timestamp":"';
const LATENCY = '","latency_ms":';
const MODEL_MS = ',"model_ms":';
const PREDICTION = ',"prediction":';
const CONFIDENCE = ',"confidence":';

/**
 * Reads what is counted from the bytes of a result, where they stand in the order that results are written in; parsing it whole takes three times as long.
 * @returns undefined where it is no result of ours
 */
export function readResult(body: Buffer): ResultFacts | undefined {
  const text = body.toString('latin1');
  const tail = text.lastIndexOf(FLAGS_END);
  const timestampAt = tail + ENQUEUED_AT + TIME;
  if (tail < 0 || !text.startsWith(TIMESTAMP, timestampAt)) return undefined;
  const latencyAt = timestampAt + TIMESTAMP.length + TIME;
  const modelAt = text.indexOf(MODEL_MS, latencyAt);
  if (!text.startsWith(LATENCY, latencyAt) || modelAt < 0) return undefined;
  const about = text.indexOf(',"model_version":"');
  const answerAt = text.indexOf(',"prediction', about); // `prediction` or `predictions`
  const flags = text.slice(about, answerAt < 0 ? tail : answerAt);
  const isOne = text.startsWith(PREDICTION, answerAt);
  const confidenceAt = isOne ? text.indexOf(CONFIDENCE, answerAt) : -1;
  return {
    cached: flags.includes(',"cached":true'),
    fallback: flags.includes(',"fallback":true'),
    degraded: flags.includes(',"degraded":true'),
    enqueuedAt: text.slice(tail + ENQUEUED_AT, timestampAt),
    timestamp: text.slice(timestampAt + TIMESTAMP.length, latencyAt),
    latencyMs: Number(text.slice(latencyAt + LATENCY.length, modelAt)),
    modelMs: Number(text.slice(modelAt + MODEL_MS.length, -1)),
    confidence: confidenceAt < 0 ? undefined : Number.parseFloat(text.slice(confidenceAt + CONFIDENCE.length, tail)),
    label: isOne && confidenceAt >= 0 ? labelAt(text, answerAt + PREDICTION.length, confidenceAt) : undefined,
    failedRows: !isOne && text.includes('],"errors":[') ? failedRowsOf(body) : 0,
  };
}

/** As JSON; a number ends before the next member, a text with its quote. */
function labelAt(text: string, start: number, before: number): string | undefined {
  const end = text[start] === '"' ? endOfText(text, start) : text.indexOf(',', start);
  return end > start && end <= before && text[start] !== '[' ? text.slice(start, end) : undefined;
}

function endOfText(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  return -1;
}

/** Faults of the model's own, not of what it was given. */
export const OWN_FAULTS: ReadonlySet<string> = new Set(['inference_failed', 'unexpected', 'model_unavailable']);

function failedRowsOf(body: Buffer): number {
  const { errors } = JSON.parse(body.toString('utf8')) as { errors?: readonly { code?: unknown }[] };
  return (errors ?? []).filter(({ code }) => OWN_FAULTS.has(String(code))).length;
}

/** What is counted of a dead letter. */
export interface LetterFacts {
  readonly code: string;
  readonly failedAt: string;
  readonly enqueuedAt: string;
  /** The rows of the slice that its request was run in, and how many of them failed. */
  readonly run: { readonly rows: number; readonly failed: number } | undefined;
}

/** @returns undefined where it is no dead letter of ours */
export function readLetter(body: Buffer): LetterFacts | undefined {
  let letter: { error?: Record<string, unknown>; failed_at?: unknown; source?: Record<string, unknown> };
  try {
    letter = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  const { code, run } = letter?.error ?? {};
  if (typeof code !== 'string') return undefined;
  const { rows, failed } = (run ?? {}) as Record<string, unknown>;
  return {
    code,
    failedAt: String(letter.failed_at ?? ''),
    enqueuedAt: String(letter.source?.enqueued_at ?? ''),
    run: typeof rows === 'number' && typeof failed === 'number' ? { rows, failed } : undefined,
  };
}
