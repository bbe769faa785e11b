import { expect, it } from 'vitest';
import type { Choice, Point, SideBySide } from '../../../../src/cli/tune/choose.ts';
import { showCurve, showSideBySide } from '../../../../src/cli/tune/show-tuning.ts';

const plain = (_: unknown, text: string) => text;
const WAYS = [
  { placement: 'in-line', threads: 1 },
  { placement: 'in-line', threads: 2 },
  { placement: 'worker', threads: 1 },
  { placement: 'worker', threads: 2 },
] as const;
const CHOICE: Choice = { ...WAYS[2], batch: 32, why: [] };
const POINTS: readonly Point[] = WAYS.flatMap(way =>
  [1, 32].map(batch => ({ ...way, batch, batchMs: 1, modelMs: 1, perSecond: 1000 * batch * way.threads + 7 })),
);
const SIDES: readonly SideBySide[] = WAYS.map((way, i) => ({
  ...way,
  batch: 32,
  streams: 2,
  perSecond: 12_345 + i,
  p50Ms: 4.2,
  p95Ms: 17,
  timersLateMs: 0.03,
}));

it.each([31, 40, 60, 80, 92, 120])('tables of a tuning fit %d columns, with every figure', width => {
  const curve = showCurve(POINTS, CHOICE, plain, width);
  const beside = showSideBySide(SIDES, CHOICE, plain, width);
  for (const line of [...curve, ...beside]) expect(line.trimEnd().length).toBeLessThanOrEqual(width);
  for (const { batch, threads } of POINTS) {
    expect(curve.join('\n')).toContain((1000 * batch * threads + 7).toLocaleString('en'));
  }
  for (const { perSecond } of SIDES) expect(beside.join('\n')).toContain(perSecond.toLocaleString('en'));
  expect(curve.filter(line => line.includes('←'))).toHaveLength(1);
  expect(beside.filter(line => line.includes('←'))).toHaveLength(1);
});

it('they stand side by side where there is room', () => {
  const curve = showCurve(POINTS, CHOICE, plain, 120);
  expect(curve).toHaveLength(3);
  expect(curve[0]).toMatch(/^ events\/s +in-line, 1 thread +in-line, 2 threads +worker, 1 thread +worker, 2 threads/);
  expect(showSideBySide(SIDES, CHOICE, plain, 120)[3]).toMatch(
    /^ worker, 1 thread, batch 32 +12,347 +4\.2 +17 +0\.030? ms ←$/,
  );
});
