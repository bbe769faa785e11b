import type { Signature, Tensors } from '../../core/tensor.ts';

/** What a kind of server is asked. Each throws as `Server.call` does, and Error where the answer is none. */
export interface RemoteProtocol {
  /** What the model takes and gives, as far as the server or the card says. */
  describe(signal: AbortSignal): Promise<Signature>;
  /** One slice. */
  infer(inputs: Tensors, signal: AbortSignal): Promise<Tensors>;
  /** Whether the server says that this model can be asked. */
  isReady(signal: AbortSignal): Promise<boolean>;
}
