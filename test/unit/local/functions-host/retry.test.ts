import { describe, expect, it } from 'vitest';
import { FunctionTimeoutError } from '../../../../src/local/functions-host/invoke.ts';
import { runWithRetries, toldContext, toRetryPolicy } from '../../../../src/local/functions-host/retry.ts';
import type { RetryContext, RetryOptions } from '../../../../src/local/functions-host/rpc.ts';
import { randomInputs } from '../../../support/seed.ts';

function delays(options: RetryOptions, count: number, random: () => number): number[] {
  const next = toRetryPolicy(options)?.delaysMs(random) as () => number;
  return Array.from({ length: count }, next);
}

const fixed: RetryOptions = { retryStrategy: 'fixedDelay', maxRetryCount: 2, delayInterval: { seconds: 3 } };

/** The contexts of all attempts at a function that always fails. */
async function contextsOf(options: RetryOptions, triedBefore?: number): Promise<(RetryContext | undefined)[]> {
  const contexts: (RetryContext | undefined)[] = [];
  const policy = toRetryPolicy(options);
  const attempt = async (context: RetryContext | undefined) => {
    contexts.push(toldContext(policy, context));
    throw new Error('told to fail');
  };
  await runWithRetries(attempt, {
    policy,
    triedBefore,
    signal: new AbortController().signal,
    random: () => 0.5,
    sleep: async () => {},
    onRetry: () => {},
  });
  return contexts;
}

describe('the retry context', () => {
  it('is there at the first try, too', async () => {
    expect((await contextsOf(fixed))[0]).toEqual({ retryCount: 0, maxRetryCount: 2 });
  });

  it('tells of the failure at the others, with a source', async () => {
    const [, second] = await contextsOf(fixed);
    expect(second).toMatchObject({ retryCount: 1, exception: { source: expect.any(String), message: 'told to fail' } });
  });

  it('counts on where the worker ended at the batch', async () => {
    expect((await contextsOf(fixed, 0)).map(context => context?.retryCount)).toEqual([1, 2]);
    expect(await contextsOf(fixed, 2)).toEqual([]);
  });
});

describe('toRetryPolicy', () => {
  it('keeps a fixed delay', () => {
    expect(delays(fixed, 3, randomInputs().next)).toEqual([3000, 3000, 3000]);
  });

  it('backs off from the minimum to the maximum, and stays there', () => {
    const options = {
      retryStrategy: 'exponentialBackoff',
      maxRetryCount: -1,
      minimumInterval: { seconds: 2 },
      maximumInterval: { seconds: 20 },
    };
    expect(delays(options, 7, () => 0.5)).toEqual([2000, 4000, 6000, 10_000, 18_000, 20_000, 20_000]);
    expect(delays(options, 3, () => 0)).toEqual([2000, 3600, 5200]);
    expect(delays(options, 3, () => 0.9999999999)[2]).toBeCloseTo(6800, 3);
  });

  it('starts every batch from the minimum', () => {
    const policy = toRetryPolicy({
      retryStrategy: 'exponentialBackoff',
      minimumInterval: { seconds: 1 },
      maximumInterval: { seconds: 9 },
    });
    const first = policy?.delaysMs(() => 0.5);
    expect([first?.(), first?.(), policy?.delaysMs(() => 0.5)()]).toEqual([1000, 2000, 1000]);
  });

  it('refuses what is none', () => {
    expect(() => toRetryPolicy({ retryStrategy: 'sometimes' })).toThrow(/unknown strategy "sometimes"/);
    expect(toRetryPolicy(undefined)).toBeUndefined();
  });
});

describe('runWithRetries', () => {
  /** Fails so often; notes contexts and waits. */
  function rig(failures: number, error: unknown = new Error('away')) {
    const contexts: (RetryContext | undefined)[] = [];
    const slept: number[] = [];
    const stop = new AbortController();
    const run = (options: RetryOptions | undefined, afterAttempt?: (attempts: number) => void) =>
      runWithRetries(
        async context => {
          contexts.push(context);
          afterAttempt?.(contexts.length);
          if (contexts.length <= failures) throw error;
        },
        {
          policy: toRetryPolicy(options),
          signal: stop.signal,
          random: () => 0.5,
          sleep: async ms => void slept.push(ms),
          onRetry: () => undefined,
        },
      );
    return { contexts, slept, stop, run };
  }

  it('tells the function which retry it is and what went wrong', async () => {
    const { contexts, slept, run } = rig(2);
    expect(await run(fixed)).toBe('succeeded');
    expect(contexts).toEqual([
      undefined,
      {
        retryCount: 1,
        maxRetryCount: 2,
        exception: { message: 'away', stackTrace: expect.stringContaining('Error: away') },
      },
      { retryCount: 2, maxRetryCount: 2, exception: expect.anything() },
    ]);
    expect(slept).toEqual([3000, 3000]);
  });

  it('ends after the last retry', async () => {
    const { contexts, run } = rig(9);
    expect(await run(fixed)).toBe('failed');
    expect(contexts).toHaveLength(3);
  });

  it('goes on for ever with maxRetryCount -1', async () => {
    const { contexts, run } = rig(500);
    expect(await run({ ...fixed, maxRetryCount: -1 })).toBe('succeeded');
    expect(contexts).toHaveLength(501);
  });

  it('fails at once without a policy', async () => {
    expect(await rig(1).run(undefined)).toBe('failed');
  });

  it('gives up, rather than fail, where it is stopped or the worker has to end', async () => {
    const stopped = rig(9);
    expect(await stopped.run(fixed, attempts => attempts === 2 && stopped.stop.abort())).toBe('given-up');
    expect(stopped.contexts).toHaveLength(2);
    expect(await rig(9, new FunctionTimeoutError('too long')).run(fixed)).toBe('given-up');
    expect(await rig(9, new FunctionTimeoutError('too long')).run(undefined)).toBe('failed');
  });
});
