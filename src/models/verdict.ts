import { createHash } from 'node:crypto';
import { z } from 'zod';
import { INTERPRETATION, VERSION } from '../core/version.ts';
import type { RawCard } from './card.ts';
import type { GatheredVersion } from './open-version.ts';

const SCHEMA = 1;

const measured = z.number().min(0);

const passedSchema = z.object({
  schema: z.literal(SCHEMA),
  ok: z.literal(true),
  /** What a process that had opened nothing else grew by while it opened and warmed it. */
  memoryBytes: measured,
  /** The most that it took meanwhile. */
  peakBytes: measured,
  warmUpMs: measured,
  maxBatchSize: z.number().int().min(1),
  apart: z.boolean(),
  varies: z.boolean(),
  /** ISO 8601 */
  at: z.string(),
});

const refusedSchema = z.object({
  schema: z.literal(SCHEMA),
  ok: z.literal(false),
  /** Names the file and the cause. */
  message: z.string(),
  /** How the process that tried it was lost; absent: the file was refused in words, as it would be elsewhere. */
  loss: z.enum(['died', 'time', 'memory']).optional(),
  /** How often in a row; absent: once. */
  tries: z.number().int().min(1).optional(),
  at: z.string(),
});

export const verdictSchema = z.discriminatedUnion('ok', [passedSchema, refusedSchema]);

/** What trying a file has shown. */
export type Verdict = z.infer<typeof verdictSchema>;
export type Passed = z.infer<typeof passedSchema>;
export type Refused = z.infer<typeof refusedSchema>;

export function passed(found: Omit<Passed, 'schema' | 'ok' | 'at'>): Passed {
  return { schema: SCHEMA, ok: true, ...found, at: new Date().toISOString() };
}

export function refused(message: string, loss?: Refused['loss']): Refused {
  return { schema: SCHEMA, ok: false, message, ...(loss && { loss }), at: new Date().toISOString() };
}

/**
 * What a verdict is kept under: everything that it hangs on. Another machine's is as good as one's own where the runtime is the same.
 * Name and version stand in messages, and what else a push adds to a card (hashes) is told by the files themselves.
 */
export function verdictKey({ name, version, raw, sha256, gathered, loader }: GatheredVersion): string {
  const code = [SCHEMA, VERSION, INTERPRETATION, loader.runtime, process.platform, process.arch];
  const content = [name, version, sha256, ordered({ ...gathered.beside }), cardOf(raw)];
  return createHash('sha256')
    .update(JSON.stringify([code, content]))
    .digest('hex');
}

function cardOf(raw: RawCard): unknown {
  const { name, version, sha256, files, ...rest } = raw;
  return ordered(rest);
}

/** The same whatever order its members came in; null is absent. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member != null);
  return Object.fromEntries(
    members.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => [name, ordered(member)]),
  );
}
