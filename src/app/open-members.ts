import { createBlobs } from '../azure/blobs.ts';
import { modelStorageConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import type { Loader } from '../core/loader.ts';
import type { Log } from '../core/log.ts';
import { type CatalogOptions, createCatalog, type ModelCatalog } from '../models/catalog.ts';
import { createModelStore } from '../models/model-store.ts';
import { cacheDirOf } from './cache-dir.ts';

const MIB = 1024 * 1024;
const HOUR_MS = 3_600_000;

/** What ensembles have pinned, for those who open one version and have no catalog: from the storage that the settings name, as it is now. */
export function openMembers(settings: Settings, loaders: readonly Loader[], log: Log): ModelCatalog {
  const options: CatalogOptions = {
    store: createModelStore(createBlobs(modelStorageConnection(settings), settings.MODELS_CONTAINER)),
    loaders,
    clock: Date.now,
    log,
    defaultModel: undefined,
    refreshMs: HOUR_MS,
    loadTimeoutMs: settings.MODEL_LOAD_TIMEOUT_SECONDS * 1000,
    memoryBytes: settings.MODEL_MEMORY_MB * MIB,
    cacheDir: cacheDirOf(settings),
    cacheBytes: settings.MODEL_CACHE_MB * MIB,
  };
  return createCatalog(options);
}
