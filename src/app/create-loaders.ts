import { createOnnxLoader } from '../backends/onnx/onnx-loader.ts';
import type { Settings } from '../config/settings.ts';
import type { Loader } from '../core/loader.ts';
import type { Log } from '../core/log.ts';

export interface Loaders {
  readonly loaders: readonly Loader[];
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
  const loaders = [createOnnxLoader({ threads, inlineMaxMs, workerMinMs, limits, log })];
  return {
    loaders,
    async close() {
      await Promise.all(loaders.map(loader => loader.close()));
    },
  };
}
