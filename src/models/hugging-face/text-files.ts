import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asError } from '../../core/errors.ts';
import type { RawCard } from '../card.ts';
import { openTokenizer, type TokenizerFile, type TokenizerOf } from './open-tokenizer.ts';

/** What lies beside a Hugging Face model and says what it takes and gives. */
export interface TextFiles {
  readonly tokenizerOf: TokenizerOf;
  /** Undefined where nothing says it. */
  readonly maxLength: number | undefined;
  /** Of config.json: what a classifier's logits mean. */
  readonly outputs: RawCard['outputs'];
}

const TOKENIZER = 'tokenizer.json';
const TOKENIZER_CONFIG = 'tokenizer_config.json';
const CONFIG = 'config.json';
/** The largest vocabularies take 35 MB. */
const MAX_BYTES = 64 * 1024 * 1024;
/** What Transformers writes where a tokenizer has no limit is larger by far. */
const MOST_LENGTH = 1_000_000;

/**
 * The files beside a model that make texts of it: where the card speaks of a tokenizer, or says nothing of features.
 * @param has whether a file lies beside it
 * @throws Error where the card speaks of a tokenizer that is not there
 */
export async function textFilesBeside(
  { tokenizer, features }: RawCard,
  has: (name: string) => Promise<boolean>,
): Promise<readonly string[]> {
  if (tokenizer === undefined && features !== undefined) return [];
  if (await has(TOKENIZER)) {
    const others = [TOKENIZER_CONFIG, CONFIG];
    const there = await Promise.all(others.map(has));
    return [TOKENIZER, ...others.filter((_, i) => there[i])];
  }
  if (tokenizer !== undefined) throw new Error(`its card has a "tokenizer", but no ${TOKENIZER} is beside it`);
  return [];
}

/**
 * Reads what `textFilesBeside` named.
 * @param path of the model
 * @returns undefined where there is no tokenizer. @throws Error that names the file
 */
export async function readTextFiles(path: string, names: readonly string[]): Promise<TextFiles | undefined> {
  if (!names.includes(TOKENIZER)) return undefined;
  const read = async (name: string): Promise<Readonly<Record<string, unknown>>> => {
    if (!names.includes(name)) return {};
    const file = join(dirname(path), name);
    const { size } = await stat(file);
    if (size > MAX_BYTES) throw new Error(`${name}: ${size} bytes, of which at most ${MAX_BYTES} are read`);
    try {
      const value: unknown = JSON.parse(await readFile(file, 'utf8'));
      if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>;
    } catch (thrown) {
      throw new Error(`${name}: not JSON: ${asError(thrown).message}`, { cause: thrown });
    }
    throw new Error(`${name}: expected an object`);
  };
  const [tokenizer, { model_max_length: given }, config] = await Promise.all([
    read(TOKENIZER),
    read(TOKENIZER_CONFIG),
    read(CONFIG),
  ]);
  try {
    return {
      tokenizerOf: await openTokenizer(tokenizer as TokenizerFile),
      maxLength: typeof given === 'number' && given > 0 && given < MOST_LENGTH ? given : undefined,
      outputs: outputsOf(config),
    };
  } catch (thrown) {
    throw new Error(`${TOKENIZER}: ${asError(thrown).message}`, { cause: thrown });
  }
}

/** As Transformers' pipelines read a classifier's config: probabilities by softmax, or by sigmoid where labels do not exclude each other. */
function outputsOf({
  id2label,
  problem_type,
  architectures,
}: Readonly<Record<string, unknown>>): RawCard['outputs'] | undefined {
  const [architecture] = Array.isArray(architectures) ? architectures : [];
  const classifies = typeof architecture === 'string' && architecture.endsWith('ForSequenceClassification');
  if (!classifies || typeof id2label !== 'object' || id2label === null || problem_type === 'regression')
    return undefined;
  const labels = id2label as Readonly<Record<string, unknown>>;
  const classes = Array.from({ length: Object.keys(labels).length }, (_, id) => labels[id]);
  if (classes.length < 2 || !classes.every(label => typeof label === 'string')) return undefined;
  const activation = problem_type === 'multi_label_classification' ? ('sigmoid' as const) : ('softmax' as const);
  return { classes: classes as string[], activation, probabilities: 'logits' } as RawCard['outputs'];
}
