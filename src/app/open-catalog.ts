import { createBlobs } from '../azure/blobs.ts';
import { containerAddress } from '../azure/connect-blobs.ts';
import { withBreaker } from '../azure/with-breaker.ts';
import { availableCores } from '../backends/onnx/cores.ts';
import { modelStorageConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import { InfrastructureError } from '../core/errors.ts';
import { type Breaker, createBreaker } from '../core/retry-policies.ts';
import { type CatalogOptions, createCatalog, type ModelCatalog } from '../models/catalog.ts';
import { createModelStore } from '../models/model-store.ts';
import { createTriedFiles } from '../models/tried.ts';
import { warningOfUnknownFields } from '../models/unknown-fields.ts';
import { cacheDirOf } from './cache-dir.ts';
import { createTrial } from './create-trial.ts';

const MIB = 1024 * 1024;

/** The catalog of model storage as the settings want it, and the circuit breaker before that storage. */
export function openCatalog(
  settings: Settings,
  parts: Pick<CatalogOptions, 'loaders' | 'clock' | 'log' | 'onLoad'>,
): { readonly catalog: ModelCatalog; readonly breaker: Breaker } {
  const { MODELS_CONTAINER, MONITOR_CONTAINER, BREAKER_FAILURES, BREAKER_RESET_SECONDS } = settings;
  const { clock, log } = parts;
  const breaker = createBreaker(
    { name: 'blob storage', failures: BREAKER_FAILURES, resetMs: BREAKER_RESET_SECONDS * 1000, log: parts.log },
    error => error instanceof InfrastructureError,
  );
  const connection = modelStorageConnection(settings);
  const blobs = createBlobs(connection, MODELS_CONTAINER);
  const cacheDir = cacheDirOf(settings);
  const shared = createBlobs(connection, MONITOR_CONTAINER);
  const tried = createTriedFiles({ trial: createTrial(settings), dir: cacheDir, shared, clock, log });
  const catalog = createCatalog({
    ...parts,
    loaders: warningOfUnknownFields(parts.loaders, parts.log),
    store: createModelStore(withBreaker(blobs, breaker)),
    tried,
    workers: settings.WORKER_THREADS ?? Math.max(1, availableCores() - 1),
    defaultModel: settings.DEFAULT_MODEL,
    refreshMs: settings.MODEL_REFRESH_SECONDS * 1000,
    checkMs: settings.DEPLOYMENT_CHECK_SECONDS * 1000,
    loadTimeoutMs: settings.MODEL_LOAD_TIMEOUT_SECONDS * 1000,
    waitMs: settings.MODEL_WAIT_SECONDS * 1000,
    memoryBytes: settings.MODEL_MEMORY_MB * MIB,
    storage: containerAddress(connection, MODELS_CONTAINER),
    cacheDir,
    cacheBytes: settings.MODEL_CACHE_MB * MIB,
  });
  return { catalog, breaker };
}
