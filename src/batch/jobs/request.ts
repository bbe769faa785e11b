import { z } from 'zod';
import { ENCODINGS } from '../csv/text.ts';
import { INPUT_FORMATS } from '../format.ts';
import { OUTPUT_FORMATS } from '../range.ts';
import { TIERS } from './job.ts';

const share = z.number().min(0).max(1);

/** What somebody asks for: the body of `POST /batch/jobs`, a template, and what the command makes of its options. */
export const jobRequestSchema = z.strictObject({
  /** Absent: made of model and time. */
  id: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'letters, digits, dots, hyphens and underscores are expected')
    .optional(),
  /** `container/path`; a prefix, a glob, a date pattern. */
  input: z.string().min(1),
  /** A blob, or a folder of Parquet; with `{name}` in it one of each file of the input. */
  output: z.string().min(1),
  model: z.string().min(1),
  model_version: z.string().optional(),
  id_column: z.string().optional(),
  include_features: z.boolean().default(false),
  include_probabilities: z.boolean().default(false),
  /** Of the output; absent: the input's. */
  format: z.enum(OUTPUT_FORMATS).optional(),
  /** Of the input; absent: by its name. */
  input_format: z.enum(INPUT_FORMATS).optional(),
  /** Of a CSV; absent: told from its first bytes. */
  delimiter: z.string().length(1).optional(),
  encoding: z.enum(ENCODINGS).optional(),
  max_rejected: share.default(0.01),
  /** An alarm of drift fails the job before anything is to be seen; else it stands in the report. */
  fail_on_drift: z.boolean().default(false),
  chunk_bytes: z
    .number()
    .int()
    .min(4096)
    .max(256 * 1024 * 1024)
    .default(16 * 1024 * 1024),
  sla_seconds: z.number().positive().default(7200),
  /** What stands at the output is replaced, by what it is when the job begins. */
  overwrite: z.boolean().default(false),
  /** Folder that outputs are copied to, and their access tier there. */
  archive: z.string().optional(),
  archive_tier: z.enum(TIERS).optional(),
  /** Fills `{date}` in input, output and archive. */
  date: z
    .string()
    .regex(/^\d{4}-\d\d-\d\d$/, 'a day is expected, as 2026-11-20')
    .optional(),
});

export type JobRequest = z.infer<typeof jobRequestSchema>;
