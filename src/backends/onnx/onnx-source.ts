import type { RuntimeWishes, WarmUpPlan } from '../../core/backend.ts';
import type { Signature } from '../../core/tensor.ts';
import type { Lacking } from './providers.ts';

/** One ONNX file to be opened by a backend. */
export interface OnnxSource {
  /** What messages call it, e.g. `churn/2.1.3/model.onnx`. */
  readonly title: string;
  /** Path of the file on disk. */
  readonly file: string;
  readonly bytes: number;
  /** Why an input's values can keep it at work for ever, or make it take any amount of memory: `Loop`; undefined where none can. */
  readonly unbounded?: string | undefined;
  readonly wishes?: RuntimeWishes | undefined;
  /** It may answer the same instance differently each time, whatever the first run shows. */
  readonly random?: boolean;
  /** Told what of `wishes.providers` this machine lacks. */
  onLacking?(lacking: readonly Lacking[]): void;
  /** Called once the signature is known. @throws Error where the model's card does not fit it. */
  plan(signature: Signature): WarmUpPlan;
}
