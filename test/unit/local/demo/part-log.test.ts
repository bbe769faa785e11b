import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openPartLog } from '../../../../src/local/demo/part-log.ts';

it('keeps what is written in bounds and the last lines at hand', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hubscore-log-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const log = openPartLog(join(folder, 'logs', 'part.log'), 1000);
  for (let i = 0; i < 100; i++) log.write(`line ${i} ${'x'.repeat(40)}\n\n`);
  const now = readFileSync(log.file, 'utf8');
  const before = readFileSync(`${log.file}.1`, 'utf8');
  expect(now.length).toBeLessThan(1100);
  expect(before.length).toBeLessThan(1100);
  expect(before.trimEnd().split('\n').at(-1)?.split(' ')[1]).toBe(String(Number(now.split(' ')[1]) - 1));
  expect(log.tail()).toHaveLength(12);
  expect(log.tail().at(-1)).toMatch(/^line 99 /);
  log.close();
});
