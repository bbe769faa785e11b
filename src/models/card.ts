import { z } from 'zod';
import type { RuntimeWishes } from '../core/backend.ts';
import { ensembleSchema } from '../core/ensemble-card.ts';
import { asError } from '../core/errors.ts';
import { choicesSchema, remoteSchema } from '../core/remote-card.ts';
import { faults } from '../core/schema-faults.ts';
import { fromUtf8 } from '../core/utf8.ts';
import { inputSchema } from './compile-input.ts';

/** `null` and absent mean the same in what we read. */
const optional = <T extends z.ZodType>(type: T) => type.nullish().transform(value => value ?? undefined);

const label = z.union([z.string(), z.number()]);

const featureSchema = z.looseObject({
  name: z.string().min(1),
  type: optional(z.enum(['number', 'string', 'tensor'])),
  input: optional(z.string().min(1)),
  missing: optional(z.looseObject({ fill: optional(z.union([z.number(), z.string()])) })),
  categories: optional(z.array(z.string()).min(1)),
  unknown: optional(z.enum(['error', 'ignore'])),
  encode: optional(z.enum(['onehot', 'ordinal'])),
  scale: optional(
    z.looseObject({ mean: z.number(), std: z.number().refine(std => std !== 0, 'expected a number other than 0') }),
  ),
  pad: optional(
    z.looseObject({ value: z.union([z.number(), z.string()]).default(0), mask: optional(z.string().min(1)) }),
  ),
  range: optional(z.tuple([z.number(), z.number()]).refine(([low, high]) => low <= high, 'expected [lowest, highest]')),
});

const goldenSchema = z.looseObject({
  text: z.string(),
  pair: optional(z.string()),
  ids: z.array(z.number().int().min(0)),
});

/** Attention takes memory by their square. */
const MAX_TOKENS = 8_192;
/** Some 200 bytes a feature, where there are as many as may be. */
export const MAX_CARD_BYTES = 2 * 1024 * 1024;
/** A reader is compiled for each; more values than this are one tensor feature. */
export const MAX_FEATURES = 10_000;
const TOO_MANY = `expected at most ${MAX_FEATURES}: give more values than that as one of type "tensor"`;
/** More in one run gains nothing: what a run costs by itself is shared by the first thousand, and no function call brings so many. */
const MAX_BATCH_SIZE = 65_536;

/** By the names that onnxruntime-node uses. */
const PROVIDERS = ['cpu', 'cuda', 'tensorrt', 'webgpu', 'coreml', 'dml'] as const;

/** model.json: every field optional, unknown ones kept. */
export const cardSchema = z.looseObject({
  name: optional(z.string().min(1)),
  version: optional(z.string().min(1)),
  task: optional(z.string()),
  sha256: optional(z.string().regex(/^[0-9a-f]{64}$/i, 'expected 64 hex digits')),
  files: optional(z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/i, 'expected 64 hex digits'))),
  training_data_hash: optional(z.string().min(1)),
  features: optional(z.array(z.unknown()).min(1).max(MAX_FEATURES, TOO_MANY).pipe(z.array(featureSchema))),
  outputs: optional(
    z.looseObject({
      label: optional(z.string()),
      probabilities: optional(z.string()),
      value: optional(z.string()),
      classes: optional(z.array(label).min(1)),
      activation: optional(z.enum(['softmax', 'sigmoid', 'none'])),
      threshold: optional(z.number().min(0).max(1)),
      pooling: optional(z.enum(['mean', 'cls'])),
      normalize: optional(z.boolean()),
    }),
  ),
  tokenizer: optional(
    z.looseObject({
      text: optional(z.string().min(1)),
      pair: optional(z.string().min(1)),
      input: optional(z.string().min(1)),
      max_length: optional(z.number().int().min(1).max(MAX_TOKENS)),
      golden: optional(z.array(goldenSchema)),
    }),
  ),
  fallback: optional(z.looseObject({ model: optional(z.string()), version: optional(z.string()) })),
  default: optional(z.looseObject({ prediction: z.unknown(), confidence: optional(z.number()) })),
  batching: optional(
    z.looseObject({
      max_batch_size: optional(z.number().int().min(1).max(MAX_BATCH_SIZE)),
      max_length: optional(z.number().int().min(1)),
      max_queue_delay_ms: optional(z.number().min(0).max(10_000)),
    }),
  ),
  runtime: optional(
    z.looseObject({
      placement: optional(z.enum(['in-line', 'worker'])),
      intra_op_threads: optional(z.number().int().min(1).max(64)),
      providers: optional(z.array(z.enum(PROVIDERS)).min(1)),
    }),
  ),
  backend: optional(remoteSchema),
  backends: optional(choicesSchema),
  ensemble: optional(ensembleSchema),
  input: optional(inputSchema),
  cache: optional(z.boolean()),
  example: z.unknown().optional(),
});

export type RawCard = z.infer<typeof cardSchema>;
export type RawFeature = NonNullable<RawCard['features']>[number];

/**
 * Reads a model.json.
 * @throws Error that names the file, the field, what was expected and what came.
 */
export function parseCard(content: string | Uint8Array, file: string): RawCard {
  const bytes = typeof content === 'string' ? Buffer.byteLength(content) : content.length;
  if (bytes > MAX_CARD_BYTES) throw new Error(`${file}: ${bytes} bytes; a card has at most ${MAX_CARD_BYTES}`);
  const text = typeof content === 'string' ? content : fromUtf8(content);
  if (text === undefined) throw new Error(`${file}: not UTF-8 text`);
  let value: unknown;
  try {
    const json = text.replace(/^\uFEFF/, '');
    value = JSON.parse(json);
    keepClasses(value, json);
  } catch (thrown) {
    throw new Error(`${file}: not JSON: ${asError(thrown).message}`, { cause: thrown });
  }
  const parsed = cardSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error(`${file}: ${faults(parsed.error, value)}`);
}

type Reviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown;

/** Class labels beyond 2^53 stay the digits that the card has, as they are of those in files. */
function keepClasses(card: unknown, json: string): void {
  const outputs = (card as { outputs?: { classes?: unknown } } | null)?.outputs;
  if (!Array.isArray(outputs?.classes) || !outputs.classes.some(isTooLarge)) return;
  const exact: Reviver = (_, value, context) => (isTooLarge(value) ? (context?.source ?? value) : value);
  outputs.classes = (JSON.parse(json, exact) as { outputs: { classes: unknown } }).outputs.classes;
}

const isTooLarge = (value: unknown) => Number.isInteger(value) && !Number.isSafeInteger(value);

/** What a model without a model.json has. */
export const NO_CARD: RawCard = parseCard('{}', 'no card');

/** What a card asks of the backend, which has to know before it opens the model. */
export function wishesOf({ batching, runtime }: RawCard): RuntimeWishes {
  return {
    placement: runtime?.placement,
    intraOpThreads: runtime?.intra_op_threads,
    providers: runtime?.providers,
    maxQueueDelayMs: batching?.max_queue_delay_ms,
  };
}
