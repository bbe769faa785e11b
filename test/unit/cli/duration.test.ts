import { expect, it } from 'vitest';
import { duration } from '../../../src/cli/duration.ts';

it.each([
  [0, '0 ms'],
  [0.0004, '<1 µs'],
  [0.031, '31 µs'],
  [0.0949, '95 µs'],
  [0.12, '0.1 ms'],
  [9.94, '9.9 ms'],
  [11.23, '11.2 ms'],
  [99.96, '100 ms'],
  [1234.5, '1,235 ms'],
])('%d ms is %s', (ms, words) => {
  expect(duration(ms)).toBe(words);
});
