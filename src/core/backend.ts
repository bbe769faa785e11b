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
  /** Largest slice it was seen to take: what was planned, or 1 where a larger one failed at warm-up. */
  readonly maxBatchSize: number;
}

/** How a model is tried before it serves. */
export interface WarmUpPlan {
  readonly maxBatchSize: number;
  /** The model takes no other batch than `maxBatchSize`. */
  readonly fixedBatch: boolean;
  /** That many plausible instances; the first is the plainest. */
  inputs(rows: number): Tensors;
}

/** One ONNX file to be opened by a backend. */
export interface BackendSource {
  /** What messages call it, e.g. `churn/2.1.3/model.onnx`. */
  readonly title: string;
  /** Path of the file on disk. */
  readonly file: string;
  readonly bytes: number;
  /** Called once the signature is known. @throws Error where the model's card does not fit it. */
  plan(signature: Signature): WarmUpPlan;
}

/** Makes a backend for a file; nothing is read before its `load`. */
export type OpenBackend = (source: BackendSource) => Backend;

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
