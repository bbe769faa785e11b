import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { warmUp } from '../../../src/backends/onnx/warm-up.ts';
import type { WarmUpPlan } from '../../../src/core/backend.ts';
import type { Tensors } from '../../../src/core/tensor.ts';
import { floats } from '../../support/models.ts';

/** A model whose slices take so long; it refuses more than `largest` rows. */
interface Model {
  readonly fixedMs?: number;
  readonly rowMs: number;
  readonly largest?: number;
}

describe('warm-up', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  async function tryModel(model: Model, plan: Partial<WarmUpPlan> = {}, limitMs = 1000) {
    const { fixedMs = 0, rowMs, largest = Number.POSITIVE_INFINITY } = model;
    const tried: number[] = [];
    const source = { title: 'm', file: '', bytes: 0, plan: () => undefined as never };
    const inputs = (rows: number): Tensors => ({ x: floats([rows]) });
    const run = async ({ x }: Tensors) => {
      const rows = x?.dims[0] as number;
      tried.push(rows);
      if (rows > largest) throw new Error('too many');
      vi.advanceTimersByTime(fixedMs + rows * rowMs);
      return {};
    };
    const found = await warmUp(source, { maxBatchSize: undefined, fixedBatch: false, inputs, ...plan }, run, limitMs);
    return { ...found, tried };
  }

  it.each([
    ['light', { rowMs: 0.0005 }, 1000],
    ['light, but for what every run costs', { fixedMs: 0.5, rowMs: 0.0004 }, 1000],
    ['medium', { rowMs: 0.01 }, 256],
    ['medium, but for what every run costs', { fixedMs: 1, rowMs: 0.01 }, 256],
    ['heavy', { rowMs: 0.2 }, 32],
    ['very heavy', { rowMs: 50 }, 8],
    ['hopeless', { rowMs: 2000 }, 1],
  ])('chooses slices of a model that is %s', async (_, model, rows) => {
    expect(await tryModel(model)).toMatchObject({ maxBatchSize: rows });
  });

  it('says what a slice of the size it chose takes', async () => {
    expect((await tryModel({ rowMs: 0.25 })).sliceMs).toBe(8);
  });

  it('tries no more rows than it takes to see that a model is too slow', async () => {
    const { tried, stopped } = await tryModel({ rowMs: 0.25 }, {}, 1);
    expect(stopped).toBe(true);
    expect(Math.max(...tried)).toBe(8);
  });

  it('takes the size it is told, whatever that costs', async () => {
    expect(await tryModel({ rowMs: 0.25 }, { maxBatchSize: 100 })).toMatchObject({ maxBatchSize: 100, sliceMs: 25 });
  });

  it('tries a model that takes one batch size only with that', async () => {
    const { tried, maxBatchSize } = await tryModel({ rowMs: 0.25 }, { maxBatchSize: 4, fixedBatch: true });
    expect([new Set(tried), maxBatchSize]).toEqual([new Set([4]), 4]);
  });

  it('is content with the largest slice that does not fail', async () => {
    expect(await tryModel({ rowMs: 0.001, largest: 100 })).toMatchObject({ maxBatchSize: 32, stopped: false });
    expect(await tryModel({ rowMs: 0.001, largest: 1 })).toMatchObject({ maxBatchSize: 1, stopped: false });
  });
});
