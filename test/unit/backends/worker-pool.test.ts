import { afterEach, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/backends/onnx/engine.ts';
import { createWorkerPool, type WorkerPool } from '../../../src/backends/onnx/worker-pool.ts';
import { type PredictOptions, WaitedTooLong } from '../../../src/core/backend.ts';
import { floats, type Notes, notes } from '../../support/models.ts';

const FRAGILE = new URL('../../support/fragile-worker.ts', import.meta.url);

describe('worker pool', () => {
  let pool: WorkerPool;
  let log: Notes;
  afterEach(() => pool.close());

  async function open(size = 1): Promise<Engine> {
    log = notes();
    pool = createWorkerPool({ size, log, url: FRAGILE });
    return pool.open({ title: 'm/1.0.0/model.onnx', file: 'm.onnx', bytes: 1, plan: () => undefined as never });
  }
  const ask = async (engine: Engine, value: number, options?: PredictOptions) =>
    (await engine.run({ x: floats([1], value) }, options)).x?.data[0];

  it('takes the most urgent slice first, and among equals the oldest', async () => {
    const engine = await open();
    const order: number[] = [];
    const note = (value: number, priority: number) => ask(engine, value, { priority }).then(() => order.push(value));
    // 1 is at work when the others come, and 2 lies ready.
    await Promise.all([note(1, 9), note(2, 9), note(3, 3), note(4, 1), note(5, 3), note(6, 0)]);
    expect(order).toEqual([1, 2, 6, 4, 3, 5]);
  });

  it('starts a new thread where one was lost, with its models; only the slice at work fails, not the one that lay ready', async () => {
    const engine = await open();
    const lost = ask(engine, -1).catch(thrown => (thrown as Error).message);
    const next = ask(engine, 7);
    expect(await lost).toMatch(/worker thread was lost: out of luck/);
    expect(await next).toBe(7);
    expect(log.about(/another takes its place/)).toHaveLength(1);
  });

  it('spreads slices over its threads', async () => {
    const engine = await open(2);
    const start = performance.now();
    await Promise.all([ask(engine, 500), ask(engine, 501)]);
    expect(performance.now() - start).toBeLessThan(950);
  });

  it('forgets a waiting slice whose time is over, and the others go on', async () => {
    const engine = await open();
    const abort = new AbortController();
    const first = ask(engine, 100);
    void ask(engine, 1); // lies ready
    const second = ask(engine, -1, { signal: abort.signal });
    const third = ask(engine, 3);
    abort.abort(new Error('too late'));
    await expect(second).rejects.toThrow('too late');
    expect(await Promise.all([first, third])).toEqual([100, 3]);
  });

  it('gives up a slice that no thread could begin in time, and goes on', async () => {
    const engine = await open();
    const first = ask(engine, 100);
    void ask(engine, 1); // lies ready
    const late = ask(engine, 2, { maxWaitMs: 10 }).catch(thrown => thrown);
    const patient = ask(engine, 3, { maxWaitMs: 60_000 });
    expect(await first).toBe(100);
    expect(await late).toBeInstanceOf(WaitedTooLong);
    expect(await patient).toBe(3);
  });

  it('knows how busy it was of late', async () => {
    const engine = await open(2);
    expect(pool.load).toBe(0);
    await ask(engine, 400);
    expect(pool.load).toBeGreaterThan(0.015); // 400 ms of two threads' ten seconds
    expect(pool.load).toBeLessThan(0.1);
  });

  it('lets running slices end when it is closed', async () => {
    const engine = await open();
    const running = ask(engine, 100);
    await pool.close();
    expect(await running).toBe(100);
  });
});
