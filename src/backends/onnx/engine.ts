import type { PredictOptions } from '../../core/backend.ts';
import type { Signature, Tensors } from '../../core/tensor.ts';
import type { Provided } from './providers.ts';

/** A model opened somewhere: on this thread, or in the inference processes. */
export interface Engine {
  readonly signature: Signature;
  readonly memoryBytes: number;
  /** Undefined where nothing was asked of it. */
  readonly provided?: Provided | undefined;
  /** @throws RunLost where the process that ran it ended. */
  run(inputs: Tensors, options?: PredictOptions): Promise<Tensors>;
  /** Told what a full slice takes, milliseconds, once that has been measured: one that takes very much longer is not waited for. */
  expect?(sliceMs: number): void;
  /** Frees it; nothing may be running. */
  release(): Promise<void>;
}
