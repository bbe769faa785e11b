import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { type Zippable, zipSync } from 'fflate';

const UNIX = 3;
const READABLE = 0o100644;

/** All files below a folder as a zip; the same files give the same bytes. */
export function zipFolder(folder: string): Uint8Array {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(path => statSync(join(folder, path)).isFile())
    .sort();
  const mtime = new Date(1980, 0, 1); // the first moment a zip can hold
  const entries: Zippable = {};
  for (const path of paths) {
    const name = relative('', path).split(sep).join('/');
    entries[name] = [readFileSync(join(folder, path)), { mtime, os: UNIX, attrs: READABLE << 16 }];
  }
  return zipSync(entries, { level: 6 });
}
