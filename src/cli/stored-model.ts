import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { BlobGone } from '../core/blobs.ts';
import { resolveVersion } from '../models/resolve-version.ts';
import { cardPath, type ModelStore, modelPath, type StoredVersion } from '../models/store.ts';
import { type Deployed, readDeployed } from './model-room.ts';
import { CommandError } from './terminal.ts';

export interface FoundVersion extends Deployed {
  readonly stored: StoredVersion;
  /** Text of its model.json; undefined where it has none. */
  readonly card: string | undefined;
}

/**
 * A model in storage, by version or alias.
 * @param asked undefined: production
 * @throws CommandError that says what there is instead.
 */
export async function findStored(
  store: ModelStore,
  name: string,
  asked: string | undefined,
  signal: AbortSignal,
): Promise<FoundVersion> {
  const { models } = await store.list(signal);
  const model = models.get(name);
  if (!model) {
    const known = [...models.keys()].sort().join(', ');
    throw new CommandError(`there is no model ${name}`, known ? `There are ${known}.` : 'There is none yet.');
  }
  const deployed = await readDeployed(store, model, signal);
  const versions = [...model.versions.keys()];
  const { candidates, fallback } = resolveVersion({ versions, aliases: deployed.aliases }, asked);
  const stored = model.versions.get(candidates[0] ?? '');
  if (!stored || fallback) {
    throw new CommandError(`${name} has no version ${asked}`, `It has ${versions.join(', ')}.`);
  }
  return { ...deployed, stored, card: await textOf(store, cardPath(stored), signal) };
}

async function textOf(store: ModelStore, path: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await store.readText(path, signal)).text;
  } catch (thrown) {
    if (thrown instanceof BlobGone) return undefined;
    throw thrown;
  }
}

/** Downloads a version's file and card for as long as `work` takes. */
export async function withDownloaded<T>(
  store: ModelStore,
  { stored, card: text }: Pick<FoundVersion, 'stored' | 'card'>,
  signal: AbortSignal,
  work: (files: { file: string; card: string | undefined }) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'hubscore-model-'));
  try {
    const file = join(folder, 'model.onnx');
    const card = text === undefined ? undefined : join(folder, 'model.json');
    await pipeline(await store.read(modelPath(stored), 0, stored.modelEtag, signal), createWriteStream(file));
    for (const [name, { path, etag }] of stored.beside ?? []) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await pipeline(await store.read(path, 0, etag, signal), createWriteStream(join(folder, name)));
    }
    if (card && text !== undefined) await writeFile(card, text);
    return await work({ file, card });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
