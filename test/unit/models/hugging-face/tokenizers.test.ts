import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { charsmapNormalizer } from '../../../../src/models/hugging-face/charsmap.ts';
import { openTokenizer } from '../../../../src/models/hugging-face/open-tokenizer.ts';
import { type SplitBehavior, splitText } from '../../../../src/models/hugging-face/split.ts';

const FIXTURES = resolve(import.meta.dirname, '../../../fixtures/text');
/** In the order of the columns that make.py writes. */
const NAMES = ['wordpiece', 'wordpiece-cased', 'byte-level', 'charsmap', 'unigram'];
/** Ids of pairs are cut to these. */
const MAX_LENGTH = 16;

type Line = readonly [text: string, ids: readonly string[], pairs: readonly string[]];
const lines = readFileSync(join(FIXTURES, 'texts.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map(line => JSON.parse(line) as Line);
const tokenizer = (name: string) => JSON.parse(readFileSync(join(FIXTURES, `${name}.json`), 'utf8'));
const digest = (...lists: (readonly number[])[]) =>
  createHash('sha256')
    .update(lists.map(list => list.join()).join(';'))
    .digest('hex')
    .slice(0, 8);

describe("ids are those of Python's tokenizers", () => {
  it('over a thousand texts of 26 scripts', () => {
    expect(lines).toHaveLength(1000);
    const scripts = ['Greek', 'Arabic', 'Thai', 'Ethiopic', 'Han', 'Tibetan', 'Hangul', 'Georgian'];
    for (const script of scripts)
      expect(lines.some(([text]) => new RegExp(`\\p{Script=${script}}`, 'u').test(text))).toBe(true);
  });

  it.each(NAMES.map((name, column) => [name, column] as const))('%s', async (name, column) => {
    const opened = await openTokenizer(tokenizer(name));
    const [whole, cut] = [opened(100_000), opened(MAX_LENGTH)];
    const others = lines.filter(([text, ids]) => digest(whole.encode(text).ids) !== ids[column]);
    expect(others.map(([text]) => text)).toEqual([]);
    const otherPairs = lines.filter(([text, , pairs], i) => {
      const { ids, types } = cut.encode(text, lines[(i + 1) % lines.length]?.[0]);
      return digest(ids, types) !== pairs[column];
    });
    expect(otherPairs.map(([text]) => text)).toEqual([]);
  });
});

describe('a long text', () => {
  const long = lines.map(([text]) => text).join(' ');

  it.each(NAMES)('has the ids that it begins with, %s', async name => {
    const opened = await openTokenizer(tokenizer(name));
    for (const text of [
      long.slice(0, 60_000),
      'water '.repeat(10_000),
      `${' '.repeat(30_000)}house`,
      '水'.repeat(20_000),
    ]) {
      const whole = opened(100_000).encode(text).ids;
      const cut = opened(48).encode(text).ids;
      expect(cut).toEqual(whole.length <= 48 ? whole : [...whole.slice(0, 47), whole.at(-1)]);
      const [pair, own] = [opened(100_000).encode('bread', text), opened(48).encode('bread', text)];
      expect(own.ids.slice(0, 40)).toEqual(pair.ids.slice(0, 40));
    }
  });

  it('takes no longer than what is kept of it', async () => {
    const opened = (await openTokenizer(tokenizer('unigram')))(48);
    const msOf = (text: string) => {
      const start = performance.now();
      for (let i = 0; i < 5; i++) opened.encode(text);
      return performance.now() - start;
    };
    msOf('a'.repeat(5_000));
    expect(msOf('a'.repeat(65_000))).toBeLessThan(5 * msOf('a'.repeat(5_000)) + 100);
  });
});

describe('any text', () => {
  const any = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc
      .array(fc.constantFrom('[MASK]', '<s>', '##', '▁', ' ', '\u00ad', '\u0301', 'Σ', 'İ', '👩‍👩‍👧'), {
        maxLength: 20,
      })
      .map(list => list.join('')),
  );

  it.each(NAMES)('has ids of the vocabulary, no more than are kept, the same each time: %s', async name => {
    const encode = (await openTokenizer(tokenizer(name)))(24).encode;
    fc.assert(
      fc.property(any, fc.option(any, { nil: undefined }), (text, pair) => {
        const { ids, types } = encode(text, pair);
        expect(ids.length).toBeGreaterThan(1);
        expect(ids.length).toBeLessThanOrEqual(24);
        expect(types).toHaveLength(ids.length);
        expect(ids.every(id => Number.isInteger(id) && id >= 0 && id < 1_000)).toBe(true);
        expect(types.every(type => type === 0 || (type === 1 && pair !== undefined))).toBe(true);
        expect(encode(text, pair).ids).toEqual(ids);
      }),
      { numRuns: 400 },
    );
  });
});

describe('a tokenizer', () => {
  it('takes the length that its file says, else 512, and pads with its own id', async () => {
    const file = tokenizer('wordpiece');
    expect((await openTokenizer(file))(undefined)).toMatchObject({ maxLength: 512, padId: 0 });
    const cut = { ...file, truncation: { max_length: 8, direction: 'Left' }, padding: { pad_id: 3 } };
    const given = (await openTokenizer(cut))(undefined);
    expect(given).toMatchObject({ maxLength: 8, padId: 3 });
    const text = 'the water house is good bread and winter';
    const whole = (await openTokenizer(file))(undefined).encode(text).ids;
    expect(given.encode(text).ids).toEqual([whole[0], ...whole.slice(-7)]);
  });

  it('is refused where its marks alone are more than fit, or a step is not known', async () => {
    const file = tokenizer('wordpiece');
    const opened = await openTokenizer(file);
    expect(() => opened(2)).toThrow('max_length: expected at least 3, came 2');
    await expect(openTokenizer({ ...file, normalizer: { type: 'Odd' } })).rejects.toThrow('Odd');
    expect(() => charsmapNormalizer('AAAA')).toThrow('precompiled_charsmap is none');
  });

  it.each<[SplitBehavior, boolean, string[]]>([
    ['Removed', false, ['a', 'b', 'c']],
    ['Isolated', false, ['a', '-', '-', 'b', '-', 'c']],
    ['Contiguous', false, ['a', '--', 'b', '-', 'c']],
    ['MergedWithPrevious', false, ['a-', '-', 'b-', 'c']],
    ['MergedWithNext', false, ['a', '-', '-b', '-c']],
    ['Removed', true, ['-', '-', '-']],
  ])('splits %s, inverted: %s', (behavior, invert, pieces) => {
    expect(splitText('a--b-c', /-/gu, behavior, invert)).toEqual(pieces);
  });
});
