/** What a model is given of a text. */
export interface Encoding {
  readonly ids: readonly number[];
  /** By id, which text of a pair it is of: 0 or 1. */
  readonly types: readonly number[];
}

/** Texts as the ids that a model was trained on. */
export interface Tokenizer {
  /** More than `maxLength` ids are cut off, of the longer text of a pair first. @throws Error where a text has a part that no id stands for. */
  encode(text: string, pair?: string): Encoding;
  readonly maxLength: number;
  /** What fills a row up to its longest neighbour. */
  readonly padId: number;
}

/** The inputs of a model that are made of a text. */
export interface TextInput {
  readonly tokenizer: Tokenizer;
  /** The features that give the texts: one, or a pair. */
  readonly features: readonly string[];
  /** Model inputs, by name. */
  readonly ids: string;
  readonly mask: string | undefined;
  readonly types: string | undefined;
}

/** How the states of a text's tokens become one embedding. */
export interface Pooling {
  /** The output, [N, tokens, size]. */
  readonly output: string;
  /** The mean of all tokens, padding aside, or the first token. */
  readonly by: 'mean' | 'cls';
  /** To a length of 1. */
  readonly normalize: boolean;
  /** The model input that tells tokens (1) from padding (0). */
  readonly mask: string | undefined;
}
