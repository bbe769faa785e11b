import { getEventListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as core from '../../../src/core/waiting.ts';
import { defer } from '../../../src/hubs/deferred.ts';
import * as local from '../../../src/local/waiting.ts';
import { growth } from '../../support/live-heap.ts';

const { onceAborted, withDeadline } = core;
const listeners = ({ signal }: AbortController) => getEventListeners(signal, 'abort').length;

describe.each([
  ['the app', core],
  ['the local stack', local],
])('waiting in %s', (_, { abortable, within, LATE }) => {
  const unhandled = vi.fn();
  beforeEach(() => void process.on('unhandledRejection', unhandled));
  afterEach(() => {
    process.off('unhandledRejection', unhandled);
    vi.useRealTimers();
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('gives what the work gives, and leaves the signal', async () => {
    const end = new AbortController();
    const [good, bad] = [defer<number>(), defer<number>()];
    const waiting = [abortable(good.promise, end.signal), abortable(bad.promise, end.signal)];
    expect(listeners(end)).toBe(2);
    good.resolve(7);
    bad.reject(new Error('refused'));
    await expect(waiting[0]).resolves.toBe(7);
    await expect(waiting[1]).rejects.toThrow('refused');
    expect(listeners(end)).toBe(0);
  });

  it('throws the reason of a signal that comes meanwhile or came before; nobody hears how the work ends', async () => {
    const end = new AbortController();
    const work = defer<number>();
    const waiting = abortable(work.promise, end.signal);
    end.abort(new Error('the link is gone'));
    await expect(waiting).rejects.toThrow('the link is gone');
    await expect(abortable(work.promise, end.signal)).rejects.toThrow('the link is gone');
    work.reject(new Error('unheard'));
    await turn();
    expect(listeners(end)).toBe(0);
  });

  it('counts what was settled just before the signal came', async () => {
    const end = new AbortController();
    const [good, bad] = [defer<string>(), defer<string>()];
    const waiting = [abortable(good.promise, end.signal), abortable(bad.promise, end.signal)];
    good.resolve('confirmed');
    bad.reject(new Error('rejected'));
    end.abort(new Error('the link is gone'));
    await expect(waiting[0]).resolves.toBe('confirmed');
    await expect(waiting[1]).rejects.toThrow('rejected');
  });

  it('waits for a time, and takes the timer back', async () => {
    vi.useFakeTimers();
    const [good, bad, slow] = [defer<number>(), defer<number>(), defer<number>()];
    const waiting = [good, bad, slow].map(({ promise }) => within(promise, 500));
    good.resolve(7);
    bad.reject(new Error('refused'));
    await expect(waiting[0]).resolves.toBe(7);
    await expect(waiting[1]).rejects.toThrow('refused');
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(500);
    await expect(waiting[2]).resolves.toBe(LATE);
    slow.reject(new Error('unheard'));
  });

  it('leaves nothing of 200,000 waits on a signal that lives on', async () => {
    const { signal } = new AbortController();
    expect(await growth(200_000, () => abortable(Promise.resolve(Buffer.alloc(100)), signal))).toBeLessThan(1);
  });
});

describe('a listener', () => {
  it('is called once, at once where the signal has come, and not after it has left', () => {
    const end = new AbortController();
    const [stays, leaves, late] = [vi.fn(), vi.fn(), vi.fn()];
    onceAborted(end.signal, stays);
    onceAborted(end.signal, leaves)();
    end.abort();
    onceAborted(end.signal, late);
    expect([stays, leaves, late].map(({ mock }) => mock.calls.length)).toEqual([1, 0, 1]);
  });
});

describe('a deadline', () => {
  const untilAborted = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => onceAborted(signal, () => reject(signal.reason)));

  it('aborts the signal of the work, as does the signal that it follows', async () => {
    const end = new AbortController();
    await expect(withDeadline(5, end.signal, untilAborted)).rejects.toThrow('not done within 0.005 s');
    const working = withDeadline(60_000, end.signal, untilAborted);
    end.abort(new Error('closing'));
    await expect(working).rejects.toThrow('closing');
    await expect(withDeadline(60_000, end.signal, untilAborted)).rejects.toThrow('closing');
  });

  it('leaves the signal, and takes its timer back', async () => {
    const end = new AbortController();
    vi.useFakeTimers();
    expect(await withDeadline(1000, end.signal, async () => 7)).toBe(7);
    expect([listeners(end), vi.getTimerCount()]).toEqual([0, 0]);
    vi.useRealTimers();
  });
});
