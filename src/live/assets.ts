import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};
const INDEX = 'index.html';

export interface Asset {
  readonly type: string;
  readonly body: string;
}

/** The live page as it is served. */
export interface Assets {
  /** The page itself, which names the others under their hash. */
  readonly index: string;
  /** Of all of them: another content is another address, so that each may be kept for ever. */
  readonly hash: string;
  readonly files: ReadonlyMap<string, Asset>;
}

/** Where `npm run build` puts them. */
const FOLDER = import.meta.url.endsWith('.ts') ? '../../dist/live/page' : './page';

/** @throws Error where the project is not built */
export function readAssets(folder = fileURLToPath(new URL(FOLDER, import.meta.url))): Assets {
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const names = readdirSync(folder).filter(name => extname(name) in TYPES);
  const files = new Map(names.sort().map(name => [name, { type: TYPES[extname(name)] as string, body: read(name) }]));
  const hash = createHash('sha256')
    .update(JSON.stringify([...files]))
    .digest('hex')
    .slice(0, 16);
  return { index: read(INDEX).replaceAll('{assets}', `live/assets/${hash}`), hash, files };
}
