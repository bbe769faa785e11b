import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Settings } from '../../config/settings.ts';
import { BlobGone } from '../../core/blobs.ts';
import { MAX_PROFILE_BYTES, PROFILE_FILE } from '../../drift/profile.ts';
import type { ModelFiles } from '../../models/open-files.ts';
import { besidePath, type ModelStore, type StoredVersion } from '../../models/store.ts';
import { openStore } from '../model-room.ts';
import { findStored, withDownloaded } from '../stored-model.ts';

/** The files of a model in storage and its profile beside them, on this machine for as long as `work` takes. */
export async function withStoredFiles(
  settings: Settings,
  model: string,
  version: string | undefined,
  signal: AbortSignal,
  work: (files: ModelFiles) => Promise<void>,
): Promise<void> {
  const store = await openStore(settings);
  const found = await findStored(store, model, version, signal);
  const profile = await profileText(store, found.stored, signal);
  await withDownloaded(settings, store, found, signal, async files => {
    if (profile !== undefined) await writeFile(join(dirname(files.file), PROFILE_FILE), profile);
    await work({ ...found.stored, ...files });
  });
}

async function profileText(store: ModelStore, stored: StoredVersion, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await store.readText(besidePath(stored, PROFILE_FILE), signal, MAX_PROFILE_BYTES)).text;
  } catch (thrown) {
    if (thrown instanceof BlobGone) return undefined;
    throw thrown;
  }
}
