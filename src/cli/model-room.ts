import { modelStorageConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import type { OpenBackend } from '../core/backend.ts';
import { BlobGone } from '../core/blobs.ts';
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

/** Opens model files as the app does, in a worker thread where they are slow; `work` is done when it resolves. */
export async function withBackends<T>(settings: Settings, work: (open: OpenBackend) => Promise<T>): Promise<T> {
  const { createOnnxBackends } = await import('../backends/onnx/backends.ts'); // loads ONNX Runtime
  const silent = { info() {}, warn() {}, error() {} };
  const backends = createOnnxBackends({
    threads: 1,
    inlineMaxMs: settings.INLINE_MAX_MS,
    workerMinMs: settings.WORKER_MIN_MS,
    log: silent,
  });
  try {
    return await work(backends.open);
  } finally {
    await backends.close();
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
