import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

/**
 * A folder that the local host runs as hubscore itself, from source: our host.json and functions, no settings file.
 * @param main glob of the files with functions, in `src` and `test`
 */
export function appFolder(main = 'src/functions/*.ts'): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'hubscore-app-'));
  cpSync(join(ROOT, 'host.json'), join(path, 'host.json'));
  for (const folder of ['src', 'test']) symlinkSync(join(ROOT, folder), join(path, folder));
  writeFileSync(join(path, 'package.json'), JSON.stringify({ type: 'module', main }));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
