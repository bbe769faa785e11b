import type { Backend } from '../../core/backend.ts';
import type { Log } from '../../core/log.ts';
import { createMicroBatcher } from '../micro-batcher.ts';
import { availableCores } from './cores.ts';
import { createEngineBackend } from './engine-backend.ts';
import { openInline } from './in-line.ts';
import { createInferencePool, type RunLimits } from './inference-pool.ts';
import type { OnnxSource } from './onnx-source.ts';
import { inlineLimitMs, type PlacementLimits } from './placement.ts';
import type { Lacking } from './providers.ts';
import { NotInline } from './try-model.ts';

export interface OnnxBackendsOptions extends PlacementLimits {
  readonly log: Log;
  /** Of what runs in the inference processes; absent: the settings' defaults. */
  readonly limits?: RunLimits | undefined;
  /** WORKER_THREADS: inference processes; 0 runs everything in-line, undefined leaves one core to the event loop. */
  readonly threads: number | undefined;
}

export interface OnnxBackends {
  open(source: OnnxSource): Backend;
  /** Lets the inference processes end; close every backend before. */
  close(): Promise<void>;
}

/** Larger files go to a process of their own without being tried on the main thread: loading them would stall it (12.6 MB of trees took 520 ms). */
const INLINE_MAX_BYTES = 2 * 1024 * 1024;
const DEFAULT_LIMITS: RunLimits = { timeoutMs: 60_000, growBytes: 512 * 1024 * 1024, loadTimeoutMs: 60_000 };

/**
 * Backends for ONNX files. A model runs in-line where batches of it are seen to be quick when it is tried, else in a pool of processes
 * that all heavy models share, so that none of them stalls the event loop, and that can be killed: there, too, runs what an input can keep at work for ever. For the others the card may decide instead.
 */
export function createOnnxBackends(options: OnnxBackendsOptions): OnnxBackends {
  const cores = availableCores();
  const { threads = Math.max(1, cores - 1), log, limits = DEFAULT_LIMITS } = options;
  const pool = createInferencePool({ size: threads, log, limits });

  const said = new Set<string>();

  function sayOnce(title: string, lacking: readonly Lacking[]): void {
    for (const { provider, reason } of lacking) {
      if (!said.has(provider))
        log.warn(`${title}: provider ${provider} is not on this machine: ${reason}; passed over`);
      said.add(provider);
    }
  }

  function open(given: OnnxSource): Backend {
    const source: OnnxSource = { ...given, onLacking: lacking => sayOnce(given.title, lacking) };
    const { placement, maxQueueDelayMs = 0 } = source.wishes ?? {};
    const inline = (limitMs?: number) => createEngineBackend(source, 'in-line', () => openInline(source), limitMs);
    const inWorkers = () => {
      const backend = createEngineBackend(source, 'worker', () => pool.open(source));
      return createMicroBatcher(backend, { runs: threads, maxQueueDelayMs });
    };
    if (threads === 0) return inline();
    if (source.unbounded) return inWorkers();
    if (placement === 'in-line') return inline();
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
        if (!(thrown instanceof NotInline)) throw thrown;
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
