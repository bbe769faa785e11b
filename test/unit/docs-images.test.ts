import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';

const FOLDER = resolve(import.meta.dirname, '../../docs/images');

// A page may be dark while the reader's system is not, or the other way round: words of one colour vanish on it.
it.each(globSync('*.svg', { cwd: FOLDER }))('%s lies on a ground of its own', file => {
  const svg = readFileSync(resolve(FOLDER, file), 'utf8');
  const [, x, y, width, height] = /viewBox="(\S+) (\S+) (\S+) (\S+)"/.exec(svg) ?? [];
  const drawn = svg.replace(/<(style|defs)[\s\S]*?<\/\1>/g, '');
  const [first = ''] = /<(rect|text|path|g|line|circle)\b[^>]*>/.exec(drawn) ?? [];
  expect(first).toMatch(/^<rect /);
  const value = (name: string) => new RegExp(` ${name}="([^"]*)"`).exec(first)?.[1];
  expect([undefined, x]).toContain(value('x') ?? (x === '0' ? undefined : '0'));
  expect([undefined, y]).toContain(value('y') ?? (y === '0' ? undefined : '0'));
  expect(['100%', width]).toContain(value('width'));
  expect(['100%', height]).toContain(value('height'));
});
