import { createChoiceLoaders } from '../backends/choice/choice-loader.ts';
import { createEnsembleLoader } from '../backends/ensemble/ensemble-loader.ts';
import { createOnnxLoader } from '../backends/onnx/onnx-loader.ts';
import { createRemoteLoader } from '../backends/remote/remote-loader.ts';
import type { Settings } from '../config/settings.ts';
import type { Loader } from '../core/loader.ts';
import type { Log } from '../core/log.ts';
import type { BreakerState } from '../core/retry-policies.ts';
import type { ModelCatalog } from '../models/catalog.ts';
import type { OpenMember } from '../models/members.ts';

export interface Loaders {
  readonly loaders: readonly Loader[];
  /** Circuit breakers of the servers that models are at, by host. */
  breakers(): Readonly<Record<string, BreakerState>>;
  /** Every model is closed before. */
  close(): Promise<void>;
}

const MIB = 1024 * 1024;

/**
 * One loader a kind of model; the first that takes a card opens it, and an ONNX file needs no card, so that one is last. ONNX Runtime comes
 * with this file, and takes its time: import it only where a model is about to be opened.
 * @param member opens what ensembles have pinned; absent: from the storage that the settings name, once one asks
 */
export function createLoaders(settings: Settings, log: Log, member?: OpenMember): Loaders {
  const { WORKER_THREADS: threads, INLINE_MAX_MS: inlineMaxMs, WORKER_MIN_MS: workerMinMs } = settings;
  const limits = {
    timeoutMs: settings.INFERENCE_TIMEOUT_SECONDS * 1000,
    growBytes: settings.INFERENCE_MEMORY_MB * MIB,
    loadTimeoutMs: settings.MODEL_LOAD_TIMEOUT_SECONDS * 1000,
  };
  const remote = createRemoteLoader({
    hosts: settings.REMOTE_HOSTS,
    tokens: settings.REMOTE_TOKENS,
    breaker: { failures: settings.BREAKER_FAILURES, resetMs: settings.BREAKER_RESET_SECONDS * 1000 },
    async tokenFor(scope, abortSignal) {
      const { credentialOf } = await import('../azure/credential.ts');
      const credential = await credentialOf(settings.ModelStorage__clientId);
      return (await credential.getToken(scope, { abortSignal })).token;
    },
    log,
  });
  const members = member === undefined ? membersFrom(settings, log, () => loaders) : undefined;
  const ensembles = createEnsembleLoader({ member: member ?? members!.open, log });
  const onnx = createOnnxLoader({ threads, inlineMaxMs, workerMinMs, limits, log });
  const loaders: readonly Loader[] = [ensembles, ...createChoiceLoaders({ remote, onnx, log }), remote, onnx];
  return {
    loaders,
    breakers: remote.breakers,
    async close() {
      await members?.close();
      await Promise.all(loaders.map(loader => loader.close()));
    },
  };
}

/** Members for those who open one version and have no catalog. */
function membersFrom(settings: Settings, log: Log, loaders: () => readonly Loader[]) {
  let catalog: Promise<ModelCatalog> | undefined;
  const open = async () => {
    const { openMembers } = await import('./open-members.ts');
    return openMembers(settings, loaders(), log);
  };
  return {
    async open(pin: Parameters<OpenMember>[0]) {
      catalog ??= open();
      return (await catalog).member(pin);
    },
    async close() {
      await (await catalog?.catch(() => undefined))?.close();
    },
  };
}
