import { expect, it } from 'vitest';
import { jsonAsItCame, jsonLine, printable, printableLines } from '../../../src/cli/printable.ts';

const BAD = 'a\u001b]0;title\u0007\u007f\u009b2J\u202e\u2066\u2028\u200fé😀\t';

it('what a terminal would obey is shown as it would be written', () => {
  expect(printable(BAD)).toBe('a\\u001b]0;title\\u0007\\u007f\\u009b2J\\u202e\\u2066\\u2028\\u200fé😀\\u0009');
  expect(printableLines('a\u001b\nb')).toBe('a\\u001b\nb');
});

it('JSON says the same, on one line, without it', () => {
  const value = { [BAD]: [BAD, 1.5, null] };
  const controls = /[\p{Cc}\u200f\u2028\u202e\u2066]/u;
  expect(jsonLine(value)).not.toMatch(controls);
  expect(JSON.parse(jsonLine(value))).toEqual(value);
  const written = JSON.stringify(value, null, '\t');
  expect(written).toMatch(controls);
  expect(jsonAsItCame(written)).not.toMatch(controls);
  expect(JSON.parse(jsonAsItCame(written))).toEqual(value);
});
