import { modelStorageConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import { BlobGone, BlobUnusable } from '../core/blobs.ts';
import type { Loader } from '../core/loader.ts';
import type { Log } from '../core/log.ts';
import { BadDeployment, MAX_DEPLOYMENT_BYTES, parseDeployment } from '../models/deployment.ts';
import type { ModelFiles } from '../models/open-files.ts';
import type { Inspection } from '../models/publish.ts';
import { productionVersion } from '../models/resolve-version.ts';
import { deploymentPath, type ModelStore, type StoredModel } from '../models/store.ts';
import type { Rollout } from '../rollouts/document.ts';
import { scratchRoot } from './scratch.ts';

/** The models in storage that the settings name. */
export async function openStore(settings: Settings): Promise<ModelStore> {
  const [{ createBlobs }, { createModelStore }] = await Promise.all([
    import('../azure/blobs.ts'),
    import('../models/model-store.ts'),
  ]);
  return createModelStore(createBlobs(modelStorageConnection(settings), settings.MODELS_CONTAINER));
}

/** ` at ACCOUNT` of the models, unless that is this machine: nobody should push to production unawares. */
export function accountOf(settings: Settings): string {
  const uri = settings.ModelStorage__blobServiceUri ?? /BlobEndpoint=([^;]+)/.exec(settings.ModelStorage ?? '')?.[1];
  const host = uri === undefined ? /AccountName=([^;]+)/.exec(settings.ModelStorage ?? '')?.[1] : new URL(uri).host;
  return host === undefined || /^(localhost|127\.0\.0\.1)(:|$)/.test(host) ? '' : ` at ${host}`;
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

/** Says what model files are: tried in a process of its own first, so that a file ends or holds up nothing but that. */
export async function inspect(settings: Settings, files: ModelFiles, signal: AbortSignal): Promise<Inspection> {
  const [{ createTrial }, { inspectModel }] = await Promise.all([
    import('../app/create-trial.ts'),
    import('../models/publish.ts'),
  ]);
  const apart = { trial: createTrial(settings), signal };
  return withLoaders(settings, loaders => inspectModel({ ...files, scratch: scratchRoot(settings) }, loaders, apart));
}

/** Keeps what a trial has shown where the functions look for it. @throws what `Blobs` throws */
export async function shareVerdict(settings: Settings, { tried }: Inspection): Promise<void> {
  if (!tried) return;
  const [{ createBlobs }, { share }] = await Promise.all([
    import('../azure/blobs.ts'),
    import('../models/verdicts.ts'),
  ]);
  await share(createBlobs(modelStorageConnection(settings), settings.MONITOR_CONTAINER), tried.key, tried.verdict);
}

export interface Deployed {
  readonly aliases: ReadonlyMap<string, string>;
  /** The version that answers where none is asked for, as long as it loads. */
  readonly production: string | undefined;
  /** Version → why it must not serve. */
  readonly quarantine: Readonly<Record<string, string>>;
  readonly rollout: Rollout | undefined;
  /** Why its deployment.json cannot be used, so that neither is known. */
  readonly problem: string | undefined;
}

/** A model's aliases and production version. A broken deployment.json is no failure: its model goes on without, as in the app. */
export async function readDeployed(store: ModelStore, model: StoredModel, signal: AbortSignal): Promise<Deployed> {
  const path = deploymentPath(model.name);
  const versions = [...model.versions.keys()];
  try {
    const { text } = await store.readText(path, signal, MAX_DEPLOYMENT_BYTES);
    const { aliases, document } = parseDeployment(text, path);
    const { quarantine, rollout } = document;
    const production = productionVersion({ versions, aliases, quarantined: new Set(Object.keys(quarantine)) });
    return { aliases, production, quarantine, rollout, problem: undefined };
  } catch (thrown) {
    const aliases = new Map<string, string>();
    const none = { aliases, quarantine: {}, rollout: undefined };
    if (thrown instanceof BlobGone)
      return { ...none, production: productionVersion({ versions, aliases }), problem: undefined };
    if (!(thrown instanceof BlobUnusable || thrown instanceof BadDeployment)) throw thrown;
    return { ...none, production: undefined, problem: thrown.message };
  }
}
