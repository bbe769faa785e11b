import { describe, expect, it } from 'vitest';
import { batchFor, choose, kneeOf, type Point, type SideBySide, type Way } from '../../../../src/cli/tune/choose.ts';
import { batchesTo, waysOn } from '../../../../src/cli/tune/tune-model.ts';

const LIMITS = { inlineMaxMs: 1, workerMinMs: 5, cores: 2 };

/** A batch takes `fixedMs` and `rowMs` for each row, all of it in the model. */
function curve(way: Way, fixedMs: number, rowMs: number, batches = [1, 4, 16, 32, 64, 128, 256, 512, 1000]): Point[] {
  return batches.map(batch => {
    const batchMs = fixedMs + rowMs * batch;
    return { ...way, batch, batchMs, modelMs: batchMs, perSecond: (1000 * batch) / batchMs };
  });
}

const side = (way: Way, perSecond: number, timersLateMs = 1): SideBySide => ({
  ...way,
  batch: 32,
  streams: 2,
  perSecond,
  p50Ms: 1,
  p95Ms: 2,
  timersLateMs,
});

const INLINE: Way = { placement: 'in-line', threads: 1 };
const INLINE_2: Way = { placement: 'in-line', threads: 2 };
const WORKER: Way = { placement: 'worker', threads: 1 };
const WORKER_2: Way = { placement: 'worker', threads: 2 };

describe('batch size', () => {
  it('is the smallest that is as good as the best', () => {
    expect(kneeOf(curve(INLINE, 0.1, 0.001)).batch).toBe(512); // 0.84 of what is possible, 0.92 of what 1000 give
    expect(kneeOf(curve(INLINE, 0, 0.05)).batch).toBe(1);
    expect(() => kneeOf([])).toThrow('nothing was measured');
  });

  it('lets the event loop turn in-line, where that costs little', () => {
    const points = curve(INLINE, 0.1, 0.003); // 1 ms at 300
    expect(kneeOf(points).batch).toBe(256);
    expect(batchFor(curve(INLINE, 0.2, 0.006), LIMITS).batch).toBe(128); // 256 would be a little quicker, but hold it for 1.7 ms
    expect(batchFor(curve(WORKER, 0.2, 0.006), LIMITS).batch).toBe(256);
    expect(batchFor(curve(INLINE, 5, 0.001), LIMITS).batch).toBe(1000); // no batch is quick enough
  });
});

describe('the choice', () => {
  it('is in-line for a quick model, whatever workers give', () => {
    const points = [...curve(INLINE, 0.02, 0.001), ...curve(WORKER, 0.15, 0.001)];
    const choice = choose(points, [side(INLINE, 500_000), side(WORKER, 900_000)], LIMITS);
    expect(choice).toMatchObject({ placement: 'in-line', threads: 1, batch: 256 });
    expect(choice.why[0]).toBe('in-line: in the model for 0.28 ms of a batch of 256, no more than INLINE_MAX_MS (1)');
  });

  it('is worker processes for a heavy one, even where they are a little slower', () => {
    const points = [...curve(INLINE, 20, 0.05), ...curve(WORKER, 20.2, 0.05)];
    const choice = choose(points, [side(INLINE, 14_000, 80), side(WORKER, 13_000, 0.4)], LIMITS);
    expect(choice.placement).toBe('worker');
    expect(choice.why[0]).toMatch(
      /in the model for 70 ms of a batch of 1000, more than WORKER_MIN_MS \(5\); timers are late by 0\.4 ms instead of 80 \(p99\), at 93 %/,
    );
  });

  it('between the two asks what workers keep of the throughput, and whether there is a core for them', () => {
    const points = [...curve(INLINE, 2, 0.0001), ...curve(WORKER, 2.1, 0.0001)];
    const placed = (kept: number, cores: number) =>
      choose(points, [side(INLINE, 1000), side(WORKER, 1000 * kept)], { ...LIMITS, cores }).placement;
    expect([placed(0.95, 2), placed(0.8, 2), placed(0.95, 1)]).toEqual(['worker', 'in-line', 'in-line']);
  });

  it('takes more threads only where they bring much', () => {
    const points = [WORKER, WORKER_2, INLINE, INLINE_2].flatMap(way => curve(way, 30, 0.05));
    const threads = (two: number) =>
      choose(points, [side(INLINE, 900), side(INLINE_2, 900), side(WORKER, 1000), side(WORKER_2, two)], LIMITS);
    expect(threads(1100).threads).toBe(1);
    expect(threads(1800)).toMatchObject({ placement: 'worker', threads: 2 });
    expect(threads(1800).why[1]).toBe('2 threads a slice: 1 thread gives 56 % of its throughput');
  });

  it('never shares out a batch that is quick', () => {
    const points = [INLINE, INLINE_2].flatMap(way => curve(way, 0.02, 0.001));
    const choice = choose(points, [side(INLINE, 1000), side(INLINE_2, 1900)], LIMITS);
    expect(choice.threads).toBe(1);
    expect(choice.why[1]).toBe('1 thread a slice: 0.28 ms in the model are too short to be shared out');
  });

  it('is in-line where there are no workers', () => {
    const choice = choose(curve(INLINE, 50, 1), [side(INLINE, 100)], LIMITS);
    expect(choice).toMatchObject({
      placement: 'in-line',
      why: ['in-line: the only placement there is', expect.any(String)],
    });
  });
});

describe('what is tried', () => {
  it('is every placement with threads up to the cores', () => {
    expect(waysOn(2, 1)).toEqual([INLINE, INLINE_2, WORKER, WORKER_2]);
    expect(waysOn(1, 1)).toEqual([INLINE, WORKER]);
    expect(waysOn(6, 0).map(({ threads }) => threads)).toEqual([1, 2, 4, 6]);
  });

  it('is every batch size up to the largest', () => {
    expect(batchesTo(100)).toEqual([1, 4, 16, 32, 64, 100]);
    expect(batchesTo(1)).toEqual([1]);
  });
});
