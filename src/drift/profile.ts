import { z } from 'zod';
import { asError } from '../core/errors.ts';
import { faults } from '../core/schema-faults.ts';

/** Beside a model's file; immutable. */
export const PROFILE_FILE = 'profile.json';
export const MAX_PROFILE_BYTES = 8 * 1024 * 1024;
/** The newest layout that this app understands. */
const SCHEMA = 1;
/** Of confidences, equally wide. */
export const CONFIDENCE_BINS = 20;
/** Features that are watched; further ones have their names alone. */
export const MAX_WATCHED = 200;

const whole = z.number().int().min(0);
const named = { name: z.string().min(1), input: z.string().optional() };

const numberSchema = z.object({
  ...named,
  type: z.literal('number'),
  /** Ascending: the smallest, deciles, the largest. A value that is a bin by itself is followed by the next there is. */
  edges: z.array(z.number()).min(2).max(64),
  /** Below the first edge, from each edge up to the next (the last one included), above. */
  counts: z.array(whole),
  missing: whole,
  min: z.number(),
  max: z.number(),
  mean: z.number(),
  sd: z.number(),
});
const textSchema = z.object({
  ...named,
  type: z.literal('string'),
  /** The most frequent, and how often. */
  top: z.array(z.tuple([z.string(), whole])).max(50),
  other: whole,
  missing: whole,
  /** An empty text stands for none. */
  empty_is_missing: z.boolean().optional(),
});
/** An array, or one feature too many: it has its place among the others. */
const unwatchedSchema = z.object({ ...named, type: z.literal('unwatched') });

const profileSchema = z.object({
  schema: z.number().int().min(1).max(SCHEMA, `is of a newer hubscore; this one knows ${SCHEMA}`),
  rows: whole,
  /** Where the rows are from: the training data, or what production was asked in some time. */
  reference: z.union([
    z.object({ kind: z.literal('training'), file: z.string().optional(), sha256: z.string().optional() }),
    z.object({ kind: z.literal('production'), from: z.string(), to: z.string() }),
  ]),
  /** In the order in which an instance's list gives them. */
  features: z
    .array(z.discriminatedUnion('type', [numberSchema, textSchema, unwatchedSchema]))
    .refine(all => all.every(each => each.type !== 'number' || each.counts.length === each.edges.length + 1), {
      message: 'expected one count more than edges',
    }),
  /** How often each class was predicted, by its label as JSON. */
  classes: z.record(z.string(), whole).optional(),
  confidences: z.array(whole).length(CONFIDENCE_BINS).optional(),
});

/** What data looked like that a model version was trained on: fixed bins, and how often each came up. */
export type Profile = z.infer<typeof profileSchema>;
export type FeatureProfile = Profile['features'][number];
export type NumberProfile = z.infer<typeof numberSchema>;
export type TextProfile = z.infer<typeof textSchema>;
export type WatchedProfile = NumberProfile | TextProfile;

/** @throws Error that names the file, the field, what was expected and what came */
export function parseProfile(text: string, file: string): Profile {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (thrown) {
    throw new Error(`${file}: not JSON: ${asError(thrown).message}`, { cause: thrown });
  }
  const parsed = profileSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error(`${file}: ${faults(parsed.error, value)}`);
}

/** The same profile is the same bytes. */
export function storeProfile(profile: Profile): string {
  return `${JSON.stringify(profile, null, 1)}\n`;
}
