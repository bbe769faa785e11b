import { describe, expect, it } from 'vitest';
import { choosePack, type PackPoint, showPacks } from '../../../../src/cli/tune/packs.ts';

const plain = (_: unknown, text: string) => text;
const point = (rows: number, rowsPerSecond: number, rowsAUnit: number): PackPoint => ({
  rows,
  rowUs: 0.4,
  rowsPerSecond,
  rowsAUnit,
});

describe('the pack that pays', () => {
  it('is the smallest with most of the best, in rows a second as in rows a unit', () => {
    const points = [
      point(1, 29_000, 500),
      point(10, 200_000, 3_500),
      point(50, 700_000, 4_600),
      point(100, 800_000, 4_700),
    ];
    expect(choosePack(points)?.rows).toBe(50);
    const lines = showPacks(points, plain);
    expect(lines[3]).toMatch(/^ +50 +700,000 +0\.40 +4,600 ←$/);
    expect(lines.at(-1)).toContain(
      'packs of 50 pay: 24.1 times the rows of single events, 9.2 times those of a throughput unit',
    );
  });

  it('is none where the model takes the time and the bytes the units', () => {
    const points = [point(1, 100, 40), point(10, 102, 41)];
    expect(choosePack(points)?.rows).toBe(1);
    expect(showPacks(points, plain).at(-1)).toContain('packs bring nothing');
    expect(showPacks([], plain)).toEqual([]);
  });
});
