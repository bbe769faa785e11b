import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const SOURCE = resolve(import.meta.dirname, '../../src');

/** Rooms that a room may import besides itself; `core` is open to all but `local`. */
const ARROWS: Record<string, readonly string[]> = {
  core: [],
  config: [],
  events: ['config'],
  pipeline: ['config'],
  models: ['config'],
  backends: ['config'],
  cache: ['config'],
  rollout: ['config'],
  monitoring: ['config'],
  batch: ['config'],
  http: ['config'],
  'app.ts': ['config', 'events', 'pipeline', 'models', 'backends', 'cache', 'rollout', 'monitoring', 'batch', 'http'],
  functions: ['app.ts', 'config'],
  cli: ['app.ts', 'config', 'events', 'models', 'backends', 'monitoring', 'pipeline'],
  local: [],
};

interface Import {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

function roomOf(path: string): string {
  return relative(SOURCE, path).split('/')[0] ?? '';
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(match => match[1] as string);
  return specifiers.map(specifier => ({
    file: relative(SOURCE, file),
    from: roomOf(file),
    to: roomOf(resolve(dirname(file), specifier)),
  }));
}

/** Waits that leave something behind on what outlives them; core/waiting.ts and local/waiting.ts have others. */
const RAW_WAIT = /\b(Promise\s*\.\s*(race|any)|AbortSignal\s*\.\s*any)\b\s*(<[^(]*>)?\s*\(/;

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.ts'))
  .map(name => join(SOURCE, name));
const imports = files.flatMap(importsOf);

describe('architecture', () => {
  it('reads the imports it judges', () => {
    expect(imports.length).toBeGreaterThan(20);
  });

  it('knows every room', () => {
    const unknown = [...new Set(files.map(roomOf))].filter(room => !(room in ARROWS));
    expect(unknown, 'rooms without a line in ARROWS').toEqual([]);
  });

  it('keeps the arrows between rooms', () => {
    const crossings = imports.filter(({ from, to }) => {
      if (from === to) return false;
      if (to === 'core') return from === 'local';
      return !ARROWS[from]?.includes(to);
    });
    expect(crossings.map(({ file, to }) => `${file} imports ${to}`)).toEqual([]);
  });

  it('reads the environment in one place', () => {
    const readers = files
      .filter(file => !['local', 'cli'].includes(roomOf(file)))
      .filter(file => readFileSync(file, 'utf8').includes('process.env'))
      .map(file => relative(SOURCE, file));
    expect(readers).toEqual(['app.ts']);
  });

  it('races nothing in the raw', () => {
    for (const raw of [
      'Promise.race([a, b])',
      'Promise.any<number>(all)',
      'AbortSignal.any([a])',
      'Promise\n  .race(a)',
    ])
      expect(raw).toMatch(RAW_WAIT);
    const raw = files.filter(file => RAW_WAIT.test(readFileSync(file, 'utf8'))).map(file => relative(SOURCE, file));
    expect(raw, 'wait by core/waiting.ts, or local/waiting.ts').toEqual([]);
  });
});
