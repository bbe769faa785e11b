import semver from 'semver';
import { z } from 'zod';
import { asError } from '../core/errors.ts';
import { faults } from '../core/schema-faults.ts';
import { durationMs } from './durations.ts';
import { type Trigger, watchedBy } from './triggers.ts';

/** The newest layout of deployment.json that this app understands; it changes none of a newer one. */
export const SCHEMA = 1;

const optional = <T extends z.ZodType>(type: T) => type.nullish().transform(value => value ?? undefined);
const version = z.string().refine(text => semver.valid(text) === text, 'expected a version like 1.0.0');
const aliasesSchema = z
  .record(z.string(), version)
  .nullish()
  .transform(aliases => aliases ?? {});
const time = z
  .string()
  .refine(text => !Number.isNaN(Date.parse(text)), 'expected a time like 2026-11-21T09:00:00.000Z');
const duration = z
  .string()
  .refine(text => durationMs(text) !== undefined, 'expected a duration like 90s, 30m, 24h or 7d');
const share = z.number().min(0).max(100);

const triggerSchema = z.looseObject({
  when: z.string().refine(when => watchedBy(when) !== undefined, 'expected a trigger like error_rate > 0.01'),
  and: optional(z.literal('worse_than_production')),
  default: optional(z.boolean()),
  /** It holds, and never rolls back. */
  signal: optional(z.boolean()),
});

const rolloutSchema = z.looseObject({
  id: z
    .string()
    .regex(/^[\x21-\x39\x3b-\x7e]{1,64}$/, 'expected up to 64 characters of ASCII without spaces and colons'),
  kind: z.enum(['canary', 'blue_green', 'segments', 'ab']),
  phase: z.enum(['running', 'held', 'promoted', 'rolled_back', 'ended']),
  candidate: version,
  baseline: version,
  /** Per cent, as it was at `started_at` where there is a ramp. */
  weight: share,
  /** Of the rollout; its duration and its ramp count from here, less the time held. */
  started_at: time,
  /** Of its newest change. */
  effective_at: time,
  /** How long it was held before, in seconds. */
  held_seconds: optional(z.number().min(0)),
  /** Since when it is held. */
  held_since: optional(time),
  duration: duration,
  on_undecided: z.enum(['hold', 'promote', 'rollback']),
  alpha: z.number().gt(0).lt(1),
  triggers: z.array(triggerSchema),
  segments: optional(z.array(z.string()).min(1)),
  ramp: optional(z.looseObject({ start: share, step: share, every: duration })),
  /** Of what is no longer running: when it ended, and why. */
  ended_at: optional(time),
  reason: optional(z.string()),
  /** Where what failed piled up, in words. */
  blame: optional(z.array(z.string())),
});

const shadowSchema = z.looseObject({
  /** Salts the sample. */
  id: optional(z.string()),
  version: optional(version),
  /** Per cent of the requests. */
  sample: optional(share),
  /** Requests enqueued from then on are sampled. */
  effective_at: optional(time),
  /** When it was stopped. */
  ended_at: optional(time),
});

const historySchema = z.looseObject({
  /** Null: for every event before the newer ones, whenever it was enqueued. */
  effective_at: optional(time),
  revision: z.number().int().min(0),
  aliases: aliasesSchema,
  rollout: optional(rolloutSchema),
});

/** deployment.json as it may be written. */
export const documentSchema = z.looseObject({
  schema: optional(z.number().int().min(1)),
  revision: z
    .number()
    .int()
    .min(0)
    .nullish()
    .transform(revision => revision ?? 0),
  /** From which enqueued time on it holds; absent: for every event that is not scored yet. */
  effective_at: optional(time),
  aliases: aliasesSchema,
  rollout: optional(rolloutSchema),
  shadow: optional(shadowSchema),
  cooldown_until: optional(time),
  quarantine: z
    .record(z.string(), z.string())
    .nullish()
    .transform(quarantine => quarantine ?? {}),
  routing_history: z
    .array(historySchema)
    .nullish()
    .transform(history => history ?? []),
  /** SHA-256 of the newest audit record's line. */
  audit_head: optional(z.string()),
  /** SHA-256 of this document as the newest record knows it: what differs was edited past it. */
  document_sha256: optional(z.string()),
  outbox: z
    .array(z.looseObject({ revision: z.number().int() }))
    .nullish()
    .transform(outbox => outbox ?? []),
});

