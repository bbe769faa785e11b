import { z } from 'zod';

/** `null` and absent mean the same. */
const optional = <T extends z.ZodType>(type: T) => type.nullish().transform(value => value ?? undefined);

const VERSION = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;

const memberSchema = z.looseObject({
  /** Absent: the ensemble's own model, another version of it. */
  model: optional(z.string().min(1)),
  /** Whole, so that an ensemble is the same for as long as it is there: no range, no alias. */
  version: z.string().regex(VERSION, 'expected a whole version like 1.0.0: members are pinned'),
  /** Of the member's model file (of its card, where a server has it); another content is refused. */
  sha256: optional(z.string().regex(/^[0-9a-f]{64}$/i, 'expected 64 hex digits')),
});

/** What a card says of the models that answer together, `"ensemble": {…}`: no model file lies beside such a card. */
export const ensembleSchema = z.looseObject({
  members: z
    .array(memberSchema)
    .min(1)
    .max(32)
    .refine(
      all => new Set(all.map(({ model, version }) => JSON.stringify([model, version]))).size === all.length,
      'expected each member once',
    ),
  /** `mean` of probabilities or values; `vote`: the class that most members say; `first_confident`: the first that is as sure as `threshold`. */
  combine: z.enum(['mean', 'vote', 'first_confident']).default('mean'),
  /** Of `first_confident`; absent: 0.8. */
  threshold: optional(z.number().min(0).max(1)),
  /** What becomes of the others' answers while a member is away. */
  on_missing: z.enum(['fail', 'ignore']).default('fail'),
});

export type EnsembleCard = z.infer<typeof ensembleSchema>;
export type MemberPin = EnsembleCard['members'][number];

/** A version by its full name. */
export interface VersionPin {
  readonly model: string;
  readonly version: string;
}

/** The members that a card names; undefined where it names none. @throws Error that says what is wrong with it. */
export function ensembleOf(card: Readonly<Record<string, unknown>>): EnsembleCard | undefined {
  if (card.ensemble == null) return undefined;
  const parsed = ensembleSchema.safeParse(card.ensemble);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`ensemble${issue?.path.map(step => `.${String(step)}`).join('') ?? ''}: ${issue?.message}`);
}

/** The members of a model's version, by their full names; none where it is no ensemble. For those who tell where an answer comes from. @throws Error */
export function membersOf(model: string, card: Readonly<Record<string, unknown>>): readonly VersionPin[] {
  const members = ensembleOf(card)?.members ?? [];
  return members.map(member => ({ model: member.model ?? model, version: member.version }));
}
