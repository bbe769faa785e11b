import { afterEach, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/backends/onnx/engine.ts';
import { createInferencePool, type InferencePool } from '../../../src/backends/onnx/inference-pool.ts';
import { type PredictOptions, RunLost, WaitedTooLong } from '../../../src/core/backend.ts';
import { floats, type Notes, notes } from '../../support/models.ts';

const FRAGILE = new URL('../../support/fragile-process.ts', import.meta.url);

describe('inference pool', () => {
  let pool: InferencePool;
  let log: Notes;
  afterEach(() => pool.close());

  const openModel = (name: string) =>
    pool.open({ title: `${name}/1.0.0/model.onnx`, file: 'm.onnx', bytes: 1, plan: () => undefined as never });

  function open(size = 1, timeoutMs = 60_000): Promise<Engine> {
    log = notes();
    const limits = { timeoutMs, growBytes: 2 ** 29, loadTimeoutMs: 30_000 };
    pool = createInferencePool({ size, log, limits, script: FRAGILE });
    return openModel('m');
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

  it('starts a new process where one was lost, with its models; only the slice at work fails, not the one that lay ready', async () => {
    const engine = await open();
    const lost = ask(engine, -1).catch(thrown => thrown);
    const next = ask(engine, 7);
    expect(await lost).toBeInstanceOf(RunLost);
    expect(await lost).toMatchObject({
      reason: 'died',
      message: 'an inference process was ended by SIGSEGV, at m/1.0.0/model.onnx',
    });
    expect(await next).toBe(7);
    expect(log.about(/another takes its place/)).toHaveLength(1);
  });

  it('ends a slice that takes a hundred times what was measured, and two seconds', async () => {
    const engine = await open(1, 60_000);
    engine.expect?.(1);
    const start = performance.now();
    const lost = await ask(engine, Number.POSITIVE_INFINITY).catch(thrown => thrown);
    expect(lost).toMatchObject({
      name: 'RunLost',
      reason: 'time',
      message: 'an inference process did not answer within 2 s and was ended, at m/1.0.0/model.onnx',
    });
    expect(performance.now() - start).toBeGreaterThan(1_900);
    expect(await ask(engine, 5)).toBe(5);
  });

  it('waits no longer than it may, whatever was measured', async () => {
    const engine = await open(1, 400);
    engine.expect?.(1_000);
    expect(await ask(engine, Number.POSITIVE_INFINITY).catch(thrown => thrown.reason)).toBe('time');
  });

  it('lets no other model wait for one that spins, nor what lay ready behind it', async () => {
    const engine = await open(1);
    const other = await openModel('other');
    engine.expect?.(1);
    other.expect?.(1);
    const order: string[] = [];
    const note = (what: string) => (): unknown => order.push(what);
    const spinning = ask(engine, Number.POSITIVE_INFINITY).catch(note('the spinning one'));
    const behind = ask(other, 2).then(note('behind it'));
    const waiting = ask(engine, 3).then(note('its own model'));
    const others = ask(other, 4).then(note('another model'));
    await Promise.all([spinning, behind, waiting, others]);
    expect(order.slice(0, 2).sort()).toEqual(['another model', 'behind it']);
    expect(order.slice(2)).toEqual(['the spinning one', 'its own model']);
    expect(await Promise.all([ask(engine, 8), ask(other, 9)])).toEqual([8, 9]);
  });

  it('spreads slices over its processes', async () => {
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

  it('gives up a slice that no process could begin in time, and goes on', async () => {
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
    expect(pool.load).toBeGreaterThan(0.015); // 400 ms of two processes' ten seconds
    expect(pool.load).toBeLessThan(0.1);
  });

  it('lets running slices end when it is closed', async () => {
    const engine = await open();
    const running = ask(engine, 100);
    await pool.close();
    expect(await running).toBe(100);
  });
});
