import { describe, expect, it } from 'vitest';
import { provenDifference } from '../../../src/cli/clock-difference.ts';

const base = { storageAheadMs: 0, fromMs: 100_000, toMs: 101_000 };

describe('provenDifference', () => {
  it.each([
    ['nothing was ever enqueued', { first: undefined, second: undefined }, 0],
    ['the newest is of a while ago', { first: 40_000, second: 40_000 }, 0],
    ['one came meanwhile, in time', { first: 40_000, second: 100_400 }, 0],
    ['one came meanwhile, from before', { first: 40_000, second: 92_000 }, -8_000],
    ['the newest is of the future', { first: 108_000, second: 108_000 }, 7_000],
  ])('says of the clocks, where %s', (_, seen, difference) => {
    expect(provenDifference({ ...base, ...seen })).toBe(difference);
  });

  it('goes by storage, not by this machine', () => {
    expect(provenDifference({ ...base, storageAheadMs: 60_000, first: 1, second: 160_500 })).toBe(0);
  });
});
