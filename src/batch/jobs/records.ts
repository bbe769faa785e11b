import { z } from 'zod';
import { BlobConflict, BlobGone } from '../../core/blobs.ts';
import type { JobBlobs } from '../../core/job-storage.ts';
import { someAtOnce } from '../../core/some-at-once.ts';
import type { Job } from './job.ts';

const whole = z.number().int().min(0);

/** Where the records of what a job does now lie. */
export type RecordFolder = 'quotes' | 'counts' | 'parts';

export const folderOf = ({ counting, quotes }: Pick<Job, 'counting' | 'quotes'>): RecordFolder =>
  quotes === 'counting' ? 'quotes' : counting ? 'counts' : 'parts';

/** `jobs/<id>/parts/000012.json`, or `000012.g1.json` of a later generation: what a chunk came to. The first one written is the one that counts. */
export const recordSchema = z.object({
  chunk: whole,
  generation: whole,
  /** Offsets of its first row and of the first row behind it. */
  start: whole,
  end: whole,
  /** Scored or rejected. */
  rows: whole,
  rejected: whole,
  /** Of its output. */
  bytes: whole,
  /** The block that holds it, or the part's blob; null where it has no output. */
  block: z.string().nullable(),
  /** The blob with its rejects, as lines of JSON; null where it has none. */
  rejects: z.string().nullable(),
  /** The first ten. */
  first_rejects: z.array(
    z.object({ row: whole, offset: whole, code: z.string(), message: z.string(), raw: z.string() }),
  ),
  /** What the report is made of. */
  statistics: z.unknown(),
  seconds: z.number(),
  at: z.string(),
});

export type ChunkRecord = z.infer<typeof recordSchema>;

/** What a listing says of a record. */
export interface RecordEntry {
  readonly path: string;
  readonly chunk: number;
  readonly generation: number;
  readonly start: number;
  readonly end: number;
  readonly rows: number;
  readonly rejected: number;
  readonly writtenMs: number;
}

type RecordsOf = Pick<Job, 'id' | 'counting' | 'quotes'>;

const nameOf = (chunk: number, generation: number) =>
  `${String(chunk).padStart(6, '0')}${generation > 0 ? `.g${generation}` : ''}.json`;
const recordPath = (job: RecordsOf, chunk: number, generation: number) =>
  `jobs/${job.id}/${folderOf(job)}/${nameOf(chunk, generation)}`;
const attemptsPath = (job: string, chunk: number) => `jobs/${job}/attempts/${nameOf(chunk, 0)}`;

/** @returns false where there is one already: that one counts */
export async function writeRecord(
  blobs: JobBlobs,
  job: RecordsOf,
  record: ChunkRecord,
  signal: AbortSignal,
): Promise<boolean> {
  const { chunk, generation, start, end, rows, rejected } = record;
  const metadata = Object.fromEntries(Object.entries({ start, end, rows, rejected }).map(([k, v]) => [k, String(v)]));
  try {
    const meta = { contentType: 'application/json', metadata };
    await blobs.write(recordPath(job, chunk, generation), Buffer.from(JSON.stringify(record)), meta, 'absent', signal);
    return true;
  } catch (thrown) {
    if (thrown instanceof BlobConflict) return false;
    throw thrown;
  }
}

export async function hasRecord(
  blobs: JobBlobs,
  job: RecordsOf,
  chunk: number,
  generation: number,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await blobs.properties(recordPath(job, chunk, generation), signal);
    return true;
  } catch (thrown) {
    if (thrown instanceof BlobGone) return false;
    throw thrown;
  }
}

/** By chunk, the record of its highest generation. A call for 5,000 records. */
export async function listRecords(
  blobs: JobBlobs,
  job: RecordsOf,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, RecordEntry>> {
  const found = new Map<number, RecordEntry>();
  for (const { path, metadata, modifiedMs } of await blobs.describe(`jobs/${job.id}/${folderOf(job)}/`, signal)) {
    const match = /\/(\d{6,})(?:\.g(\d+))?\.json$/.exec(path);
    if (!match) continue;
    const [chunk, generation] = [Number(match[1]), Number(match[2] ?? 0)];
    if ((found.get(chunk)?.generation ?? -1) > generation) continue;
    const { start, end, rows, rejected } = metadata;
    found.set(chunk, {
      ...{ path, chunk, generation, writtenMs: modifiedMs },
      ...{ start: Number(start), end: Number(end), rows: Number(rows), rejected: Number(rejected) },
    });
  }
  return found;
}

const READS_AT_ONCE = 16;

/** The records of all chunks, in their order. */
export async function readRecords(
  blobs: JobBlobs,
  entries: readonly RecordEntry[],
  signal: AbortSignal,
): Promise<readonly ChunkRecord[]> {
  const records: ChunkRecord[] = new Array(entries.length);
  await someAtOnce(entries.entries(), READS_AT_ONCE, async ([place, { path }]) => {
    records[place] = recordSchema.parse(JSON.parse((await blobs.readText(path, signal)).text));
  });
  return records;
}

const attemptsSchema = z.object({
  attempts: z.array(z.object({ at: z.string(), attempt: whole, message: z.string() })),
});

/** Notes that a chunk failed. @returns how often it did in this attempt of the job */
export async function noteAttempt(
  blobs: JobBlobs,
  job: { readonly id: string; readonly attempt: number },
  chunk: number,
  message: string,
  nowMs: number,
  signal: AbortSignal,
): Promise<number> {
  const path = attemptsPath(job.id, chunk);
  for (;;) {
    const held = await blobs.readText(path, signal).catch(thrown => {
      if (thrown instanceof BlobGone) return undefined;
      throw thrown;
    });
    const { attempts } = attemptsSchema.parse(held ? JSON.parse(held.text) : { attempts: [] });
    const next = [...attempts, { at: new Date(nowMs).toISOString(), attempt: job.attempt, message }];
    try {
      const condition = held ? { etag: held.etag } : 'absent';
      await blobs.writeText(path, JSON.stringify({ attempts: next }), condition, signal);
      return next.filter(({ attempt }) => attempt === job.attempt).length;
    } catch (thrown) {
      if (!(thrown instanceof BlobConflict)) throw thrown;
    }
  }
}
