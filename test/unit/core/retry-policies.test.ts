import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConfigurationError, InfrastructureError, isRetryable, RequestError } from '../../../src/core/errors.ts';
import { SendError } from '../../../src/core/hub-sender.ts';
import { type BreakerState, createBreaker, createRetry } from '../../../src/core/retry-policies.ts';

class Away extends Error {}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('retry', () => {
  it('tries so often and no more, with growing pauses', async () => {
    const retry = createRetry({ retries: 3, initialDelayMs: 100, maxDelayMs: 1_000 });
    let tries = 0;
    const running = retry.execute(() => Promise.reject(new InfrastructureError(`${++tries}`)));
    const ended = expect(running).rejects.toThrow('4');
    await vi.advanceTimersByTimeAsync(0);
    expect(tries).toBe(1);
    await vi.advanceTimersByTimeAsync(5_000);
    await ended;
    expect(tries).toBe(4);
  });

  it('leaves who asks for it alone for so long', async () => {
    const retry = createRetry({ retries: 3, initialDelayMs: 100, maxDelayMs: 1_000 });
    const busy = (retryAfterMs: number | undefined) => new SendError('busy', 'absent', 0, { retryAfterMs });
    let tries = 0;
    const running = retry.execute(() => {
      tries++;
      return tries < 3 ? Promise.reject(busy(tries === 1 ? 4_000 : undefined)) : Promise.resolve('taken');
    });
    await vi.advanceTimersByTimeAsync(3_990);
    expect(tries).toBe(1);
    await vi.advanceTimersByTimeAsync(20);
    expect(tries).toBe(2);
    await vi.advanceTimersByTimeAsync(1_000);
    await expect(running).resolves.toBe('taken');
  });

  it.each([
    ['a bug', new TypeError('a bug')],
    ['a request that cannot be scored', new RequestError('schema_mismatch', 'validate', 'too few')],
    ['a setting', new ConfigurationError('no hub')],
    ['a message that is too large', new SendError('too large', 'too-large', 0)],
    ['a thing that is no error', { retryable: true }],
  ])('leaves %s alone, which would only fail again', async (_, thrown) => {
    const retry = createRetry({ retries: 3, initialDelayMs: 100, maxDelayMs: 1_000 });
    let tries = 0;
    const running = retry.execute(() => {
      tries++;
      return Promise.reject(thrown);
    });
    await expect(running).rejects.toBe(thrown);
    expect(tries).toBe(1);
    expect(isRetryable(thrown)).toBe(false);
  });

  it.each([
    ['away', new InfrastructureError('storage is away')],
    ['refused', new SendError('busy', 'absent', 0)],
    ['of unknown fate', new SendError('lost', 'unknown', 0)],
  ])('tries what is %s once more', async (_, thrown) => {
    const retry = createRetry({ retries: 3, initialDelayMs: 100, maxDelayMs: 1_000 });
    let tries = 0;
    const running = retry.execute(() => (++tries === 1 ? Promise.reject(thrown) : Promise.resolve(tries)));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await running).toBe(2);
  });
});

describe('breaker', () => {
  const states: BreakerState[] = [];
  const said: string[] = [];
  const say = (message: string) => void said.push(message);
  const create = (withinMs?: number) =>
    createBreaker(
      {
        name: 'results hub',
        failures: 3,
        withinMs,
        resetMs: 60_000,
        log: { info: say, warn: say, error: say },
        onState: state => void states.push(state),
      },
      error => error instanceof Away,
    );
  const fail = () => Promise.reject(new Away('away'));
  beforeEach(() => {
    states.length = 0;
    said.length = 0;
  });

  it('opens after failures in a row, refuses at once, lets one through after a while', async () => {
    const breaker = create();
    for (let i = 0; i < 3; i++) await expect(breaker.execute(fail)).rejects.toThrow(Away);
    const called = vi.fn(async () => 1);
    await expect(breaker.execute(called)).rejects.toThrow(InfrastructureError);
    expect(called).not.toHaveBeenCalled();
    expect(breaker.state).toBe('open');
    await vi.advanceTimersByTimeAsync(60_000);
    await expect(breaker.execute(fail)).rejects.toThrow(Away); // the trial
    await expect(breaker.execute(async () => 1)).rejects.toThrow(InfrastructureError);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await breaker.execute(async () => 2)).toBe(2);
    expect(breaker.state).toBe('closed');
    expect(states).toEqual(['open', 'half-open', 'open', 'half-open', 'closed']);
    expect(said[0]).toMatch(/results hub is open: it failed 3 times in a row; next try in 60 s; at last: away$/);
  });

  it('does not count what is no failure of the service, nor failures with successes between', async () => {
    const breaker = create();
    for (let i = 0; i < 10; i++)
      await expect(breaker.execute(() => Promise.reject(new TypeError('a bug')))).rejects.toThrow(TypeError);
    for (let i = 0; i < 10; i++) {
      await expect(breaker.execute(fail)).rejects.toThrow(Away);
      await breaker.execute(async () => 1);
    }
    expect(breaker.state).toBe('closed');
  });

  it('is half open as soon as it would let a call through, though none comes', async () => {
    const breaker = create();
    for (let i = 0; i < 3; i++) await expect(breaker.execute(fail)).rejects.toThrow(Away);
    expect(() => breaker.check()).toThrow(
      /results hub failed 3 times in a row and is left alone for 60 s; at last: away/,
    );
    await vi.advanceTimersByTimeAsync(59_999);
    expect(breaker.state).toBe('open');
    await vi.advanceTimersByTimeAsync(1);
    expect(breaker.state).toBe('half-open');
    breaker.check();
  });

  it('says of its refusal that no try of the same batch mends it', async () => {
    const breaker = create();
    for (let i = 0; i < 3; i++) await expect(breaker.execute(fail)).rejects.toThrow(Away);
    const refusal = await breaker.execute(fail).catch(thrown => thrown);
    expect(refusal).toBeInstanceOf(InfrastructureError);
    expect(isRetryable(refusal)).toBe(false);
  });

  it('counts failures within a time, whatever succeeds between them', async () => {
    const breaker = create(60_000);
    for (const sinceMs of [0, 25_000, 36_000]) {
      await vi.advanceTimersByTimeAsync(sinceMs);
      await expect(breaker.execute(fail)).rejects.toThrow(Away);
      await breaker.execute(async () => 'sent');
    }
    expect(breaker.state).toBe('closed'); // the first is 61 s old
    await vi.advanceTimersByTimeAsync(20_000);
    await expect(breaker.execute(fail)).rejects.toThrow(Away);
    expect(breaker.state).toBe('open');
    expect(said[0]).toMatch(/is open: it failed 3 times within 60 s/);
  });

  it('takes what fails at one moment for one failure: a connection that ended under eight partitions', async () => {
    const breaker = create(60_000);
    for (let i = 0; i < 8; i++) await expect(breaker.execute(fail)).rejects.toThrow(Away);
    expect(breaker.state).toBe('closed');
    for (let i = 0; i < 2; i++) {
      await vi.advanceTimersByTimeAsync(1_000);
      await expect(breaker.execute(fail)).rejects.toThrow(Away);
    }
    expect(breaker.state).toBe('open');
  });

  it('counts each that waited in vain, though they end at one moment', async () => {
    const breaker = create(60_000);
    const hang = () => new Promise((_, reject) => setTimeout(() => reject(new Away('no answer')), 10_000));
    const calls = [1, 2, 3].map(() => breaker.execute(hang).catch(() => {}));
    await vi.advanceTimersByTimeAsync(10_000);
    await Promise.all(calls);
    expect(breaker.state).toBe('open');
  });
});
