import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Settings } from '../config/settings.ts';
import { BlobGone } from '../core/blobs.ts';
import { newestFirst, resolveVersion } from '../models/resolve-version.ts';
import { cardPath, type ModelStore, modelPath, type StoredModel, type StoredVersion } from '../models/store.ts';
import { type Deployed, readDeployed } from './model-room.ts';
import { withScratch } from './scratch.ts';
import { Refusal } from './terminal.ts';

export interface FoundModel extends Deployed {
  readonly model: StoredModel;
}

export interface FoundVersion extends FoundModel {
  readonly stored: StoredVersion;
  /** Text of its model.json; undefined where it has none. */
  readonly card: string | undefined;
}

/** @throws Refusal that says what there is instead. */
export async function findModel(store: ModelStore, name: string, signal: AbortSignal): Promise<FoundModel> {
  const { models } = await store.list(signal);
  const model = models.get(name);
  if (!model) {
    const known = [...models.keys()].sort().join(', ');
    throw new Refusal(`there is no model ${name}`, known ? `There are ${known}.` : 'There is none yet.');
  }
  return { model, ...(await readDeployed(store, model, signal)) };
}

/**
 * A model in storage, by version or alias.
 * @param asked undefined: production
 * @throws Refusal that says what there is instead.
 */
export async function findStored(
  store: ModelStore,
  name: string,
  asked: string | undefined,
  signal: AbortSignal,
): Promise<FoundVersion> {
  const found = await findModel(store, name, signal);
  const stored = versionOf(found, asked);
  return { ...found, stored, card: await textOf(store, cardPath(stored), signal) };
}

/** @throws Refusal that says what there is instead. */
export function versionOf({ model, aliases }: FoundModel, asked: string | undefined): StoredVersion {
  const versions = [...model.versions.keys()];
  const { candidates, fallback } = resolveVersion({ versions, aliases }, asked);
  const stored = model.versions.get(candidates[0] ?? '');
  if (stored && !fallback) return stored;
  throw new Refusal(
    `${model.name} has no version ${asked ?? candidates[0]}`,
    `It has ${newestFirst(versions).join(', ')}.`,
  );
}

async function textOf(store: ModelStore, path: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await store.readText(path, signal)).text;
  } catch (thrown) {
    if (thrown instanceof BlobGone) return undefined;
    throw thrown;
  }
}

interface Downloaded {
  readonly file: string;
  readonly card: string | undefined;
  /** Paths in storage: those on this machine would tell nobody anything. */
  readonly titles: { readonly model: string; readonly card: string };
}

/** Downloads a version's file and card for as long as `work` takes. */
export function withDownloaded<T>(
  settings: Pick<Settings, 'LOCAL_DATA_DIR'>,
  store: ModelStore,
  { stored, card: text }: Pick<FoundVersion, 'stored' | 'card'>,
  signal: AbortSignal,
  work: (files: Downloaded) => Promise<T>,
): Promise<T> {
  return withScratch(settings, 'model', async folder => {
    const card = text === undefined ? undefined : join(folder, 'model.json');
    const file = join(folder, stored.cardOnly ? 'model.json' : 'model.onnx');
    await pipeline(await store.read(modelPath(stored), 0, stored.modelEtag, signal), createWriteStream(file));
    for (const [name, { path, etag }] of stored.beside ?? []) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await pipeline(await store.read(path, 0, etag, signal), createWriteStream(join(folder, name)));
    }
    if (card && text !== undefined && card !== file) await writeFile(card, text);
    return work({ file, card, titles: { model: modelPath(stored), card: cardPath(stored) } });
  });
}
