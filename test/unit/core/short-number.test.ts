import fc from 'fast-check';
import { expect, it } from 'vitest';
import { NumberScanner } from '../../../src/core/scan-number.ts';
import { ShortNumber } from '../../../src/core/short-number.ts';

it('reads what it reads as the scanner of all numbers does', () => {
  const [short, all] = [new ShortNumber(), new NumberScanner()];
  const text = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.integer().map(String),
    fc.double({ min: -1e5, max: 1e5, noNaN: true }).map(value => value.toFixed(3)),
    fc.string({ unit: fc.constantFrom(...'0123456789.-e,'), maxLength: 12 }),
  );
  let reads = 0;
  fc.assert(
    fc.property(text, digits => {
      const bytes = Buffer.from(`${digits},`);
      const end = short.scan(bytes, 0);
      if (end < 0 || bytes[end] !== 44) return;
      reads++;
      expect(all.scan(bytes, 0)).toBe(end);
      expect(short.value).toBe(all.value);
    }),
    { numRuns: 5000 },
  );
  expect(reads).toBeGreaterThan(500);
});
