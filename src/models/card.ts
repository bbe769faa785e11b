import { z } from 'zod';
import type { RuntimeWishes } from '../core/backend.ts';
import { asError } from '../core/errors.ts';

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
  range: optional(z.tuple([z.number(), z.number()]).refine(([low, high]) => low <= high, 'expected [lowest, highest]')),
});

/** model.json: every field optional, unknown ones kept. */
export const cardSchema = z.looseObject({
  name: optional(z.string().min(1)),
  version: optional(z.string().min(1)),
  task: optional(z.string()),
  sha256: optional(z.string().regex(/^[0-9a-f]{64}$/i, 'expected 64 hex digits')),
  training_data_hash: optional(z.string().min(1)),
  features: optional(z.array(featureSchema).min(1)),
  outputs: optional(
    z.looseObject({
      label: optional(z.string()),
      probabilities: optional(z.string()),
      value: optional(z.string()),
      classes: optional(z.array(label).min(1)),
      activation: optional(z.enum(['softmax', 'sigmoid', 'none'])),
      threshold: optional(z.number().min(0).max(1)),
    }),
  ),
  fallback: optional(z.looseObject({ model: optional(z.string()), version: optional(z.string()) })),
  default: optional(z.looseObject({ prediction: z.unknown(), confidence: optional(z.number()) })),
  batching: optional(
    z.looseObject({
      max_batch_size: optional(z.number().int().min(1)),
      max_queue_delay_ms: optional(z.number().min(0).max(10_000)),
    }),
  ),
  runtime: optional(
    z.looseObject({
      placement: optional(z.enum(['in-line', 'worker'])),
      intra_op_threads: optional(z.number().int().min(1).max(64)),
    }),
  ),
  cache: optional(z.boolean()),
  example: z.unknown().optional(),
});

export type RawCard = z.infer<typeof cardSchema>;
export type RawFeature = NonNullable<RawCard['features']>[number];

/**
 * Reads a model.json.
 * @throws Error that names the file, the field, what was expected and what came.
 */
export function parseCard(text: string, file: string): RawCard {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (thrown) {
    throw new Error(`${file}: not JSON: ${asError(thrown).message}`, { cause: thrown });
  }
  const parsed = cardSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error(`${file}: ${faults(parsed.error, value)}`);
}

/** What a model without a model.json has. */
export const NO_CARD: RawCard = parseCard('{}', 'no card');

/** What a card asks of the backend, which has to know before it opens the model. */
export function wishesOf({ batching, runtime }: RawCard): RuntimeWishes {
  return {
    placement: runtime?.placement,
    intraOpThreads: runtime?.intra_op_threads,
    maxQueueDelayMs: batching?.max_queue_delay_ms,
  };
}

/** Every fault as `features[2].range: expected [lowest, highest], came [3,1]`. */
export function faults(error: z.ZodError, value: unknown): string {
  return error.issues
    .slice(0, 5)
    .map(issue => {
      const path = issue.path.map(step => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
      const came = issue.path.reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown> | null)?.[step], value);
      const said = issue.message.replace(/^Invalid (input|option): /, '').replace(/, received .*$/, '');
      return `${path.slice(path.startsWith('.') ? 1 : 0) || 'the whole'}: ${said}, came ${JSON.stringify(came)?.slice(0, 80) ?? 'nothing'}`;
    })
    .join('; ');
}
