import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KnownTexts } from '../../../src/batch/csv/known-texts.ts';
import { decoderOf } from '../../../src/batch/csv/text.ts';

it('gives what the decoder gives, whatever came before', () => {
  const decode = decoderOf('utf-8');
  const known = new KnownTexts(decode);
  let again = 0;
  const seen = new Set<string>();
  const few = fc.constantFrom(
    'Yes',
    'No',
    'Month-to-month',
    'Two year',
    'Töne',
    '東京',
    '',
    'x'.repeat(32),
    'x'.repeat(33),
  );
  fc.assert(
    fc.property(fc.oneof(few, fc.string({ unit: 'grapheme', maxLength: 40 })), fc.nat(5), (text, before) => {
      const bytes = Buffer.from(`${'"'.repeat(before)}${text},after`);
      const to = before + Buffer.byteLength(text);
      expect(known.decode(bytes, before, to)).toBe(text);
      bytes.fill(0); // nothing of it is held
      if (seen.has(text)) again++;
      seen.add(text);
    }),
    { numRuns: 5_000 },
  );
  expect(again).toBeGreaterThan(1_000);
});

it('throws as the decoder does', () => {
  const known = new KnownTexts(decoderOf('utf-8'));
  for (let i = 0; i < 2; i++) expect(() => known.decode(Buffer.from([0x61, 0xff, 0x62]), 0, 3)).toThrow(TypeError);
});
