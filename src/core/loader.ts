import type { Backend, RuntimeWishes, WarmUpPlan } from './backend.ts';
import type { ClassLabel } from './prediction.ts';
import type { Signature } from './tensor.ts';

/** A model's file on disk. */
export interface ModelFile {
  readonly path: string;
  readonly bytes: number;
  /** Keeps a file that was made of it for as long as the model is open. @returns its path. */
  derive(suffix: string, bytes: Uint8Array): Promise<string>;
}

/** One model to be opened. */
export interface LoadSource {
  /** What messages call it: `churn/2.1.3/model.onnx`, or a path. */
  readonly title: string;
  /** What the model is called; absent: as its card says. */
  readonly name?: string | undefined;
  readonly file: ModelFile;
  /** model.json as it came; empty where there is none. */
  readonly card: Readonly<Record<string, unknown>>;
  readonly wishes: RuntimeWishes;
  /**
   * Holds the card against what the model says of itself, class labels included where it has them, and inputs that it was found not to need, and says how to try it. Called before
   * `open` resolves, again where the model is tried in another place.
   * @param beneath what stands where the card says nothing
   * @throws Error where card and model do not fit.
   */
  plan(
    signature: Signature,
    classes: readonly ClassLabel[] | undefined,
    unneeded?: readonly string[],
    beneath?: CardBeneath,
  ): WarmUpPlan;
}

/** What a kind of model says of its card where that says nothing itself. */
export interface CardBeneath {
  readonly task?: unknown;
  readonly features?: unknown;
  readonly example?: unknown;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

/** A model opened and warm. */
export interface OpenedModel {
  /** Whoever opened the model closes it. */
  readonly backend: Backend;
  /** Who made it: `skl2onnx 1.20.0`; empty where it does not say. */
  readonly producer: string;
  /** Versions of its operator sets by domain. */
  readonly opsets: ReadonlyMap<string, number>;
}

/** One contract for every kind of model: a file that is run here, a server that is asked. */
export interface Loader {
  /** What runs its models in this process, and its version: a file is tried apart before it may do that. Absent: they run elsewhere. */
  readonly runtime?: string;
  /** Whether a model with this card is of the kind. */
  takes(card: LoadSource['card']): boolean;
  /** Files beside its own that a model is made of: paths within its folder. @throws Error where one would lie elsewhere. */
  filesBeside?(path: string): Promise<readonly string[]>;
  /** @throws Error that names the model and the cause; then nothing of it stays open. */
  open(source: LoadSource): Promise<OpenedModel>;
  /** Frees what its models share, such as processes; every model is closed before. */
  close(): Promise<void>;
}
