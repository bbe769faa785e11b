import { describe, expect, it } from 'vitest';
import { shortFloat } from '../../../src/core/short-float.ts';
import { FloatLists } from '../../../src/http/float-lists.ts';
import { createRandom } from '../../support/seeded-random.ts';

const random = createRandom(Number(process.env.TEST_SEED));

describe('FloatLists', () => {
  it('writes lists as JSON.stringify would, wherever they stand, what is no number among them', () => {
    for (let round = 0; round < 200; round++) {
      const of = (length: number) =>
        Float32Array.from({ length }, () =>
          random.pick([
            random.between(0, 1),
            random.between(-1e9, 1e9),
            random.between(0, 1e-8),
            0,
            -0,
            1,
            Number.NaN,
            Number.POSITIVE_INFINITY,
          ]),
        );
      const [one, other] = [of(64 + round), of(100)];
      const around = (a: unknown, b: unknown) => ({
        id: 'täg "data":[1]',
        outputs: [{ a }, 'list', { data: b, c: null }],
      });
      const plain = (values: Float32Array) => Array.from(values, shortFloat);
      const lists = new FloatLists();
      const written = lists.stringify(around(lists.put(one), lists.put(other)));
      expect(String(written)).toBe(JSON.stringify(around(plain(one), plain(other))));
    }
  });

  it('leaves short lists to JSON.stringify', () => {
    const lists = new FloatLists();
    expect(lists.put(new Float32Array(63))).toBeUndefined();
    expect(lists.stringify({ a: [1] })).toBe('{"a":[1]}');
  });
});
