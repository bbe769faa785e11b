import { InfrastructureError } from '../../core/errors.ts';
import type { Tensors } from '../../core/tensor.ts';
import { ChildLost, type Limits, startChild } from '../../processes/child.ts';
import type { InferenceReply, InferenceRequest, LoadedModel } from './inference-protocol.ts';
import type { OnnxSource } from './onnx-source.ts';

/** One process of the pool, and the models that it holds. */
export interface InferenceWorker {
  /** Requests that it has not answered: the one that it works at, and what lies ready for it. */
  readonly pending: number;
  /** False once the process has ended. */
  readonly alive: boolean;
  holds(model: number): boolean;
  /** @throws Error as ONNX Runtime words it, or what became of the process. */
  load(model: number, source: OnnxSource): Promise<LoadedModel>;
  unload(model: number): Promise<void>;
  /** Opens the model first where the process does not hold it. @throws Error as ONNX Runtime words it; ChildLost; InfrastructureError where it cannot be opened again. */
  run(model: number, source: OnnxSource, inputs: Tensors, limits: Limits): Promise<Tensors>;
  /** Lets the process finish what it does and end by itself. */
  end(): Promise<void>;
  /** Ends it at once, whatever it does. */
  kill(): void;
}

/** Starts a process. */
export function createInferenceWorker(script: URL, options: { readonly loadTimeoutMs: number }): InferenceWorker {
  const child = startChild<InferenceRequest, InferenceReply>({ script, name: 'an inference process' });
  const held = new Map<number, Promise<LoadedModel>>();
  let working = 0;

  function load(model: number, source: OnnxSource): Promise<LoadedModel> {
    const { file, bytes, wishes } = source;
    const { intraOpThreads, providers } = wishes ?? {};
    const request = { kind: 'load', model, file, bytes, intraOpThreads, providers } as const;
    const loading = child
      .ask(request, { timeMs: options.loadTimeoutMs })
      .then(reply => (reply as Extract<InferenceReply, { kind: 'loaded' }>).model);
    held.set(model, loading);
    loading.catch(() => held.delete(model));
    return loading;
  }

  async function run(model: number, source: OnnxSource, inputs: Tensors, limits: Limits): Promise<Tensors> {
    const loading = held.get(model) ?? load(model, source);
    // Both are sent at once. Where the process ends while it opens the model, the slice has not begun.
    const asked = child.ask({ kind: 'run', model, inputs }, limits);
    asked.catch(() => {});
    await loading.catch(thrown => {
      if (thrown instanceof ChildLost && !thrown.begun) throw thrown;
      throw new InfrastructureError(`${source.title}: not opened in a new process: ${thrown.message}`, {
        cause: thrown,
      });
    });
    return ((await asked) as Extract<InferenceReply, { kind: 'ran' }>).outputs;
  }

  /** What is given to the process is counted as one, though it be opened there first. */
  async function counted<T>(work: Promise<T>): Promise<T> {
    working++;
    try {
      return await work;
    } finally {
      working--;
    }
  }

  return {
    get pending() {
      return working;
    },
    get alive() {
      return child.alive;
    },
    holds: model => held.has(model),
    load: (model, source) => counted(load(model, source)),
    run: (model, source, inputs, limits) => counted(run(model, source, inputs, limits)),
    async unload(model) {
      held.delete(model);
      await counted(child.ask({ kind: 'unload', model }));
    },
    end: child.end,
    kill: child.kill,
  };
}
