import type { Card } from '../core/model.ts';
import type { ClassLabel } from '../core/prediction.ts';
import type { Signature, TensorSpec } from '../core/tensor.ts';
import type { RawCard } from './card.ts';
import { compileInput } from './compile-input.ts';
import { bindText } from './hugging-face/bind-text.ts';
import type { TextFiles } from './hugging-face/text-files.ts';
import { resolveFeatures } from './resolve-features.ts';
import { resolveOutputs } from './resolve-outputs.ts';

/** What attention makes of a text of that many tokens still fits into memory; of 60,000 it does not. */
const MAX_LENGTH = 8_192;

/** What a slice holds at most where the card sets its size, 268 MB of float32. */
const MAX_SLICE_VALUES = 2 ** 26;

export interface CardSource {
  readonly name: string;
  readonly version: string;
  /** What messages call the card: `churn/2.1.3/model.json`. */
  readonly file: string;
  readonly raw: RawCard | undefined;
  /** Inputs that were left out. */
  readonly unneeded?: readonly string[] | undefined;
  /** Class labels found in the ONNX file itself. */
  readonly classes: readonly ClassLabel[] | undefined;
  /** What lies beside a text model. */
  readonly textFiles?: TextFiles | undefined;
}

/**
 * Makes a card complete and holds it against the model.
 * @throws Error naming the file, what was expected and what came, where the two do not fit.
 */
export function resolveCard(source: CardSource, signature: Signature): Card {
  const { raw } = source;
  const fixedBatch = fixedBatchOf(signature);
  if (fixedBatch === undefined) checkSlice(raw?.batching?.max_batch_size, signature, source.file);
  const text = bindText(raw?.tokenizer, source.textFiles, signature, source.file);
  const features = resolveFeatures(raw?.features, signature, source.file, text);
  const given = text === undefined ? raw?.outputs : withConfig(raw?.outputs, source.textFiles, signature);
  return {
    name: source.name,
    version: source.version,
    task: raw?.task,
    features,
    text,
    input: compileInput(raw?.input, source.file, features),
    unneededInputs: source.unneeded ?? [],
    outputs: resolveOutputs(given, source.classes, signature, source.file, text?.mask),
    fallback: raw?.fallback && { model: raw.fallback.model, version: raw.fallback.version },
    default: raw?.default && { prediction: raw.default.prediction ?? null, confidence: raw.default.confidence },
    batching: {
      maxBatchSize: fixedBatch ?? raw?.batching?.max_batch_size,
      maxLength: raw?.batching?.max_length ?? MAX_LENGTH,
    },
    ...(raw?.example != null && { example: raw.example }),
    cache: raw?.cache ?? true,
    raw: raw ?? {},
  };
}

/** The card's outputs, and what config.json says of a classifier's logits where the card names no other role. */
function withConfig(raw: RawCard['outputs'], files: TextFiles | undefined, { outputs }: Signature): RawCard['outputs'] {
  const said = files?.outputs;
  if (!outputs.some(({ name }) => name === said?.probabilities)) return raw;
  if (raw?.label !== undefined || raw?.value !== undefined || raw?.pooling !== undefined) return raw;
  const given = Object.entries(raw ?? {}).filter(([, value]) => value !== undefined);
  return { ...said, ...Object.fromEntries(given) } as RawCard['outputs'];
}

function checkSlice(maxBatchSize: number | undefined, { inputs }: Signature, file: string): void {
  const valuesOf = ({ dims }: TensorSpec) => dims.slice(1).reduce<number>((size, length) => size * (length ?? 1), 1);
  const values = inputs.reduce((sum, input) => sum + valuesOf(input), 0);
  const most = Math.max(1, Math.floor(MAX_SLICE_VALUES / values));
  if (maxBatchSize === undefined || maxBatchSize <= most) return;
  const why = `an instance has ${values} values, and a slice at most ${MAX_SLICE_VALUES}`;
  throw new Error(`${file}: batching.max_batch_size: expected at most ${most} (${why}), came ${maxBatchSize}`);
}

/** The batch size that the model insists on; undefined where it takes any. */
export function fixedBatchOf(signature: Signature): number | undefined {
  for (const input of signature.inputs) {
    const batch = input.dims[0];
    if (typeof batch === 'number') return batch;
  }
  return undefined;
}
