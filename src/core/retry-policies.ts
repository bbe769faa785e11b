import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
  type IBackoff,
  type IBackoffFactory,
  type IBreaker,
  type IPolicy,
  type IRetryBackoffContext,
  retry,
} from 'cockatiel';
import { asError, InfrastructureError, isRetryable } from './errors.ts';
import type { Log } from './log.ts';

export interface RetryLimits {
  /** Tries after the first one. */
  readonly retries: number;
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
}

/**
 * Bounded, exponential, with jitter, for errors that say of themselves that they are retryable; any other is thrown at once. Where the error says how
 * long to wait (`retryAfterMs`), no shorter than that.
 */
export function createRetry(limits: RetryLimits): IPolicy {
  return retry(handleWhen(isRetryable), {
    maxAttempts: limits.retries,
    backoff: heeding(new ExponentialBackoff({ initialDelay: limits.initialDelayMs, maxDelay: limits.maxDelayMs })),
  });
}

type Context = IRetryBackoffContext<unknown>;

function heeding(inner: IBackoffFactory<Context>): IBackoffFactory<Context> {
  return {
    next(context): IBackoff<Context> {
      const backoff = inner.next(context);
      const { result } = context;
      const { retryAfterMs = 0 } = ('error' in result ? result.error : {}) as { readonly retryAfterMs?: number };
      return { duration: Math.max(backoff.duration, retryAfterMs), next: heeding(backoff).next };
    },
  };
}

export type BreakerState = 'closed' | 'half-open' | 'open';

export interface BreakerOptions {
  /** What it guards, for the log: `results hub`. */
  readonly name: string;
  /** Failures that open it. */
  readonly failures: number;
  /** The time in which they fall, whatever succeeded between them; absent: they come in a row. */
  readonly withinMs?: number | undefined;
  /** It lets one call through after this long. */
  readonly resetMs: number;
  readonly log: Log;
  readonly onState?: ((state: BreakerState) => void) | undefined;
}

export interface Breaker {
  /** @throws InfrastructureError at once while the breaker is open. */
  execute<T>(work: () => Promise<T>): Promise<T>;
  /** @throws InfrastructureError where `execute` would, for those who have something to do before it. */
  check(): void;
  /** Half open as soon as a call would be let through, though none comes. */
  readonly state: BreakerState;
}

/**
 * Spares a service that is away, and those who would wait for it. `counts` names the errors that are that service's: others pass
 * through uncounted, though they may be retryable, since what is away then is something else.
 */
export function createBreaker(options: BreakerOptions, counts: (error: Error) => boolean): Breaker {
  const { name, failures, withinMs, resetMs, log, onState } = options;
  const recent = withinMs === undefined ? undefined : new FailuresWithin(failures, withinMs);
  const waitedMs = new WeakMap<Error, number>();
  let last = '';
  let openedMs = 0;
  const isFailure = (error: Error): boolean => {
    if (!counts(error)) return false;
    last = error.message;
    recent?.note(waitedMs.get(error) ?? 0);
    return true;
  };
  const policy = circuitBreaker(handleWhen(isFailure), {
    halfOpenAfter: resetMs,
    breaker: recent ?? new ConsecutiveBreaker(failures),
  });
  const often = `${failures} times ${withinMs === undefined ? 'in a row' : `within ${withinMs / 1000} s`}`;
  policy.onStateChange(changed => {
    const state = stateName(changed);
    if (state === 'open') {
      openedMs = Date.now();
      log.warn(
        `circuit breaker of the ${name} is open: it failed ${often}; next try in ${resetMs / 1000} s; at last: ${last}`,
      );
    } else log.info(`circuit breaker of the ${name} is ${state}`);
    onState?.(state);
  });
  const state = (): BreakerState => {
    const held = stateName(policy.state);
    return held === 'open' && Date.now() - openedMs >= resetMs ? 'half-open' : held;
  };
  const leftAlone = (cause?: Error) =>
    new InfrastructureError(`the ${name} failed ${often} and is left alone for ${resetMs / 1000} s; at last: ${last}`, {
      cause,
      retryable: false,
    });
  return {
    async execute(work) {
      try {
        return await policy.execute(() => timed(work, waitedMs));
      } catch (thrown) {
        throw thrown instanceof BrokenCircuitError ? leftAlone(thrown) : thrown;
      }
    },
    check() {
      if (state() === 'open') throw leftAlone();
    },
    get state() {
      return state();
    },
  };
}

/** A call that waited so long was not answered: such calls fail each by themselves. */
const UNANSWERED_MS = 5_000;
/** A connection that ends takes all calls over it along: what fails sooner after another is the same failure. */
const MOMENT_MS = 1_000;

class FailuresWithin implements IBreaker {
  state: unknown;
  readonly #failures: number;
  readonly #withinMs: number;
  #atMs: number[] = [];

  constructor(failures: number, withinMs: number) {
    this.#failures = failures;
    this.#withinMs = withinMs;
  }

  note(waitedMs: number): void {
    const nowMs = Date.now();
    const sinceMs = nowMs - (this.#atMs.at(-1) ?? Number.NEGATIVE_INFINITY);
    if (sinceMs < MOMENT_MS && waitedMs < UNANSWERED_MS) return;
    this.#atMs = [...this.#atMs, nowMs].filter(atMs => nowMs - atMs < this.#withinMs).slice(-this.#failures);
  }

  success(state: CircuitState): void {
    if (state === CircuitState.HalfOpen) this.#atMs = [];
  }

  failure(): boolean {
    return this.#atMs.length >= this.#failures;
  }
}

async function timed<T>(work: () => Promise<T>, waitedMs: WeakMap<Error, number>): Promise<T> {
  const startMs = Date.now();
  try {
    return await work();
  } catch (thrown) {
    const error = asError(thrown);
    waitedMs.set(error, Date.now() - startMs);
    throw error;
  }
}

function stateName(state: CircuitState): BreakerState {
  if (state === CircuitState.Closed) return 'closed';
  return state === CircuitState.HalfOpen ? 'half-open' : 'open';
}
