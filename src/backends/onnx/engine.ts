import type { Backend, BackendInfo, Placement, PredictOptions } from '../../core/backend.ts';
import type { Signature, Tensors } from '../../core/tensor.ts';
import { explainFailure } from './explain-failure.ts';
import type { OnnxSource } from './onnx-source.ts';
import { warmUp } from './warm-up.ts';

/** A model opened somewhere: on this thread, or in the worker threads. */
export interface Engine {
  readonly signature: Signature;
  readonly memoryBytes: number;
  run(inputs: Tensors, options?: PredictOptions): Promise<Tensors>;
  /** Frees it; nothing may be running. */
  release(): Promise<void>;
}

/** The model takes longer than the limit that was set. */
export class TooSlow extends Error {
  override readonly name = 'TooSlow';
}

/** A model whose slices take a second is not tried with still larger ones. */
const LONGEST_WARM_UP_MS = 1_000;

/** What a batch of 256 takes, by its slices; of short slices no more than eight count, since the loop turns after each. */
function batchMs(sliceMs: number, rows: number): number {
  return sliceMs * Math.max(1, Math.min(256 / rows, 8));
}

/**
 * The backend around an engine: opens it once, tries it, counts what runs, and frees it when that has ended.
 * `load` throws `TooSlow` where a batch of 256 takes longer than `limitMs`; without a limit it is tried with larger slices while they are quick.
 */
export function createEngineBackend(
  source: OnnxSource,
  placement: Placement,
  openEngine: () => Promise<Engine>,
  limitMs?: number,
): Backend {
  let loading: Promise<BackendInfo> | undefined;
  let loaded: { readonly engine: Engine; readonly info: BackendInfo } | undefined;
  let closing: Promise<void> | undefined;
  const running = new Set<Promise<Tensors>>();

  async function open(): Promise<BackendInfo> {
    const engine = await openEngine().catch(thrown => {
      throw explainFailure(source.title, thrown);
    });
    try {
      const { signature, memoryBytes } = engine;
      const patienceMs = limitMs ?? LONGEST_WARM_UP_MS;
      const { sliceMs, maxBatchSize, stopped } = await warmUp(source, source.plan(signature), engine.run, patienceMs);
      if (limitMs !== undefined && (stopped || batchMs(sliceMs, maxBatchSize) > limitMs)) {
        throw new TooSlow(`${source.title}: a batch takes more than ${limitMs} ms`);
      }
      const info = { signature, placement, warmUpMs: sliceMs, memoryBytes, maxBatchSize };
      loaded = { engine, info };
      return info;
    } catch (thrown) {
      await engine.release();
      throw thrown;
    }
  }

  return {
    load() {
      loading ??= open();
      return loading;
    },
    async predict(inputs, options) {
      if (!loaded || closing) throw new Error(`${source.title}: ${closing ? 'closed' : 'not loaded'}`);
      options?.signal?.throwIfAborted();
      const run = loaded.engine.run(inputs, options);
      running.add(run);
      try {
        return await run;
      } finally {
        running.delete(run);
      }
    },
    get info() {
      if (!loaded) throw new Error(`${source.title}: not loaded`);
      return loaded.info;
    },
    close() {
      closing ??= (async () => {
        await loading?.catch(() => {});
        await Promise.allSettled(running);
        await loaded?.engine.release();
      })();
      return closing;
    },
  };
}
