import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const SOURCE = resolve(import.meta.dirname, '../../src');

/** Rooms that a room may import besides itself; `core` is open to all but `local`. Siblings meet through core's contracts. */
const ARROWS: Record<string, readonly string[]> = {
  core: [],
  config: [],
  azure: ['config'],
  hubs: ['config'],
  ledger: ['config'],
  evidence: [],
  drift: ['config', 'evidence', 'sweep', 'rollouts'],
  size: [],
  sweep: ['config'],
  shadow: ['config', 'rollouts', 'evidence', 'sweep'],
  verdicts: ['config', 'rollouts', 'evidence', 'sweep'],
  processes: [],
  apart: ['config', 'processes'],
  rollouts: ['config'],
  scoring: ['config'],
  batch: ['config'],
  codecs: ['config'],
  models: ['config', 'processes', 'rollouts'],
  backends: ['config', 'processes'],
  cache: ['config'],
  telemetry: ['config'],
  http: ['config'],
  live: ['config', 'http', 'rollouts', 'sweep', 'verdicts'],
  app: [
    ...['config', 'azure', 'hubs', 'ledger', 'scoring', 'codecs', 'models', 'backends', 'processes'],
    ...['apart', 'cache', 'telemetry', 'http', 'batch', 'rollouts', 'evidence', 'sweep', 'verdicts', 'drift', 'shadow'],
    ...['live'],
  ],
  functions: ['app', 'config'],
  cli: [
    ...['app', 'config', 'azure', 'hubs', 'ledger', 'scoring', 'codecs', 'models', 'backends', 'cache', 'telemetry'],
    ...['batch', 'rollouts', 'sweep', 'verdicts', 'drift', 'shadow', 'size'],
  ],
  local: [],
};

interface Import {
  readonly file: string;
  readonly target: string;
  readonly from: string;
  readonly to: string;
}

function roomOf(path: string): string {
  return relative(SOURCE, path).split('/')[0] ?? '';
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(match => match[1] as string);
  return specifiers.map(specifier => {
    const target = resolve(dirname(file), specifier);
    return { file: relative(SOURCE, file), target: relative(SOURCE, target), from: roomOf(file), to: roomOf(target) };
  });
}

/** Every circle that a walk along the imports runs into, as the files on it; what only the type checker follows counts too. */
function circlesIn(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const circles: string[] = [];
  const walk = (file: string, path: readonly string[]): void => {
    const before = path.indexOf(file);
    if (before >= 0) circles.push([...path.slice(before), file].join(' → '));
    if (before >= 0 || done.has(file)) return;
    for (const target of graph.get(file) ?? []) walk(target, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) walk(file, []);
  return circles;
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

  it('finds a circle where there is one', () => {
    const graph = new Map([
      ['a.ts', ['b.ts', 'd.ts']],
      ['b.ts', ['d.ts', 'c.ts']],
      ['c.ts', ['b.ts']],
      ['d.ts', []],
    ]);
    expect(circlesIn(graph)).toEqual(['b.ts → c.ts → b.ts']);
  });

  it('imports in no circle, types included', () => {
    const graph = new Map<string, string[]>();
    for (const { file, target } of imports) graph.set(file, [...(graph.get(file) ?? []), target]);
    expect(circlesIn(graph)).toEqual([]);
  });

  it('tells errors apart by class and code, by their words only where a library gives nothing else', () => {
    const byWords =
      /\bmessage\??\.(includes|match|search|startsWith|endsWith)\(|\.(test|exec)\(.*\bmessage\b|\.name [!=]== '\w*Error'/;
    const readers = files.filter(file => byWords.test(readFileSync(file, 'utf8'))).map(file => relative(SOURCE, file));
    expect(readers.sort()).toEqual([
      'backends/onnx/explain-failure.ts', // ONNX Runtime's
      'cli/environment.ts', // where JSON.parse stopped
      'cli/problems.ts', // rhea-promise's, of a connection that does not open
    ]);
  });

  it('reads the environment in one place', () => {
    const readers = files
      .filter(file => !['local', 'cli'].includes(roomOf(file)))
      .filter(file => readFileSync(file, 'utf8').includes('process.env'))
      .map(file => relative(SOURCE, file));
    expect(readers.sort()).toEqual([
      ...['app/apart-process.ts', 'app/app.ts', 'app/batch-process.ts', 'app/shadow-process.ts'],
    ]);
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
