import { createOnnxLoader } from '../backends/onnx/onnx-loader.ts';
import { createRemoteLoader } from '../backends/remote/remote-loader.ts';
import type { Settings } from '../config/settings.ts';
import type { Loader } from '../core/loader.ts';
import type { Log } from '../core/log.ts';
import type { BreakerState } from '../core/retry-policies.ts';

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
 */
export function createLoaders(settings: Settings, log: Log): Loaders {
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
  const loaders = [remote, createOnnxLoader({ threads, inlineMaxMs, workerMinMs, limits, log })];
  return {
    loaders,
    breakers: remote.breakers,
    async close() {
      await Promise.all(loaders.map(loader => loader.close()));
    },
  };
}
