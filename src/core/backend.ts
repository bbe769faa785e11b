import type { Signature, Tensors } from './tensor.ts';

/** Where a backend's work runs. */
export type Placement = 'in-line' | 'worker' | 'remote';

export interface BackendInfo {
  readonly signature: Signature;
  readonly placement: Placement;
  /** What one slice of warm-up took, milliseconds. */
  readonly warmUpMs: number;
  /** Rough memory it holds, bytes. */
  readonly memoryBytes: number;
}

export interface PredictOptions {
  readonly signal?: AbortSignal | undefined;
  /** Lower goes first where work waits. */
  readonly priority?: number | undefined;
}

/** One contract for everything that turns input tensors into output tensors: ONNX in-line, ONNX in worker threads, remote servers. */
export interface Backend {
  /** Loads and warms up; resolves once `predict` may be called. Idempotent. @throws Error naming the file and the cause. */
  load(): Promise<BackendInfo>;
  /** Runs one slice. Inputs share their first dimension N; so do the outputs. @throws Error where the model fails on this slice. */
  predict(inputs: Tensors, options?: PredictOptions): Promise<Tensors>;
  /** @throws Error before `load` has resolved. */
  readonly info: BackendInfo;
  /** Waits for running slices, then frees memory. Idempotent. */
  close(): Promise<void>;
}
