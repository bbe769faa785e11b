import { availableParallelism } from 'node:os';
import type { Backend } from '../../core/backend.ts';
import type { Log } from '../../core/log.ts';
import { createMicroBatcher } from '../micro-batcher.ts';
import { createEngineBackend } from './engine-backend.ts';
import { openInline } from './in-line.ts';
import type { OnnxSource } from './onnx-source.ts';
import { inlineLimitMs, type PlacementLimits } from './placement.ts';
import { TooSlow } from './try-model.ts';
import { createWorkerPool } from './worker-pool.ts';

export interface OnnxBackendsOptions extends PlacementLimits {
  /** WORKER_THREADS; 0 runs everything in-line, undefined leaves one core to the event loop. */
  readonly threads: number | undefined;
  readonly log: Log;
}

export interface OnnxBackends {
  open(source: OnnxSource): Backend;
  /** Lets the worker threads end; close every backend before. Needed before `process.exit`, which aborts where a thread still runs a model. */
  close(): Promise<void>;
}

/** Larger files go to a worker without being tried on the main thread: loading them would stall it (12.6 MB of trees took 520 ms). */
const INLINE_MAX_BYTES = 2 * 1024 * 1024;

/**
 * Backends for ONNX files. A model runs in-line where batches of it are seen to be quick when it is tried, else in a pool of worker threads
 * that all heavy models share, so that none of them stalls the event loop. Its card may decide instead.
 */
export function createOnnxBackends(options: OnnxBackendsOptions): OnnxBackends {
  const cores = availableParallelism();
  const { threads = Math.max(1, cores - 1), log } = options;
  const pool = createWorkerPool({ size: threads, log });

  function open(source: OnnxSource): Backend {
    const { placement, maxQueueDelayMs = 0 } = source.wishes ?? {};
    const inline = (limitMs?: number) => createEngineBackend(source, 'in-line', () => openInline(source), limitMs);
    const inWorkers = () => {
      const backend = createEngineBackend(source, 'worker', () => pool.open(source));
      return createMicroBatcher(backend, { runs: threads, maxQueueDelayMs });
    };
    if (threads === 0 || placement === 'in-line') return inline();
    if (placement === 'worker' || source.bytes > INLINE_MAX_BYTES) return inWorkers();
    return firstFitting(inline(inlineLimitMs(options, cores, pool.load)), inWorkers);
  }

  return { open, close: pool.close };
}

/** The first backend, unless loading it shows that it is too slow: then the other. */
function firstFitting(first: Backend, other: () => Backend): Backend {
  let chosen = first;
  let loading: ReturnType<Backend['load']> | undefined;
  return {
    load() {
      loading ??= first.load().catch(thrown => {
        if (!(thrown instanceof TooSlow)) throw thrown;
        chosen = other();
        return chosen.load();
      });
      return loading;
    },
    predict: (inputs, options) => chosen.predict(inputs, options),
    get info() {
      return chosen.info;
    },
    async close() {
      await loading?.catch(() => {});
      await chosen.close();
    },
  };
}