export type RolloutKind = 'canary' | 'blue_green' | 'segments' | 'ab';
export type Phase = 'running' | 'held' | 'promoted' | 'rolled_back' | 'ended';
export type OnUndecided = 'hold' | 'promote' | 'rollback';

/** Per cent at the beginning and a step, and how often. */
export interface Ramp {
  readonly start: number;
  readonly step: number;
  readonly every: string;
}

/** As the schema above has it, field by field. */
export interface Rollout {
  readonly id: string;
  readonly kind: RolloutKind;
  readonly phase: Phase;
  readonly candidate: string;
  readonly baseline: string;
  readonly weight: number;
  readonly started_at: string;
  readonly effective_at: string;
  readonly held_seconds?: number | undefined;
  readonly held_since?: string | undefined;
  readonly duration: string;
  readonly on_undecided: OnUndecided;
  readonly alpha: number;
  readonly triggers: readonly Trigger[];
  readonly segments?: readonly string[] | undefined;
  readonly ramp?: Ramp | undefined;
  readonly ended_at?: string | undefined;
  readonly reason?: string | undefined;
  readonly blame?: readonly string[] | undefined;
}

export type Aliases = Readonly<Record<string, string>>;

/** What routed the events enqueued before the change that came after it. */
export interface HistoryEntry {
  readonly effective_at?: string | undefined;
  readonly revision: number;
  readonly aliases: Aliases;
  readonly rollout?: Rollout | undefined;
}

/** A model's deployment.json, field by field as it stands there; unknown fields are kept. */
export interface DeploymentDocument extends HistoryEntry {
  readonly schema?: number | undefined;
  readonly shadow?: Readonly<Record<string, unknown>> | undefined;
  readonly cooldown_until?: string | undefined;
  /** Version → why it must not serve. */
  readonly quarantine: Readonly<Record<string, string>>;
  /** Newest first. */
  readonly routing_history: readonly HistoryEntry[];
  readonly audit_head?: string | undefined;
  readonly document_sha256?: string | undefined;
  /** Audit records that are not appended yet. */
  readonly outbox: readonly object[];
}

/** A deployment.json that says nothing that could be followed. */
export class BadDeployment extends Error {
  override readonly name = 'BadDeployment';
}

/** That of a newer app: what it says is not known, and it must not be written. */
export class NewerDeployment extends BadDeployment {}

/** Some 5,000 aliases; it is parsed by every instance at every change. */
export const MAX_DEPLOYMENT_BYTES = 256 * 1024;

/** @throws BadDeployment naming the file, the field, what was expected and what came; NewerDeployment where its `schema` is of a newer app. */
export function parseDocument(text: string, file: string): DeploymentDocument {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (thrown) {
    throw new BadDeployment(`${file}: not JSON: ${asError(thrown).message}`, { cause: thrown });
  }
  const schema = (value as { schema?: unknown } | null)?.schema;
  if (typeof schema === 'number' && schema > SCHEMA) {
    throw new NewerDeployment(`${file}: schema ${schema} is of a newer hubscore; this one knows ${SCHEMA}`);
  }
  const parsed = documentSchema.safeParse(value);
  if (!parsed.success) throw new BadDeployment(`${file}: ${faults(parsed.error, value)}`);
  return parsed.data;
}

/** Of a model that has none. */
export const NO_DOCUMENT: DeploymentDocument = parseDocument('{}', 'no deployment.json');

/** Whether a rollout still divides traffic. */
export function isOpen(rollout: Rollout | undefined): rollout is Rollout & { readonly phase: 'running' | 'held' } {
  return rollout?.phase === 'running' || rollout?.phase === 'held';
}
