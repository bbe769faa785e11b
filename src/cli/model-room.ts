import { modelStorageConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import { BlobGone } from '../core/blobs.ts';
import type { Loader } from '../core/loader.ts';
import type { Log } from '../core/log.ts';
import { parseDeployment } from '../models/deployment.ts';
import { productionVersion } from '../models/resolve-version.ts';
import { deploymentPath, type ModelStore, type StoredModel } from '../models/store.ts';

/** The models in storage that the settings name. */
export async function openStore(settings: Settings): Promise<ModelStore> {
  const [{ createBlobs }, { createModelStore }] = await Promise.all([
    import('../azure/blobs.ts'),
    import('../models/model-store.ts'),
  ]);
  return createModelStore(createBlobs(modelStorageConnection(settings), settings.MODELS_CONTAINER));
}

const SILENT: Log = { info() {}, warn() {}, error() {} };

/** Opens models as the app does, in a worker process where they are slow; `work` is done with them when it resolves. */
export async function withLoaders<T>(
  settings: Settings,
  work: (loaders: readonly Loader[]) => Promise<T>,
  log = SILENT,
): Promise<T> {
  const { createLoaders } = await import('../app/create-loaders.ts');
  const { loaders, close } = createLoaders({ ...settings, WORKER_THREADS: 1 }, log);
  try {
    return await work(loaders);
  } finally {
    await close();
  }
}

export interface Deployed {
  readonly aliases: ReadonlyMap<string, string>;
  /** The version that answers where none is asked for. */
  readonly production: string | undefined;
}

/** A model's aliases and production version. */
export async function readDeployed(store: ModelStore, model: StoredModel, signal: AbortSignal): Promise<Deployed> {
  const path = deploymentPath(model.name);
  const stored = await store.readText(path, signal).catch(thrown => {
    if (thrown instanceof BlobGone) return undefined;
    throw thrown;
  });
  const aliases = stored ? parseDeployment(stored.text, path).aliases : new Map<string, string>();
  const versions = [...model.versions.keys()];
  return { aliases, production: productionVersion({ versions, aliases }) };
}
