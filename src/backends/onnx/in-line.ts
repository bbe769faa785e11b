import type { Backend, BackendInfo, BackendSource } from '../../core/backend.ts';
import type { Tensors } from '../../core/tensor.ts';
import { explainFailure } from './explain-failure.ts';
import { estimateMemory } from './memory.ts';
import { type OnnxSession, openSession } from './session.ts';
import { warmUp } from './warm-up.ts';

/** `TooSlow` where the model's slices are over `limitMs`: it belongs in a worker. */
export class TooSlow extends Error {
  override readonly name = 'TooSlow';
}

/** Runs a model on the calling thread; for models whose slice takes a few milliseconds at most. */
export function createInlineBackend(source: BackendSource, limitMs = Number.POSITIVE_INFINITY): Backend {
  let loading: Promise<BackendInfo> | undefined;
  let info: BackendInfo | undefined;
  let session: OnnxSession | undefined;
  let closing: Promise<void> | undefined;
  const running = new Set<Promise<Tensors>>();

  async function open(): Promise<BackendInfo> {
    const before = process.memoryUsage.rss();
    const opened = await openSession(source.file).catch(thrown => {
      throw explainFailure(source.title, thrown);
    });
    try {
      const memoryBytes = estimateMemory(source.bytes, process.memoryUsage.rss() - before);
      const { signature } = opened;
      const { sliceMs, maxBatchSize, stopped } = await warmUp(source, source.plan(signature), opened.run, limitMs);
      if (stopped) throw new TooSlow(`${source.title}: a slice takes ${sliceMs.toFixed(1)} ms`);
      session = opened;
      info = { signature, placement: 'in-line', warmUpMs: sliceMs, memoryBytes, maxBatchSize };
      return info;
    } catch (thrown) {
      await opened.release();
      throw thrown;
    }
  }

  return {
    load() {
      loading ??= open();
      return loading;
    },
    async predict(inputs, options) {
      if (!session || closing) throw new Error(`${source.title}: ${closing ? 'closed' : 'not loaded'}`);
      options?.signal?.throwIfAborted();
      const run = session.run(inputs);
      running.add(run);
      try {
        return await run;
      } finally {
        running.delete(run);
      }
    },
    get info() {
      if (!info) throw new Error(`${source.title}: not loaded`);
      return info;
    },
    close() {
      closing ??= (async () => {
        await loading?.catch(() => {});
        await Promise.allSettled(running);
        await session?.release();
      })();
      return closing;
    },
  };
}
