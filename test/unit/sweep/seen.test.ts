import { describe, expect, it } from 'vitest';
import { Seen, WINDOW } from '../../../src/sweep/seen.ts';
import { createRandom } from '../../support/seeded-random.ts';

describe('what was seen', () => {
  it('counts each source event once, one that fills a hole late, too', () => {
    const seen = new Seen();
    expect([5, 7, 6, 7, 5].map(number => seen.see(number, -1))).toEqual(['new', 'new', 'new', 'repeat', 'repeat']);
  });

  it('is unsure of what lies behind its window, and forgets it', () => {
    const seen = new Seen();
    seen.see(10, -1);
    seen.see(10 + WINDOW, -1);
    expect(seen.see(10, -1)).toBe('unsure');
    expect(seen.see(11, -1)).toBe('new');
    expect(seen.see(10 + 3 * WINDOW, -1)).toBe('new');
    expect(seen.see(11 + 2 * WINDOW, -1)).toBe('new');
  });

  it('tells the requests of one event apart, whatever order they come in', () => {
    const seen = new Seen();
    const parts = [0, 1, 3, 2, 1, 5, 4, 5];
    expect(parts.map(part => seen.see(9, part))).toEqual([
      ...['new', 'new', 'new', 'new', 'repeat', 'new', 'new', 'repeat'],
    ]);
  });

  it('agrees with a plain set through any number of stops and starts', () => {
    const random = createRandom(Number(process.env.TEST_SEED));
    let seen = new Seen();
    const all = new Set<string>();
    for (let i = 0; i < 5_000; i++) {
      const number = 1_000 + random.below(1_500);
      const part = number % 3 === 0 ? random.below(4) : -1;
      const key = `${number}/${part}`;
      expect(seen.see(number, part), key).toBe(all.has(key) ? 'repeat' : 'new');
      all.add(key);
      if (i % 500 === 0) seen = Seen.restore(JSON.parse(JSON.stringify(seen.store())));
    }
  });
});
