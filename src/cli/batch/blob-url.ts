import { createWriteStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { BatchRefusal } from '../../batch/problems.ts';
import { type Connection, modelStorageConnection } from '../../config/connection.ts';
import type { Settings } from '../../config/settings.ts';
import { BlobConflict, type Blobs } from '../../core/blobs.ts';
import { nameMatcher } from './name-pattern.ts';

/** A blob, or several by a pattern. */
interface Place {
  readonly blobs: Blobs;
  readonly path: string;
}

export function isUrl(place: string): boolean {
  return /^https?:\/\//.test(place);
}

/** Downloads the blobs that a URL means (`*` and `?` in its last part), each under the ETag that it was seen with; calls back with each. @throws BatchRefusal where there is none */
export async function downloadBlobs(
  settings: Settings,
  url: string,
  scratch: string,
  signal: AbortSignal,
  work: (file: string, title: string) => Promise<void>,
): Promise<void> {
  const { blobs, path } = await placeOf(settings, url);
  const name = basename(path);
  const matches = nameMatcher(name);
  const prefix = path.slice(0, path.length - name.length) + name.replace(/[*?].*$/, '');
  const found = (await blobs.list(prefix, signal)).filter(
    entry => dirname(entry.path) === dirname(path) && matches(basename(entry.path)),
  );
  if (found.length === 0) throw new BatchRefusal(`${url} is not there`);
  for (const [i, { path: blob, etag }] of found.entries()) {
    const file = join(scratch, `blob-${i}`);
    await pipeline(await blobs.read(blob, 0, etag, signal), createWriteStream(file), { signal });
    await work(file, blob);
  }
}

/** Downloads the blobs below a URL whose paths are wanted, one after the other; calls back with each, and takes it away again. @throws BatchRefusal where none is */
export async function downloadBelow(
  settings: Settings,
  url: string,
  scratch: string,
  isWanted: (path: string) => boolean,
  signal: AbortSignal,
  work: (file: string, title: string) => Promise<void>,
): Promise<number> {
  const { blobs, path } = await placeOf(settings, url);
  const file = join(scratch, 'blob');
  let many = 0;
  for (const { path: blob, etag } of await blobs.list(path, signal)) {
    if (!isWanted(blob)) continue;
    many++;
    await pipeline(await blobs.read(blob, 0, etag, signal), createWriteStream(file), { signal });
    await work(file, blob);
  }
  return many;
}

/** Uploads what lies at a path: a file as the blob of the URL, a folder as blobs under it, the one that says that it is whole last. @throws BatchRefusal where one is there already */
export async function uploadTo(
  settings: Settings,
  url: string,
  local: string,
  overwrite: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { blobs, path } = await placeOf(settings, url);
  const names = (await stat(local)).isDirectory() ? (await readdir(local)).sort(successLast) : [];
  const files = names.length === 0 ? [[local, path]] : names.map(name => [join(local, name), `${path}/${name}`]);
  for (const [file, blob] of files as [string, string][]) {
    await blobs.writeFile(blob, file, {}, overwrite ? 'any' : 'absent', signal).catch(thrown => {
      if (thrown instanceof BlobConflict)
        throw new BatchRefusal(`${blob} is there already; give another name, or --overwrite`);
      throw thrown;
    });
  }
}

function successLast(one: string, other: string): number {
  return Number(one === '_SUCCESS') - Number(other === '_SUCCESS') || (one < other ? -1 : 1);
}

/** In the account of the models where it is that one, with what opens it; any other by the identity. */
async function placeOf(settings: Settings, url: string): Promise<Place> {
  const [{ createBlobs }, { containerAddress }] = await Promise.all([
    import('../../azure/blobs.ts'),
    import('../../azure/connect-blobs.ts'),
  ]);
  const { origin, pathname } = new URL(url);
  const whole = origin + decodeURIComponent(pathname);
  const models = modelStorageConnection(settings);
  const account = containerAddress(models, 'x').slice(0, -1);
  const inModels = whole.startsWith(account);
  const base = inModels ? account : `${origin}/`;
  const connection: Connection = inModels ? models : { kind: 'identity', endpoint: origin, clientId: undefined };
  const [container = '', ...rest] = whole.slice(base.length).split('/');
  if (container === '' || rest.join('/') === '')
    throw new BatchRefusal(`${url} names no blob: a container and a path are expected`);
  return { blobs: createBlobs(connection, container), path: rest.join('/') };
}
