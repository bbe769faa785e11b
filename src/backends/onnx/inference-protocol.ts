import type { Signature, Tensors } from '../../core/tensor.ts';
import type { Provided } from './providers.ts';

/** To an inference process; `model` is a number that the pool gave out. */
export type InferenceRequest =
  | {
      readonly kind: 'load';
      readonly model: number;
      readonly file: string;
      readonly bytes: number;
      readonly intraOpThreads: number | undefined;
      readonly providers: readonly string[] | undefined;
    }
  | { readonly kind: 'run'; readonly model: number; readonly inputs: Tensors }
  | { readonly kind: 'unload'; readonly model: number };

/** What loading a model gives. */
export interface LoadedModel {
  readonly signature: Signature;
  readonly provided?: Provided | undefined;
  readonly memoryBytes: number;
}

/** From an inference process, by the kind of the request: what a model is, what it gave, nothing. */
export type InferenceReply =
  | { readonly kind: 'loaded'; readonly model: LoadedModel }
  | { readonly kind: 'ran'; readonly outputs: Tensors }
  | { readonly kind: 'unloaded' };
