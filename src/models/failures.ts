import type { BlobGone } from '../core/blobs.ts';
import { isRetryable } from '../core/errors.ts';
import type { Clock } from '../core/log.ts';
import type { FallbackTarget } from '../core/model.ts';
import { BrokenModel } from './load-version.ts';

export interface Failure {
  readonly message: string;
  readonly fallback: FallbackTarget | undefined;
  readonly retryAtMs: number;
  readonly delayMs: number;
}

/** Why contents could not be loaded, each tried again at growing intervals. */
export interface Failures {
  /** Undefined where it is due for another try. */
  get(id: string): Failure | undefined;
  /** What is listed again and again and never there when it is read is broken: it is not being replaced. */
  ofGone(id: string, gone: BlobGone): BrokenModel | undefined;
  /** @returns whether that is new of it */
  add(id: string, broken: BrokenModel): boolean;
  delete(id: string): void;
  /** Forgets all others. */
  retain(ids: ReadonlySet<string>): void;
}

const FIRST_RETRY_MS = 30_000;
const LONGEST_RETRY_MS = 600_000;
/** A server that is away may be back any moment; its card is not to blame. */
const AWAY_RETRY_MS = 10_000;
const READS_OF_GONE = 3;

export function createFailures(clock: Clock): Failures {
  const failures = new Map<string, Failure>();
  const gone = new Map<string, number>();
  return {
    get(id) {
      const failure = failures.get(id);
      return failure && clock() < failure.retryAtMs ? failure : undefined;
    },
    ofGone(id, { message }) {
      const times = (gone.get(id) ?? 0) + 1;
      gone.set(id, times);
      if (times < READS_OF_GONE) return undefined;
      return new BrokenModel(`${message}, though it is listed: upload it again`, undefined);
    },
    add(id, { message, fallback, cause }) {
      const before = failures.get(id);
      const growing = Math.min(before ? before.delayMs * 2 : FIRST_RETRY_MS, LONGEST_RETRY_MS);
      const delayMs = isRetryable(cause) ? AWAY_RETRY_MS : growing;
      failures.set(id, { message, fallback, retryAtMs: clock() + delayMs, delayMs });
      return before?.message !== message;
    },
    delete(id) {
      failures.delete(id);
      gone.delete(id);
    },
    retain(ids) {
      for (const map of [failures, gone]) for (const id of map.keys()) if (!ids.has(id)) map.delete(id);
    },
  };
}
