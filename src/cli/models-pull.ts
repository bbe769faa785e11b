import { createHash } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BlobEntry } from '../core/blobs.ts';
import { staysInside } from '../core/inside.ts';
import { parseCard } from '../models/card.ts';
import { hashFile } from '../models/files.ts';
import { cardPath, type ModelStore, modelPath } from '../models/store.ts';
import { commandSettings } from './environment.ts';
import { openStore } from './model-room.ts';
import { jsonLine, printable } from './printable.ts';
import { findStored } from './stored-model.ts';
import { Refusal, type Terminal } from './terminal.ts';

/** `hubscore models pull NAME [VERSION]`: a version's files, as `models push` takes them, into `<folder>/<name>/<version>/`. */
export async function pull(
  terminal: Terminal,
  name: string,
  asked: string | undefined,
  options: { readonly to: string; readonly json?: boolean },
): Promise<void> {
  const { signal, stdout } = terminal;
  const store = await openStore(commandSettings(terminal.environment, terminal.folder));
  const { stored, card } = await findStored(store, name, asked, signal);
  if (!staysInside(name)) throw new Refusal(`${name} cannot be the name of a folder`, 'Nothing was written.');
  const folder = resolve(terminal.folder, options.to, name, stored.version);
  const said = card === undefined ? undefined : parseCard(card, cardPath(stored)).sha256?.toLowerCase();
  const { metadata } = await store.properties(modelPath(stored), signal);
  const expected = said ?? metadata.sha256;
  const files: { file: string; bytes: number; sha256: string }[] = [];
  for (const entry of await store.filesOf(stored, signal)) {
    const file = entry.path.slice(`${name}/${stored.version}/`.length);
    if (!staysInside(file)) continue;
    const wanted = entry.path === modelPath(stored) ? expected : undefined;
    files.push({ file, bytes: entry.bytes, sha256: await download(store, entry, join(folder, file), wanted, signal) });
  }
  if (options.json) {
    stdout.write(`${jsonLine({ name, version: stored.version, folder, files })}\n`);
    return;
  }
  const names = files.map(({ file }) => file).join(', ');
  stdout.write(`${printable(`${name} ${stored.version} is in ${folder}: ${names}`)}\n`);
}

/** Whole or not at all. @throws Refusal where another file is there, or what came is not what the card speaks of. */
async function download(
  store: ModelStore,
  { path, etag }: BlobEntry,
  file: string,
  expected: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  const hash = createHash('sha256');
  try {
    const source = Readable.from(await store.read(path, 0, etag, signal));
    source.on('data', (chunk: Uint8Array) => hash.update(chunk));
    await pipeline(source, createWriteStream(temporary));
    const sha256 = hash.digest('hex');
    if (expected !== undefined && expected !== sha256) {
      throw new Refusal(`${path}: checksum differs: its card says ${expected}, it has ${sha256}`, 'It was not kept.');
    }
    if (existsSync(file) && (await hashFile(file)) !== sha256) {
      throw new Refusal(`${file} is there already, with other content`, 'Give another folder (--to), or move it away.');
    }
    await rename(temporary, file);
    return sha256;
  } finally {
    await rm(temporary, { force: true });
  }
}
