import { z } from 'zod';
import { ENCODINGS } from '../csv/text.ts';
import { INPUT_FORMATS } from '../format.ts';
import { OUTPUT_FORMATS } from '../range.ts';

/** In the order in which a job goes through them; `failed` from any, `cancelling` and `cancelled` before `committing`. */
export const JOB_STATES = [
  'queued',
  'validating',
  'running',
  'committing',
  'reporting',
  'archiving',
  'succeeded',
  'failed',
  'cancelling',
  'cancelled',
] as const;

/** Access tiers of blobs, as the service calls them. */
export const TIERS = ['Hot', 'Cool', 'Cold', 'Archive'] as const;

export type JobState = (typeof JOB_STATES)[number];

/** A job in such a state changes no more, unless somebody retries it. */
export const ENDED: ReadonlySet<JobState> = new Set(['succeeded', 'failed', 'cancelled']);

const whole = z.number().int().min(0);

const inputFile = z.object({
  /** `container/path` */
  path: z.string(),
  etag: z.string(),
  bytes: whole,
  /** Where it was packed, or UTF-16: what it holds, `container/path`. It is read then, and the places are its. */
  content: z
    .object({ path: z.string(), etag: z.string(), bytes: whole, encoding: z.literal('utf-8').nullable() })
    .optional(),
  /** Places of its first row and behind its last: bytes of a text, rows of Parquet. */
  from: whole,
  to: whole,
  /** Number of its first chunk in the job. */
  first_chunk: whole,
  chunks: whole,
  /** `container/path`, where each file has an output of its own. */
  output: z.string().optional(),
  /** Of what that replaces. */
  replaces: z.string().nullable().optional(),
});

const progressSchema = z.object({
  /** With a record. */
  chunks: whole,
  /** Of the input, in those. */
  bytes: whole,
  rows: whole,
  rejected: whole,
  rows_per_second: z.number(),
  eta: z.string().nullable(),
  sla: z.enum(['on_track', 'at_risk', 'missed']),
  at: z.string().optional(),
});

/** `jobs/<id>/job.json`. Written under its ETag by who submits, finishes, tends, cancels; who scores chunks only reads it. */
export const jobSchema = z.object({
  id: z.string(),
  state: z.enum(JOB_STATES),
  attempt: whole,
  model: z.string(),
  /** As results bear it: `2.1.3+a1b2c3d4`. Resolved once: a promotion in mid-job changes nothing. */
  model_version: z.string(),
  input: z.array(inputFile).min(1),
  /** Of the input. */
  format: z.enum(INPUT_FORMATS),
  /** Of CSV; null: told from its first bytes. */
  delimiter: z.string().nullable().default(null),
  encoding: z.enum(ENCODINGS).nullable().default(null),
  /** With `{name}` in it: one of each file, called after it. */
  output: z.string(),
  output_format: z.enum(OUTPUT_FORMATS),
  /** Of the blob that the output replaces. */
  replaces: z.string().nullable().default(null),
  id_column: z.string().nullable().default(null),
  include_features: z.boolean(),
  include_probabilities: z.boolean().default(false),
  /** Names of the model's classes, in its order; empty where it names none. */
  classes: z.array(z.string()).default([]),
  /** The output's first line, with its end. */
  header: z.string(),
  chunk_bytes: whole,
  chunks: whole.min(1),
  /** Rows have numbers in the output, and nobody knows yet with which one a chunk begins: chunks are counted first, and scored then. */
  counting: z.boolean().default(false),
  /** Many chunks began in the wrong place: each counts its quotes, which tells where all begin. Done once a job. */
  quotes: z.enum(['uncounted', 'counting', 'counted']).default('uncounted'),
  max_rejected: z.number().min(0).max(1),
  fail_on_drift: z.boolean().default(false),
  /** Stands in every row. */
  timestamp: z.string(),
  sla_seconds: z.number(),
  deadline: z.string(),
  /** `container/prefix` that the output is copied under once it stands. */
  archive: z.string().nullable().default(null),
  /** Of that copy; null: the account's own. */
  archive_tier: z.enum(TIERS).nullable().default(null),
  progress: progressSchema,
  /** Chunks that are being done again, since the chain of records broke there or their block is gone. */
  repairs: z.array(z.object({ chunk: whole, generation: whole, start: whole })).default([]),
  history: z.array(z.object({ state: z.enum(JOB_STATES), at: z.string() })),
  error: z
    .object({ message: z.string(), rows: z.array(z.unknown()).optional(), chunks: z.array(whole).optional() })
    .nullable(),
});

export type Job = z.infer<typeof jobSchema>;
export type JobInput = Job['input'][number];
export type Progress = Job['progress'];

/** A chunk of a job, as the queue carries it. Never `id`, `dequeueCount` or `popReceipt`: those would stand in the place of the host's own. */
export const messageSchema = z.object({
  job: z.string(),
  chunk: whole,
  generation: whole.default(0),
  /** Where its first row begins, where the chain has shown that. */
  start: whole.optional(),
});

export type ChunkMessage = z.infer<typeof messageSchema>;

/** The same in another state, which its history shows. */
export function inState(job: Job, state: JobState, nowMs: number, change: Partial<Job> = {}): Job {
  return {
    ...job,
    ...change,
    state,
    history: [...(change.history ?? job.history), { state, at: new Date(nowMs).toISOString() }],
  };
}

/** Which file a chunk is of, and its place among that file's chunks. */
export function placeOf(job: Pick<Job, 'input'>, chunk: number): { readonly file: JobInput; readonly place: number } {
  const file = job.input.find(({ first_chunk, chunks }) => chunk >= first_chunk && chunk < first_chunk + chunks);
  if (!file) throw new Error(`the job has no chunk ${chunk}`);
  return { file, place: chunk - file.first_chunk };
}

/** About how many bytes of the input a chunk is: they are cut alike. */
export function bytesOf(job: Pick<Job, 'input'>, chunk: number): number {
  const { file } = placeOf(job, chunk);
  return (file.content ?? file).bytes / file.chunks;
}
