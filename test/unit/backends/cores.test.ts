import { globSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { availableCores } from '../../../src/backends/onnx/cores.ts';

/** A control group's folder as the kernel shows it. */
function cgroup(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'cgroup-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

const first = (quota: string) => ({ 'cpu/cpu.cfs_quota_us': `${quota}\n`, 'cpu/cpu.cfs_period_us': '100000\n' });

it.each([
  ['two cores', { 'cpu.max': '200000 100000\n' }, 2],
  ['two and a half', { 'cpu.max': '250000 100000\n' }, 2],
  ['half a core', { 'cpu.max': '50000 100000\n' }, 1],
  ['more than the machine has', { 'cpu.max': '3200000 100000\n' }, 16],
  ['no limit', { 'cpu.max': 'max 100000\n' }, 16],
  ['four cores, version 1', first('400000'), 4],
  ['no limit, version 1', first('-1'), 16],
  ['no control groups', {}, 16],
])('cores of a container on a machine with 16: %s', (_, files, cores) => {
  expect(availableCores(cgroup(files), 16)).toBe(cores);
});

it("nothing of the app asks for the machine's cores, of which a container may have few", () => {
  const source = resolve(import.meta.dirname, '../../../src');
  const asking = globSync('**/*.ts', { cwd: source, exclude: ['local/**'] }).filter(file =>
    readFileSync(join(source, file), 'utf8').includes('availableParallelism'),
  );
  expect(asking.map(file => file.replaceAll('\\', '/'))).toEqual(['backends/onnx/cores.ts']);
});
