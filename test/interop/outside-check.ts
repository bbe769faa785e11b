/**
 * Runs a check that lies outside this repository, a Python program that starts this folder's own commands: `node test/interop/outside-check.ts
 * FILE [argument…]`. In the Python environment that `npm run test:interop` makes, too.
 */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { interopPython } from './python-environment.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const [file, ...args] = process.argv.slice(2);
if (!file) throw new Error('usage: node test/interop/outside-check.ts FILE [argument…]');
const { status, error } = spawnSync(interopPython(ROOT), [resolve(file), ...args], {
  cwd: ROOT,
  env: { ...process.env, PYTHONUNBUFFERED: '1', PYTHONDONTWRITEBYTECODE: '1' }, // its folder may not be written to
  stdio: 'inherit',
});
if (error) throw error;
process.exitCode = status ?? 1;
