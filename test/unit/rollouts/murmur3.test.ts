import { describe, expect, it } from 'vitest';
import { murmur3, murmur3After } from '../../../src/rollouts/murmur3.ts';

describe('murmur3', () => {
  it.each([
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['hello', 0, 0x248bfa47],
    ['hello, world', 0, 0x149bbb7f],
    ['The quick brown fox jumps over the lazy dog.', 0, 0xd5c48bfc],
  ])('of %j with seed %d is that of the reference implementation', (text, seed, expected) => {
    expect(murmur3(text, seed)).toBe(expected);
  });

  it('comes to the same behind a prefix that is hashed once, whatever the lengths and the letters', () => {
    const letters = 'customer-Zoë-😀-1842'.repeat(3);
    for (let prefix = 0; prefix < 9; prefix++)
      for (let length = 0; length < 40; length++) {
        const [before, text] = ['ro_7Q2:ab'.slice(0, prefix), letters.slice(0, length)];
        expect(murmur3After(before)(text), `${before} ${text}`).toBe(murmur3(before + text));
      }
  });
});
