import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import {
  createOnnxBackends,
  type OnnxBackends,
  type OnnxBackendsOptions,
} from '../../../src/backends/onnx/backends.ts';
import { inlineLimitMs } from '../../../src/backends/onnx/placement.ts';
import type { Backend, RuntimeWishes } from '../../../src/core/backend.ts';
import { floats, notes, sourceOf, temporaryFolder } from '../../support/models.ts';
import { heavy, large, regressor } from '../../support/onnx.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

describe('placement', () => {
  let backends: OnnxBackends | undefined;
  const opened: Backend[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(backend => backend.close()));
    await backends?.close();
  });
  async function load(
    file: Buffer,
    options: Partial<OnnxBackendsOptions> = {},
    wishes: Partial<RuntimeWishes> = {},
  ): Promise<Backend> {
    backends ??= createOnnxBackends({ threads: 1, inlineMaxMs: 4, workerMinMs: 4, log: notes(), ...options });
    const none = { placement: undefined, intraOpThreads: undefined, maxQueueDelayMs: undefined };
    const backend = backends.open({ ...sourceOf(folder.path, file), wishes: { ...none, ...wishes } });
    opened.push(backend);
    await backend.load();
    return backend;
  }
  afterEach(() => {
    backends = undefined;
  });

  it('runs a model in-line whose slices are quick', async () => {
    expect((await load(regressor([1, 2]))).info).toMatchObject({ placement: 'in-line', maxBatchSize: 16 });
  });

  it('runs a slow model in a worker, however small its file', async () => {
    const { info } = await load(heavy());
    expect(info.placement).toBe('worker');
    expect(info.warmUpMs).toBeGreaterThan(4);
  });

  it('does not open a large file on the main thread', async () => {
    expect((await load(large(3 * 1024 * 1024))).info.placement).toBe('worker');
  });

  it('runs everything in-line where there are no worker processes', async () => {
    expect((await load(heavy({ size: 512 }), { threads: 0 })).info.placement).toBe('in-line');
  });

  it('runs a model where its card says, and with as many threads', async () => {
    const inline = await load(large(3 * 1024 * 1024), {}, { placement: 'in-line', intraOpThreads: 2 });
    expect(inline.info.placement).toBe('in-line');
    const worker = await load(regressor([1, 2]), {}, { placement: 'worker', intraOpThreads: 2 });
    expect(worker.info.placement).toBe('worker');
    for (const backend of [inline, worker]) {
      const { variable } = await backend.predict({ x: floats([2, 2], 1, 2, 3, 4) });
      expect(variable?.dims).toEqual([2, 1]);
    }
  });

  it.each([
    ['a core is free', 2, 0.2, 1],
    ['there is one core', 1, 0, 5],
    ['the threads have work', 4, 0.8, 5],
  ])('lets a batch take so long in-line where %s', (_, cores, load, limitMs) => {
    expect(inlineLimitMs({ inlineMaxMs: 1, workerMinMs: 5 }, cores, load)).toBe(limitMs);
    expect(inlineLimitMs({ inlineMaxMs: 20, workerMinMs: 5 }, cores, load)).toBe(20);
  });

  it('keeps the event loop free of a heavy model', async () => {
    const backend = await load(heavy({ size: 1024, rounds: 4 }));
    const sliceMs = backend.info.warmUpMs;
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    for (let slice = 0; slice < 5; slice++) await backend.predict({ x: floats([2, 4], 1, 2, 3, 4, 5, 6, 7, 8) });
    delay.disable();
    // In-line the longest delay would be a whole slice at least.
    expect(delay.percentile(95) / 1e6).toBeLessThan(sliceMs / 4);
    expect(delay.max / 1e6).toBeLessThan(sliceMs);
  });
});
