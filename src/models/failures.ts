import type { Clock } from '../core/log.ts';
import type { FallbackTarget } from '../core/model.ts';
import type { BrokenModel } from './load-version.ts';

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
  /** @returns whether that is new of it */
  add(id: string, broken: BrokenModel): boolean;
  delete(id: string): void;
  /** Forgets all others. */
  retain(ids: ReadonlySet<string>): void;
}

const FIRST_RETRY_MS = 30_000;
const LONGEST_RETRY_MS = 600_000;

export function createFailures(clock: Clock): Failures {
  const failures = new Map<string, Failure>();
  return {
    get(id) {
      const failure = failures.get(id);
      return failure && clock() < failure.retryAtMs ? failure : undefined;
    },
    add(id, { message, fallback }) {
      const before = failures.get(id);
      const delayMs = Math.min(before ? before.delayMs * 2 : FIRST_RETRY_MS, LONGEST_RETRY_MS);
      failures.set(id, { message, fallback, retryAtMs: clock() + delayMs, delayMs });
      return before?.message !== message;
    },
    delete: id => void failures.delete(id),
    retain(ids) {
      for (const id of failures.keys()) if (!ids.has(id)) failures.delete(id);
    },
  };
}
