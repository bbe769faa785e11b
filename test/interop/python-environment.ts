import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The Python that foreign programs of this repository run in. @throws Error as `pythonEnvironment` does */
export function interopPython(root: string): string {
  return pythonEnvironment(
    join(root, '.local/interop-python'),
    ['test/interop', 'samples/databricks', 'samples/training'].map(folder => join(root, folder, 'requirements.txt')),
  );
}

/**
 * A Python with the packages of these files, in a virtual environment that is made anew where a file or the Python has changed.
 * @param folder where to make it
 * @returns the interpreter's path
 * @throws Error where there is no python3, or a package cannot be installed
 */
export function pythonEnvironment(folder: string, requirements: readonly string[]): string {
  const version = execFileSync('python3', ['--version'], { encoding: 'utf8' }).trim();
  const stamp = createHash('sha256').update(version);
  for (const file of requirements) stamp.update(readFileSync(file));
  const made = stamp.digest('hex');
  const python = join(folder, 'bin/python');
  const stampFile = join(folder, 'made-from');
  if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== made) {
    mkdirSync(folder, { recursive: true });
    execFileSync('python3', ['-m', 'venv', '--clear', folder], { stdio: 'inherit' });
    const files = requirements.flatMap(file => ['--requirement', file]);
    execFileSync(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...files], {
      stdio: 'inherit',
    });
    writeFileSync(stampFile, made);
  }
  return python;
}
