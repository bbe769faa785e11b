import { BlobGone } from '../../core/blobs.ts';
import { deploymentPath, type ModelStore, modelPath, type StoredModel } from '../../models/store.ts';
import { readDeployed } from '../model-room.ts';

export interface Serving {
  readonly model: string;
  /** What answers where no version is asked for; absent where that is not known. */
  readonly version?: string;
  /** Since when that has been so: the file or the aliases were written then. */
  readonly since?: string;
  /** Why it is not known. */
  readonly problem?: string;
}

/** Which version of each model answers, as storage says. @throws InfrastructureError where storage is away */
export async function lookAtModels(store: ModelStore, signal: AbortSignal): Promise<Serving[]> {
  const { models } = await store.list(signal);
  const found = await Promise.all([...models.values()].map(model => servingOf(store, model, signal)));
  return found.sort((one, other) => one.model.localeCompare(other.model));
}

async function servingOf(store: ModelStore, model: StoredModel, signal: AbortSignal): Promise<Serving> {
  const { production: version, problem } = await readDeployed(store, model, signal);
  if (version === undefined) return { model: model.name, problem: problem ?? 'no version of it is there' };
  if (!model.versions.has(version)) return { model: model.name, version, problem: `${version} is not there` };
  const files = [modelPath({ name: model.name, version }), deploymentPath(model.name)];
  const times = await Promise.all(files.map(path => modifiedAt(store, path, signal)));
  const sinceMs = Math.max(...times);
  return { model: model.name, version, ...(sinceMs > 0 && { since: new Date(sinceMs).toISOString() }) };
}

async function modifiedAt(store: ModelStore, path: string, signal: AbortSignal): Promise<number> {
  try {
    return (await store.properties(path, signal)).modifiedAt?.getTime() ?? 0;
  } catch (thrown) {
    if (thrown instanceof BlobGone) return 0;
    throw thrown;
  }
}
