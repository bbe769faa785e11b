import { describe, expect, it } from 'vitest';
import { zipfPicker } from '../../../../src/cli/load/pick-key.ts';
import { createRandom } from '../../../support/seeded-random.ts';

function sharesOf(count: number, skew: number, draws = 100_000): number[] {
  const pick = zipfPicker(count, skew, createRandom(7).next);
  const hits = Array<number>(count).fill(0);
  for (let i = 0; i < draws; i++) hits[pick()]!++;
  return hits.map(hit => hit / draws);
}

describe('keys by Zipf’s law', () => {
  it('come evenly without skew', () => {
    for (const share of sharesOf(10, 0)) expect(share).toBeCloseTo(0.1, 2);
  });

  it.each([0.5, 1, 2])('come in proportion to 1 / rank^%d', skew => {
    const shares = sharesOf(20, skew);
    const sum = shares.reduce((all, _, i) => all + (i + 1) ** -skew, 0);
    for (const [i, share] of shares.entries()) expect(share).toBeCloseTo((i + 1) ** -skew / sum, 2);
  });

  it('reach the first and the last key, and none beyond', () => {
    expect(zipfPicker(1000, 1, () => 0)()).toBe(0);
    expect(zipfPicker(1000, 1, () => 1 - Number.EPSILON)()).toBe(999);
    expect(zipfPicker(1, 3, () => 0.9)()).toBe(0);
  });
});
