import { InfrastructureError, RequestError } from '../core/errors.ts';
import type { Clock } from '../core/log.ts';
import { LATE, within } from '../core/waiting.ts';

/** How long requests wait for a model where nothing tells whether it is there, or brings it. */
export interface Patience {
  /**
   * What the work gives that finds what is asked for. @throws what it throws, InfrastructureError among it, so that its batch comes again; and
   * RequestError model_unavailable once such requests have waited for MODEL_WAIT_SECONDS, so that their partition goes on.
   */
  wait<T>(asked: string, work: Promise<T>): Promise<T>;
}

interface Wait {
  readonly sinceMs: number;
  readonly askedMs: number;
  readonly why: string | undefined;
}

/** Who asks just when storage is back has its answer by then. */
const GRACE_MS = 1_000;
/** Names come from producers. */
const MAX_NAMES = 1_000;

/**
 * The time runs from the first request that asked for the same in vain, and while storage has not answered at all, from the first that asked for anything:
 * else each further name would hold up its partition as long. What has waited in vain is still looked for whenever it is asked for.
 */
export function createPatience(options: {
  /** MODEL_WAIT_SECONDS; 0: for ever. */
  readonly waitMs: number;
  /** When storage last answered a look. */
  readonly seenMs: () => number;
  readonly clock: Clock;
}): Patience {
  const { waitMs, seenMs, clock } = options;
  const graceMs = Math.min(waitMs, GRACE_MS);
  const waits = new Map<string, Wait>();
  let anySinceMs: number | undefined;

  function sinceOf(asked: string, nowMs: number): { readonly sinceMs: number; readonly restMs: number } {
    const own = waits.get(asked);
    const isSeenSince = own !== undefined && seenMs() > own.askedMs;
    const isOld = isSeenSince && nowMs - own.askedMs >= waitMs;
    const any = anySinceMs !== undefined && anySinceMs >= seenMs() ? anySinceMs : nowMs;
    const sinceMs = Math.min(any, isOld ? nowMs : (own?.sinceMs ?? nowMs));
    // Storage is back: what it is asked now it may well bring.
    return { sinceMs, restMs: isSeenSince ? waitMs : Math.max(graceMs, sinceMs + waitMs - nowMs) };
  }

  function inVain(asked: string, sinceMs: number, why = waits.get(asked)?.why): void {
    if (anySinceMs === undefined || anySinceMs < seenMs()) anySinceMs = sinceMs;
    waits.delete(asked);
    waits.set(asked, { sinceMs, askedMs: clock(), why });
    if (waits.size <= MAX_NAMES) return;
    for (const oldest of waits.keys()) {
      waits.delete(oldest);
      return;
    }
  }

  const over = (why: string, cause?: unknown) =>
    new RequestError('model_unavailable', 'route', `${why}; waited for ${waitMs / 1000} s (MODEL_WAIT_SECONDS)`, {
      cause,
    });

  return {
    async wait(asked, work) {
      if (waitMs === 0) return work;
      const { sinceMs, restMs } = sinceOf(asked, clock());
      const found = work.then(
        value => {
          waits.delete(asked);
          return value;
        },
        thrown => {
          if (thrown instanceof InfrastructureError) inVain(asked, sinceMs, thrown.message);
          else waits.delete(asked);
          throw thrown;
        },
      );
      try {
        const value = await within(found, restMs);
        if (value !== LATE) return value;
      } catch (thrown) {
        if (thrown instanceof InfrastructureError && clock() - sinceMs >= waitMs) throw over(thrown.message, thrown);
        throw thrown;
      }
      found.catch(() => {}); // unheard
      inVain(asked, sinceMs);
      throw over(waits.get(asked)?.why ?? 'what is asked for was neither found nor loaded');
    },
  };
}
