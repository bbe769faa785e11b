import { describe, expect, it } from 'vitest';
import { fromHalf, toHalf } from '../../../src/core/half.ts';

describe('half precision', () => {
  it('every finite half comes back as its own bits', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = fromHalf(bits);
      if (Number.isFinite(value)) expect(toHalf(value)).toBe(bits);
    }
  });

  it('rounds to the nearest, half way to even', () => {
    expect(fromHalf(toHalf(1 + 2 ** -11))).toBe(1);
    expect(fromHalf(toHalf(1 + 3 * 2 ** -11))).toBe(1 + 2 ** -9);
    expect(fromHalf(toHalf(1 + 2 ** -11 + 2 ** -20))).toBe(1 + 2 ** -10);
    expect(fromHalf(toHalf(65519.99))).toBe(65504);
    expect(fromHalf(toHalf(2 ** -25))).toBe(0);
    expect(fromHalf(toHalf(1.5 * 2 ** -24))).toBe(2 ** -23);
    expect(fromHalf(toHalf(1023.75 * 2 ** -24))).toBe(2 ** -14);
  });

  it('knows infinities and what is no number', () => {
    expect([0x7c00, 0xfc00, 0x7e00].map(fromHalf)).toEqual([
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
    ]);
  });
});
