import { FunctionTimeoutError } from './invoke.ts';
import { messageOf } from './log.ts';
import type { RetryContext, RetryOptions } from './rpc.ts';

/** A function's retry policy; all delays in whole seconds, as the library rounds them. */
export interface RetryPolicy {
  /** -1 for ever. */
  readonly maxRetryCount: number;
  /** A fresh series of delays, for one batch. `random` gives numbers in [0, 1). */
  delaysMs(random: () => number): () => number;
}

/** @throws Error where the options name no strategy that there is. */
export function toRetryPolicy(options: RetryOptions | undefined): RetryPolicy | undefined {
  if (!options) return undefined;
  const maxRetryCount = options.maxRetryCount ?? 0;
  switch (options.retryStrategy) {
    case 'fixedDelay': {
      const delayMs = milliseconds(options.delayInterval);
      return { maxRetryCount, delaysMs: () => () => delayMs };
    }
    case 'exponentialBackoff': {
      const minimum = milliseconds(options.minimumInterval);
      const maximum = milliseconds(options.maximumInterval);
      if (minimum > maximum) throw new Error('retry: minimumInterval is greater than maximumInterval');
      return { maxRetryCount, delaysMs: random => exponentialDelays(minimum, maximum, random) };
    }
    default:
      throw new Error(`retry: unknown strategy "${options.retryStrategy}"`);
  }
}

function milliseconds(duration: { seconds?: number } | undefined): number {
  return (duration?.seconds ?? 0) * 1000;
}

/** The WebJobs SDK's RandomizedExponentialBackoffStrategy: minimum, then minimum + (1 ± 0.2) · 2^n · minimum up to the maximum, where it stays. */
function exponentialDelays(minimum: number, maximum: number, random: () => number): () => number {
  let exponent = 0;
  let current = 0;
  return () => {
    if (current === maximum && exponent > 0) return current;
    const increment = exponent === 0 ? 0 : (0.8 + 0.4 * random()) * 2 ** (exponent - 1) * minimum;
    exponent++;
    current = Math.min(minimum + increment, maximum);
    return current;
  };
}

export interface RetryRun {
  readonly policy: RetryPolicy | undefined;
  /** How often it was tried again before its worker ended of it; undefined where this is its first time. */
  readonly triedBefore?: number | undefined;
  /** Aborted: no further attempt is made, and the wait before one ends. */
  readonly signal: AbortSignal;
  readonly random: () => number;
  /** Resolves after so many milliseconds, or at once where the signal is aborted. */
  readonly sleep: (delayMs: number, signal: AbortSignal) => Promise<void>;
  readonly onRetry: (retry: number, delayMs: number, error: unknown) => void;
}

/** How a batch left its function: it succeeded, it failed for good, or it was given up while retries were still due. */
export type Ending = 'succeeded' | 'failed' | 'given-up';

/** Calls a function until it succeeds or its policy has no attempt left; never throws. */
export async function runWithRetries(
  attempt: (context: RetryContext | undefined) => Promise<unknown>,
  run: RetryRun,
): Promise<Ending> {
  const { policy, triedBefore, signal, random, sleep, onRetry } = run;
  const nextDelayMs = policy?.delaysMs(random);
  let context = policy && triedBefore !== undefined ? afterCrash(policy, triedBefore) : undefined;
  if (policy && context && isBeyond(policy, context.retryCount)) return 'failed';
  for (let retryCount = (context?.retryCount ?? 0) + 1; ; retryCount++) {
    try {
      await attempt(context);
      return 'succeeded';
    } catch (error) {
      if (!policy || !nextDelayMs) return 'failed';
      if (isBeyond(policy, retryCount)) return 'failed';
      // The worker is about to end: the batch is delivered again to the next one.
      if (error instanceof FunctionTimeoutError || signal.aborted) return 'given-up';
      const delayMs = nextDelayMs();
      onRetry(retryCount, delayMs, error);
      await sleep(delayMs, signal);
      if (signal.aborted) return 'given-up';
      const stackTrace = error instanceof Error ? error.stack : undefined;
      const exception = { message: messageOf(error), stackTrace };
      context = { retryCount, maxRetryCount: policy.maxRetryCount, exception };
    }
  }
}

/** What the function is told, as by the real host: of the first try, too, and of a failure with a source. */
export function toldContext(
  policy: RetryPolicy | undefined,
  context: RetryContext | undefined,
): RetryContext | undefined {
  if (!policy) return undefined;
  if (!context?.exception) return { retryCount: 0, maxRetryCount: policy.maxRetryCount };
  return { ...context, exception: { source: 'functions host', ...context.exception } };
}

function afterCrash({ maxRetryCount }: RetryPolicy, triedBefore: number): RetryContext {
  return { retryCount: triedBefore + 1, maxRetryCount, exception: { message: 'the worker ended' } };
}

const isBeyond = ({ maxRetryCount }: RetryPolicy, retryCount: number) =>
  maxRetryCount !== -1 && retryCount > maxRetryCount;
