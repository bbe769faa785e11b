import type { Backend } from './backend.ts';
import type { PairOrder } from './by-label.ts';
import type { InputMapping } from './input.ts';
import type { ClassLabel } from './prediction.ts';
import type { Activation } from './probabilities.ts';
import type { Signature } from './tensor.ts';
import type { Pooling, TextInput } from './tokenizer.ts';

/** How one named feature of an instance becomes numbers or text in a model input. */
export interface Feature {
  readonly name: string;
  /** What an instance gives for it. A 'tensor' is an array: tokens, an image. */
  readonly type: 'number' | 'string' | 'tensor';
  /** The model input it feeds; features of one input fill its columns in the card's order. */
  readonly input: string;
  /** What stands in for null, an empty text or an absent feature; undefined: such an instance is a schema mismatch. */
  readonly fill: number | string | undefined;
  /** The texts allowed; undefined: any. */
  readonly categories: readonly string[] | undefined;
  /** What becomes of a text outside `categories`. */
  readonly unknown: 'error' | 'ignore';
  /** How categories become numbers; 'onehot' takes a column a category. */
  readonly encode: 'onehot' | 'ordinal' | undefined;
  /** (value - mean) / std, after filling. */
  readonly scale: { readonly mean: number; readonly std: number } | undefined;
  /** Inclusive bounds of the value as the instance gives it, after filling; outside is a schema mismatch. */
  readonly range: readonly [number, number] | undefined;
  /** How arrays of different lengths may share a run, if it is seen that their answers stay the same; undefined: not at all. */
  readonly pad?: Padding | undefined;
}

export interface Padding {
  readonly value: number | string;
  /** The model input that tells values (1) from padding (0). Where no feature feeds it, it is made. */
  readonly mask: string | undefined;
}

/** Which output means what; names of model outputs. */
export interface OutputRoles {
  readonly label: string | undefined;
  readonly probabilities: string | undefined;
  /** A regressor's numbers. */
  readonly value: string | undefined;
  /** Class labels in the order of the probabilities' columns. */
  readonly classes: readonly ClassLabel[] | undefined;
  /** The classes are the card's. */
  readonly namedClasses: boolean;
  /** The label is a list of flags: labels do not exclude each other. */
  readonly multilabel: boolean;
  /** Where its probabilities come as a pair a label. */
  readonly pairs: PairOrder | undefined;
  /** Scores by class that are no probabilities (decision values, distances, logits): the largest tells the class where no label does. */
  readonly scores: string | undefined;
  /** What makes probabilities of the output that is called so. */
  readonly activation: Activation;
  /** Binary classifiers: the positive (second) class from this probability on. */
  readonly threshold: number | undefined;
  /** Names that outputs are shown by, where those are not their own. */
  readonly shownAs: Readonly<Record<string, string>>;
  /** Number of the first class, where the label numbers them. */
  readonly firstClass: number;
  /** How an output becomes one embedding an instance; undefined: no output does. */
  readonly pooling?: Pooling | undefined;
  /** Further tensor outputs, shown under `outputs` by name. */
  readonly extra: readonly string[];
}

/** Where to turn when the version cannot answer. */
export interface FallbackTarget {
  readonly model: string | undefined;
  readonly version: string | undefined;
}

/** A model's card, complete: model.json where there is one, the rest read from the ONNX file, held against its signature. */
export interface Card {
  readonly name: string;
  readonly version: string;
  readonly task: string | undefined;
  /** In the order in which an instance's array gives them. */
  readonly features: readonly Feature[];
  /** Which inputs are made of a text; undefined: none. */
  readonly text?: TextInput | undefined;
  /** Inputs of the file that no answer is made of: they need not be given, and are ignored where they are. */
  readonly unneededInputs: readonly string[];
  readonly outputs: OutputRoles;
  readonly fallback: FallbackTarget | undefined;
  /** Given, marked degraded, where neither the version nor its fallback can answer. */
  readonly default: { readonly prediction: unknown; readonly confidence: number | undefined } | undefined;
  readonly batching: {
    /** Rows of a slice, at most; undefined: as the backend chose at warm-up. */
    readonly maxBatchSize: number | undefined;
    /** What an instance may give along a dimension that the model leaves open, at most. */
    readonly maxLength: number;
  };
  /** A plausible instance, to be tried with; undefined where the card gives none. */
  readonly example?: unknown;
  /** How events meant for it are read; undefined: as requests. */
  readonly input?: InputMapping | undefined;
  /** Identical instances may be answered from the result cache. */
  readonly cache: boolean;
  /** model.json as it came, for those who show it. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** One immutable model version, loaded and warm. */
export interface ModelVersion {
  readonly name: string;
  /** Semantic version without build metadata, `1.1.0`. */
  readonly version: string;
  /** What results bear: `1.1.0+a1b2c3d4`; the suffix is the first 8 hex digits of the card's training_data_hash, else of the file's SHA-256. */
  readonly label: string;
  /** SHA-256 of model.onnx, hex. */
  readonly sha256: string;
  readonly card: Card;
  readonly signature: Signature;
  readonly backend: Backend;
  /** What scoring has worked out for this version, once; nobody else's. */
  plan?: object | undefined;
}
