import { describe, expect, it } from 'vitest';
import { zipfPicker } from '../../../../src/cli/load/pick-key.ts';
import { randomInputs } from '../../../support/seed.ts';

function sharesOf(count: number, skew: number, draws = 100_000): number[] {
  const pick = zipfPicker(count, skew, randomInputs().next);
  const hits = Array<number>(count).fill(0);
  for (let i = 0; i < draws; i++) hits[pick()]!++;
  return hits.map(hit => hit / draws);
}

/** Six standard deviations of what chance gives: a right picker fails with no seed. */
const tolerance = (chance: number, draws = 100_000) => 6 * Math.sqrt((chance * (1 - chance)) / draws);

describe('keys by Zipf’s law', () => {
  it('come evenly without skew', () => {
    for (const share of sharesOf(10, 0)) expect(Math.abs(share - 0.1)).toBeLessThan(tolerance(0.1));
  });

  it.each([0.5, 1, 2])('come in proportion to 1 / rank^%d', skew => {
    const shares = sharesOf(20, skew);
    const sum = shares.reduce((all, _, i) => all + (i + 1) ** -skew, 0);
    for (const [i, share] of shares.entries()) {
      const chance = (i + 1) ** -skew / sum;
      expect(Math.abs(share - chance), `key ${i}`).toBeLessThan(tolerance(chance));
    }
  });

  it('reach the first and the last key, and none beyond', () => {
    expect(zipfPicker(1000, 1, () => 0)()).toBe(0);
    expect(zipfPicker(1000, 1, () => 1 - Number.EPSILON)()).toBe(999);
    expect(zipfPicker(1, 3, () => 0.9)()).toBe(0);
  });
});
