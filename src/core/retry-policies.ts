import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
  type IBackoff,
  type IBackoffFactory,
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
  /** Failures in a row that open it. */
  readonly failures: number;
  /** It lets one call through after this long. */
  readonly resetMs: number;
  readonly log: Log;
  readonly onState?: ((state: BreakerState) => void) | undefined;
}

export interface Breaker {
  /** @throws InfrastructureError at once while the breaker is open. */
  execute<T>(work: () => Promise<T>): Promise<T>;
  readonly state: BreakerState;
}

/**
 * Spares a service that is away, and those who would wait for it. `counts` names the errors that are that service's: others pass
 * through uncounted, though they may be retryable, since what is away then is something else.
 */
export function createBreaker(options: BreakerOptions, counts: (error: Error) => boolean): Breaker {
  const policy = circuitBreaker(handleWhen(counts), {
    halfOpenAfter: options.resetMs,
    breaker: new ConsecutiveBreaker(options.failures),
  });
  policy.onStateChange(state => {
    const name = stateName(state);
    const say = `circuit breaker of the ${options.name} is ${name}`;
    if (name === 'open')
      options.log.warn(`${say}: ${options.failures} failures in a row; next try in ${options.resetMs / 1000} s`);
    else options.log.info(say);
    options.onState?.(name);
  });
  return {
    async execute(work) {
      try {
        return await policy.execute(work);
      } catch (thrown) {
        if (thrown instanceof BrokenCircuitError) {
          throw new InfrastructureError(
            `the ${options.name} failed ${options.failures} times in a row: waiting before the next try`,
            {
              cause: asError(thrown),
            },
          );
        }
        throw thrown;
      }
    },
    get state() {
      return stateName(policy.state);
    },
  };
}

function stateName(state: CircuitState): BreakerState {
  if (state === CircuitState.Closed) return 'closed';
  return state === CircuitState.HalfOpen ? 'half-open' : 'open';
}
