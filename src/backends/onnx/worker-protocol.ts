import type { Signature, Tensors } from '../../core/tensor.ts';

/** To a worker thread; `model` is a number that the pool gave out. */
export type WorkerRequest =
  | {
      readonly kind: 'load';
      readonly model: number;
      readonly file: string;
      readonly bytes: number;
      readonly intraOpThreads: number | undefined;
    }
  | { readonly kind: 'run'; readonly model: number; readonly inputs: Tensors }
  | { readonly kind: 'unload'; readonly model: number }
  /** Release everything and end: a worker that is terminated inside a run takes the whole process with it. */
  | { readonly kind: 'end' };

/** What loading a model gives. */
export interface LoadedModel {
  readonly signature: Signature;
  readonly memoryBytes: number;
}

/** From a worker thread: one for every request but 'end', in order. */
export type WorkerReply =
  | { readonly kind: 'loaded'; readonly model: LoadedModel }
  | { readonly kind: 'ran'; readonly outputs: Tensors }
  | { readonly kind: 'unloaded' }
  | { readonly kind: 'failed'; readonly message: string };

/** The buffers of tensors, to be moved instead of copied. Texts are copied. */
export function buffersOf(tensors: Tensors): ArrayBuffer[] {
  const buffers: ArrayBuffer[] = [];
  for (const { data } of Object.values(tensors)) {
    if (!Array.isArray(data) && data.buffer instanceof ArrayBuffer) buffers.push(data.buffer);
  }
  return [...new Set(buffers)];
}
