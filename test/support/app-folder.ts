import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

/** A folder that the local host runs as hubscore itself, from source: our host.json and functions, no settings file. */
export function appFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'hubscore-app-'));
  cpSync(join(ROOT, 'host.json'), join(path, 'host.json'));
  symlinkSync(join(ROOT, 'src'), join(path, 'src'));
  writeFileSync(join(path, 'package.json'), JSON.stringify({ type: 'module', main: 'src/functions/*.ts' }));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
