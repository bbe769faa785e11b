import type { Backend, BackendInfo, Placement } from '../../core/backend.ts';
import type { Tensors } from '../../core/tensor.ts';
import type { Engine } from './engine.ts';
import { explainOpening } from './explain-failure.ts';
import type { OnnxSource } from './onnx-source.ts';
import { tryModel } from './try-model.ts';

/**
 * The backend around an engine: opens it once, tries it, counts what runs, and frees it when that has ended.
 * `load` throws `NotInline` where a batch of 256 takes longer than `limitMs`; without a limit it is tried with larger slices while they are quick.
 */
export function createEngineBackend(
  source: OnnxSource,
  placement: Placement,
  openEngine: () => Promise<Engine>,
  limitMs?: number,
): Backend {
  let loading: Promise<BackendInfo> | undefined;
  let loaded: (Pick<Engine, 'run' | 'release'> & { readonly info: BackendInfo }) | undefined;
  let closing: Promise<void> | undefined;
  const running = new Set<Promise<Tensors>>();

  async function open(): Promise<BackendInfo> {
    const engine = await openEngine().catch(async thrown => {
      throw await explainOpening(source.title, source.file, thrown);
    });
    try {
      const found = await tryModel(source, engine, limitMs);
      engine.expect?.(found.info.warmUpMs);
      const { provider, lacking = [] } = engine.provided ?? {};
      if (lacking.length > 0) source.onLacking?.(lacking);
      const info = { ...found.info, placement, ...(provider !== undefined && { provider }) };
      loaded = { run: found.run, release: engine.release, info };
      return loaded.info;
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
      const run = loaded.run(inputs, options);
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
        await loaded?.release();
      })();
      return closing;
    },
  };
}
