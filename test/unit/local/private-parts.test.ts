import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RHEA } from '../../../src/local/event-hubs/amqp/check-rhea.ts';
import { PINNED } from '../../../src/local/functions-host/event-hubs/check-rhea.ts';
import { faultOf, type PinnedLibrary } from '../../../src/local/private-parts.ts';

const ROOT = join(import.meta.dirname, '../../..');
const json = (path: string) => JSON.parse(readFileSync(join(ROOT, path), 'utf8'));

const library = (change: Partial<PinnedLibrary>): PinnedLibrary => ({
  name: 'rhea',
  pinned: '3.0.5',
  installed: '3.0.5',
  parts: { function: ['session.on_flow'], number: ['session.incoming.next'], property: ['session.window'] },
  sample: () => ({ session: { on_flow() {}, incoming: { next: 0 }, window: undefined } }),
  ...change,
});

describe('private parts', () => {
  it('are well in the pinned version, where all of them are there', () => {
    expect(faultOf(library({}))).toBeUndefined();
  });

  it('of another version are not trusted, though all of them are there', () => {
    expect(faultOf(library({ installed: '3.1.0' }))).toBe(
      'rhea 3.1.0 is installed: the local stack reaches behind its public interface and was written for rhea 3.0.5. ' +
        'Run `npm ci`, which installs what package-lock.json names.',
    );
  });

  it('that are missing, or are something else, are named', () => {
    const sample = () => ({ session: { on_flow: 7, incoming: { next: null } } });
    expect(faultOf(library({ sample }))).toMatch(
      /^rhea 3\.0\.5 is installed and lacks, or has otherwise, session\.on_flow, session\.incoming\.next, session\.window: /,
    );
  });

  it('are all missing of a library of which nothing can be made', () => {
    const sample = () => {
      throw new TypeError('create_container is not a function');
    };
    expect(faultOf(library({ sample, installed: '4.0.0' }))).toMatch(
      /^rhea 4\.0\.0 is installed and lacks, or has otherwise, session\.on_flow, session\.incoming\.next, session\.window: /,
    );
  });
});

describe('rhea', () => {
  it('is pinned to the versions that the local stack was written for', () => {
    const pins = { rhea: RHEA, 'rhea-promise': PINNED['rhea-promise'] };
    expect(PINNED.rhea).toBe(RHEA);
    expect(json('package.json').dependencies).toMatchObject(pins);
    expect(json('package-lock.json').packages[''].dependencies).toMatchObject(pins);
    for (const [name, version] of Object.entries(pins)) {
      expect(json('package-lock.json').packages[`node_modules/${name}`].version).toBe(version);
    }
  });
});
