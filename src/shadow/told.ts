import type { EventBatch } from '../core/event.ts';
import { OWN_FAULTS } from '../sweep/read-ending.ts';

/** What a version said to one request. */
export interface Told {
  readonly resultId: string;
  /** As the producer gave it. */
  readonly requestId: unknown;
  /** When its event was enqueued, milliseconds since the epoch; undefined where only its ending was seen. */
  readonly enqueuedAtMs?: number | undefined;
  /** As results name it, with the build behind a plus. */
  readonly version: string | undefined;
  /** It answered by itself; else `code` says why not. */
  readonly isAnswer: boolean;
  /** A label, a number, a list of either, or a raw output; of a pack the list of its rows'. */
  readonly prediction?: unknown;
  /** Of one instance, where there is one. */
  readonly confidence?: number | undefined;
  /** `prediction` is that of several instances. */
  readonly several?: boolean;
  /** Of a dead letter, `fallback` or `degraded`. */
  readonly code?: string | undefined;
}

/** Scores what events ask of one model's production by one of its versions; what they ask of others has no place in what it gives. Throws as scoring does. */
export type ScoreEvents = (batch: EventBatch, signal: AbortSignal) => Promise<readonly Told[]>;

/** An ending as it lies in a hub, or would. */
export interface EndingText {
  readonly resultId: string;
  readonly enqueuedAtMs?: number | undefined;
  readonly version: string | undefined;
  /** JSON of a result or of a dead letter. */
  readonly body: Buffer;
}

/** @returns undefined where it is no ending of ours */
export function toldOf({ resultId, enqueuedAtMs, version, body }: EndingText): Told | undefined {
  let said: Record<string, unknown>;
  try {
    said = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const about = { resultId, requestId: said.request_id, enqueuedAtMs, version };
  const { code } = (said.error ?? {}) as { readonly code?: unknown };
  if (typeof code === 'string') return { ...about, isAnswer: false, code };
  const standIn = said.fallback === true ? 'fallback' : said.degraded === true ? 'degraded' : undefined;
  if (standIn !== undefined) return { ...about, isAnswer: false, code: standIn };
  if (Array.isArray(said.predictions)) {
    const prediction = said.predictions.map(
      row => (row as { readonly prediction?: unknown } | null)?.prediction ?? null,
    );
    return { ...about, isAnswer: true, prediction, several: true };
  }
  const confidence = typeof said.confidence === 'number' ? said.confidence : undefined;
  return { ...about, isAnswer: true, prediction: said.prediction, confidence };
}

/** Nobody but the version is to blame. */
export function isOwnFault({ code }: Told): boolean {
  return code !== undefined && (OWN_FAULTS.has(code) || code === 'fallback' || code === 'degraded');
}
