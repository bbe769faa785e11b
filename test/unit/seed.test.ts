import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseSeed, randomInputs, SEED } from '../support/seed.ts';

const TESTS = resolve(import.meta.dirname, '..');

describe('the seed of random inputs', () => {
  it('is the one asked for, or another every time', () => {
    expect(chooseSeed('42')).toBe('42');
    expect(new Set([undefined, '', undefined, ''].map(chooseSeed)).size).toBe(4);
    for (const chosen of [undefined, ''].map(chooseSeed)) expect(chooseSeed(chosen)).toBe(chosen);
    for (const asked of ['-1', '1.5', 'x', '1e3', '12345678901'])
      expect(() => chooseSeed(asked)).toThrow(`TEST_SEED is a whole number of up to nine digits, not "${asked}"`);
  });

  it('is that of fast-check, of Math.random and of every test that asks', () => {
    expect(SEED).toBe(Number(process.env.TEST_SEED));
    expect(fc.readConfigureGlobal()?.seed).toBe(SEED);
    const first = randomInputs().next();
    expect(randomInputs().next()).toBe(first);
    expect(Math.random()).toBe(first);
  });

  it('is the only source of random inputs', () => {
    const others = /Math\.random|randomBytes|randomInt|randomFill|getRandomValues/;
    const files = readdirSync(TESTS, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'));
    const sources = files.filter(name => others.test(readFileSync(join(TESTS, name), 'utf8'))).sort();
    expect(sources).toEqual(['support/seed-inputs.ts', 'support/seed.ts', 'unit/seed.test.ts']);
  });
});
