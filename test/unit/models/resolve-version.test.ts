import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  looksLikeVersion,
  newestFirst,
  productionVersion,
  resolveVersion,
} from '../../../src/models/resolve-version.ts';

const versions = ['1.0.0', '1.1.0', '1.1.1', '1.10.0', '2.0.0', '3.0.0-rc.1'];
const plain = { versions, aliases: new Map<string, string>() };
const aliased = {
  versions,
  aliases: new Map([
    ['production', '1.1.0'],
    ['staging', '2.0.0'],
    ['candidate', '9.0.0'],
  ]),
};
const first = (asked: string | undefined, known: typeof plain = plain) => resolveVersion(known, asked).candidates[0];

describe('version resolution', () => {
  it.each([
    [undefined, '2.0.0'],
    ['', '2.0.0'],
    ['production', '2.0.0'],
    ['Production', '2.0.0'],
    ['1.1.0', '1.1.0'],
    ['v1.1.0', '1.1.0'],
    ['1.1.0+a1b2c3d4', '1.1.0'],
    ['v1', '1.10.0'],
    ['1', '1.10.0'],
    ['V1', '1.10.0'],
    ['v1.1', '1.1.1'],
    ['1.1', '1.1.1'],
    ['3', '3.0.0-rc.1'],
    ['3.0.0-rc.1', '3.0.0-rc.1'],
  ])('%s is %s where there is no deployment.json', (asked, version) => {
    expect(first(asked)).toBe(version);
    expect(resolveVersion(plain, asked).fallback).toBe(false);
  });

  it.each([
    [undefined, '1.1.0'],
    ['PRODUCTION', '1.1.0'],
    ['Staging', '2.0.0'],
    ['v1', '1.10.0'],
  ])('%s is %s where there are aliases', (asked, version) => {
    expect(first(asked, aliased)).toBe(version);
  });

  it.each(['9.9.9', 'v7', '1.7', 'canary', 'constructor', '1.1.0.0'])(
    '%s is not there: production stands in',
    asked => {
      expect(resolveVersion(aliased, asked)).toMatchObject({ fallback: true, candidates: ['1.1.0', '1.0.0'] });
    },
  );

  it('keeps the build that was asked for, to be held against the label', () => {
    expect(resolveVersion(plain, '1.1.0+A1B2C3D4').build).toBe('a1b2c3d4');
    expect(resolveVersion(plain, '1.1.0').build).toBeUndefined();
  });

  it('names what stands in while a version is broken: older ones for aliases, none for a version by its name', () => {
    expect(resolveVersion(aliased, 'staging').candidates).toEqual(['2.0.0', '1.10.0', '1.1.1', '1.1.0', '1.0.0']);
    expect(resolveVersion(plain, undefined).candidates.slice(0, 2)).toEqual(['2.0.0', '1.10.0']);
    expect(resolveVersion(plain, '2.0.0').candidates).toEqual(['2.0.0']);
    expect(resolveVersion(aliased, 'candidate').candidates[0]).toBe('9.0.0');
  });

  it('takes a pre-release for production only where there is nothing else', () => {
    expect(productionVersion({ versions: ['2.0.0-a', '1.0.0'], aliases: new Map() })).toBe('1.0.0');
    expect(productionVersion({ versions: ['2.0.0-a', '2.0.0-b'], aliases: new Map() })).toBe('2.0.0-b');
    expect(productionVersion({ versions: [], aliases: new Map() })).toBeUndefined();
  });

  it('answers whatever is asked with versions that are there', () => {
    fc.assert(
      fc.property(fc.string(), asked => {
        const { candidates } = resolveVersion(plain, asked);
        expect(candidates.length).toBeGreaterThan(0);
        for (const candidate of candidates) expect(versions).toContain(candidate);
      }),
    );
  });

  it('sorts by number, not by text', () => {
    expect(newestFirst(['1.9.0', '1.10.0', '1.2.0'])).toEqual(['1.10.0', '1.9.0', '1.2.0']);
  });

  it('tells aliases from versions', () => {
    for (const text of ['1', 'v1', '1.2', 'v1.2.3', '1.2.3-rc.1', '1.2.3+ab'])
      expect(looksLikeVersion(text), text).toBe(true);
    for (const text of ['production', 'v', 'version1', 'blue-2']) expect(looksLikeVersion(text), text).toBe(false);
  });
});
