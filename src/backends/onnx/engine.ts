import type { PredictOptions } from '../../core/backend.ts';
import type { Signature, Tensors } from '../../core/tensor.ts';

/** A model opened somewhere: on this thread, or in the worker threads. */
export interface Engine {
  readonly signature: Signature;
  readonly memoryBytes: number;
  run(inputs: Tensors, options?: PredictOptions): Promise<Tensors>;
  /** Frees it; nothing may be running. */
  release(): Promise<void>;
}
