import type { Signature, Tensors } from './tensor.ts';

/** Where a backend's work runs. */
export type Placement = 'in-line' | 'worker' | 'remote';

export interface BackendInfo {
  readonly signature: Signature;
  readonly placement: Placement;
  /** Which of the card's `runtime.providers` runs it; absent: the processor. */
  readonly provider?: string;
  /** What one slice of warm-up took, milliseconds. */
  readonly warmUpMs: number;
  /** Rough memory it holds, bytes. */
  readonly memoryBytes: number;
  /** Rows of its slices, at most: what was planned, or what was chosen at warm-up; less where such a slice failed. */
  readonly maxBatchSize: number;
  /** Rows change each other's answers: each runs alone. */
  readonly apart?: boolean;
  /** Rows of other lengths may be padded as the card says: their answers stay the same. */
  readonly pads?: boolean;
  /** It answers the same row differently each time. */
  readonly varies?: boolean;
}

/** How a model is tried before it serves. */
export interface WarmUpPlan {
  /** Undefined: chosen by what slices of several sizes take. */
  readonly maxBatchSize: number | undefined;
  /** The model takes no other batch than `maxBatchSize`. */
  readonly fixedBatch: boolean;
  /** That many plausible instances; the first is the plainest. */
  inputs(rows: number): Tensors;
  /** An instance alone, and first of several that are longer, padded as the card says; undefined where it says nothing. */
  padded?(): { readonly alone: Tensors; readonly beside: Tensors } | undefined;
  /** What answers are made of, where the model's outputs are not yet that; undefined: they are. */
  answers?(inputs: Tensors, outputs: Tensors): Tensors;
  /** Other instances, tried where these fail. */
  readonly plainer?: readonly WarmUpPlan[];
  /** Instances of other sizes, tried where not even one of those runs. */
  readonly sizes?: readonly WarmUpPlan[];
  /** What would help where none of them runs. */
  readonly advice?: string;
}

/** What a model's card asks of its backend; undefined where that is left to measurement. */
export interface RuntimeWishes {
  readonly placement: 'in-line' | 'worker' | undefined;
  /** Threads that share the work of one slice. */
  readonly intraOpThreads: number | undefined;
  /** Where it is to run, the first that this machine has; undefined: on the processor. */
  readonly providers?: readonly string[] | undefined;
  /** How long a slice that is not full may wait for others to share a run with; undefined: not at all. */
  readonly maxQueueDelayMs: number | undefined;
}

export interface PredictOptions {
  readonly signal?: AbortSignal | undefined;
  /** Lower goes first where work waits; 1 where absent. */
  readonly priority?: number | undefined;
  /** Not begun after this long, it is given up with `WaitedTooLong`; undefined: it waits for its turn. */
  readonly maxWaitMs?: number | undefined;
  /** Shares its run with nobody. */
  readonly alone?: boolean | undefined;
}

/** The process that a slice ran in ended: it crashed, or was ended because the slice took too long or too much memory. Any of its rows may be why, and no other slice's. */
export class RunLost extends Error {
  override readonly name = 'RunLost';
  readonly reason: 'died' | 'time' | 'memory';

  constructor(message: string, reason: RunLost['reason'], options?: { cause?: unknown }) {
    super(message, options);
    this.reason = reason;
  }
}

/** A slice that waited for its turn for longer than `maxWaitMs`, or one that it shared a run with: whatever of it still has time may be asked for again. */
export class WaitedTooLong extends Error {
  override readonly name = 'WaitedTooLong';
}

/** Which backend answers, and whether it can now. */
export interface BackendStatus {
  /** `onnx`, `open-inference`, `mlflow`, `ensemble`, `backends`. */
  readonly kind: string;
  /** Where: a host; of ONNX files `in-line` or `worker`; of what is made of several in words. */
  readonly at: string;
  readonly state: 'up' | 'away';
  /** Why it is away; of several those that are, though the others answer. */
  readonly reason?: string;
  /** What it is made of, in the order of its card. */
  readonly parts?: readonly BackendPart[];
}

export interface BackendPart extends BackendStatus {
  /** `churn 1.0.0` */
  readonly title: string;
}

/** One contract for everything that turns input tensors into output tensors: ONNX in-line, ONNX in processes of their own, remote servers. */
export interface Backend {
  /** Loads and warms up; resolves once `predict` may be called. Idempotent. @throws Error naming the file and the cause. */
  load(): Promise<BackendInfo>;
  /**
   * Runs one slice. Inputs share their first dimension N; so do the outputs.
   * @throws Error where the model fails on this slice; RunLost; WaitedTooLong; InfrastructureError where too many wait; the signal's reason.
   */
  predict(inputs: Tensors, options?: PredictOptions): Promise<Tensors>;
  /** @throws Error before `load` has resolved. */
  readonly info: BackendInfo;
  /** Of one that may be away while it is loaded; absent: it is here. */
  readonly status?: BackendStatus | undefined;
  /** Waits for running slices, then frees memory. Idempotent. */
  close(): Promise<void>;
}

/** What a backend says of itself, or what there is to say of one that is here for as long as it is loaded. */
export function statusOf({ status, info }: Backend): BackendStatus {
  const at = info.provider === undefined ? info.placement : `${info.placement} on ${info.provider}`;
  return status ?? { kind: 'onnx', at, state: 'up' };
}
