import { BlobConflict, BlobGone } from '../core/blobs.ts';
import { membersOf, type VersionPin } from '../core/ensemble-card.ts';
import { isRetryable } from '../core/errors.ts';
import { parseCard } from '../models/card.ts';
import { newestFirst } from '../models/resolve-version.ts';
import { cardPath, type ModelStore, modelPath, type StoredVersion } from '../models/store.ts';
import { commandSettings } from './environment.ts';
import { openStore } from './model-room.ts';
import { jsonLine, printable } from './printable.ts';
import { type FoundModel, findModel } from './stored-model.ts';
import { Refusal, type Terminal } from './terminal.ts';

/** `hubscore models delete NAME VERSION`: takes a version away that nothing points at. */
export async function deleteVersion(
  terminal: Terminal,
  name: string,
  version: string,
  options: { readonly json?: boolean },
): Promise<void> {
  const { signal, stdout } = terminal;
  const store = await openStore(commandSettings(terminal.environment, terminal.folder));
  const found = await findModel(store, name, signal);
  const stored = found.model.versions.get(version); // by its full number: a range could take away what is newest today
  if (!stored) {
    const known = newestFirst([...found.model.versions.keys()]).join(', ');
    throw new Refusal(`${name} has no version ${version}`, `It has ${known}; give one in full.`);
  }
  const use = await useOf(store, found, stored, signal);
  if (use)
    throw new Refusal(`${name} ${version} is in use: ${use}`, 'Nothing was deleted: point that elsewhere first.');
  const files = await remove(store, stored, signal);
  if (options.json) stdout.write(`${jsonLine({ name, version, deleted: files })}\n`);
  else stdout.write(`${printable(`deleted ${name} ${version}: ${files.join(', ')}`)}\n`);
}

async function useOf(
  store: ModelStore,
  { model, aliases, production, problem }: FoundModel,
  { version }: StoredVersion,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (problem !== undefined) return `nobody knows, since ${problem}`;
  const names = [...aliases].filter(([, target]) => target === version).map(([alias]) => alias);
  if (names.length > 0) return `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} this version`;
  if (production === version) return 'it is production, as the highest version there is';
  for (const other of model.versions.values()) {
    if (other.version === version || other.cardEtag === undefined) continue;
    if ((await fallbackOf(store, other, signal)) === version) return `${other.version} falls back on it`;
  }
  for (const other of (await store.list(signal)).models.values()) {
    for (const each of other.versions.values()) {
      const pins = each.cardOnly ? await pinsOf(store, each, signal) : [];
      if (pins.some(pin => pin.model === model.name && pin.version === version))
        return `it is a member of ${each.name} ${each.version}`;
    }
  }
  return undefined;
}

async function pinsOf(store: ModelStore, stored: StoredVersion, signal: AbortSignal): Promise<readonly VersionPin[]> {
  const path = cardPath(stored);
  try {
    return membersOf(stored.name, parseCard((await store.readText(path, signal)).text, path));
  } catch (thrown) {
    if (isRetryable(thrown)) throw thrown;
    return []; // a card that cannot be read serves nothing
  }
}

async function fallbackOf(store: ModelStore, stored: StoredVersion, signal: AbortSignal): Promise<string | undefined> {
  const path = cardPath(stored);
  try {
    const { fallback } = parseCard((await store.readText(path, signal)).text, path);
    return fallback?.model === undefined || fallback.model === stored.name ? fallback?.version : undefined;
  } catch (thrown) {
    if (thrown instanceof Error && 'retryable' in thrown && thrown.retryable) throw thrown;
    return undefined; // a card that cannot be read serves nothing
  }
}

/** The model file first: without it the rest is no version, and nothing is ever seen without its card. */
async function remove(store: ModelStore, stored: StoredVersion, signal: AbortSignal): Promise<string[]> {
  const files = [...(await store.filesOf(stored, signal))];
  files.sort((a, b) => Number(b.path === modelPath(stored)) - Number(a.path === modelPath(stored)));
  for (const { path, etag } of files) {
    try {
      await store.delete(path, etag, signal);
    } catch (thrown) {
      if (thrown instanceof BlobGone) continue;
      if (!(thrown instanceof BlobConflict)) throw thrown;
      throw new Refusal(`${path} was changed at this moment`, 'Look at what is there now.', { cause: thrown });
    }
  }
  return files.map(({ path }) => path.slice(`${stored.name}/${stored.version}/`.length));
}
