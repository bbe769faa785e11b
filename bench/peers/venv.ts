import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const FOLDER = resolve(import.meta.dirname, '../../.local/peers');

/** The bin folder of a virtual environment under .local/peers with what `<name>.txt` beside this file asks for; made once. */
export function virtualEnvironment(name: 'python' | 'mlserver' | 'bentoml' | 'batch'): string {
  const folder = join(FOLDER, name);
  const bin = join(folder, 'bin');
  const done = join(folder, 'installed');
  if (!existsSync(done)) {
    const requirements = join(import.meta.dirname, `${name}.txt`);
    execFileSync('python3', ['-m', 'venv', folder], { stdio: 'inherit' });
    execFileSync(join(bin, 'python'), ['-m', 'pip', 'install', '--quiet', '-r', requirements], { stdio: 'inherit' });
    writeFileSync(done, '');
  }
  return bin;
}
