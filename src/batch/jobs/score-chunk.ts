import { createHash } from 'node:crypto';
import { type JobBlobs, type JobStorage, parsePlace } from '../../core/job-storage.ts';
import type { Clock } from '../../core/log.ts';
import type { TableScorer } from '../../core/table-scorer.ts';
import { HEAD_BYTES } from '../csv/form.ts';
import { BatchRefusal } from '../problems.ts';
import type { Range } from '../range.ts';
import { type BatchTable, openTable } from '../table.ts';
import { blockId } from './commit.ts';
import { type ChunkMessage, type Job, rangeOf } from './job.ts';
import type { ChunkRecord } from './records.ts';
import { chunkRejectsPath, toLines } from './rejects.ts';

/** Beyond a chunk's end, for the row that begins in it and ends behind it. */
const TAIL_BYTES = 64 * 1024;
/** What is read at once where that was not enough. */
const MORE_BYTES = 1024 * 1024;

export interface ScoreRoom {
  readonly storage: JobStorage;
  readonly blobs: JobBlobs;
  readonly clock: Clock;
}

/** The part of a job that its table is opened by. */
export type TableJob = Pick<
  Job,
  'format' | 'id_column' | 'include_features' | 'include_probabilities' | 'output_format' | 'timestamp'
>;

/** A file of a job's input as a table, by its first bytes. @throws BatchRefusal, BlobGone */
export async function openFile(
  storage: JobStorage,
  job: TableJob,
  file: { readonly path: string; readonly etag: string; readonly bytes: number },
  scorer: TableScorer,
  signal: AbortSignal,
): Promise<{ readonly table: BatchTable; readonly head: Buffer }> {
  const { container, path } = parsePlace(file.path)!;
  const head = await storage(container).readRange(path, 0, Math.min(HEAD_BYTES, file.bytes), file.etag, signal);
  if (job.format !== 'csv') throw new BatchRefusal(`input ${file.path}: ${job.format} is not read yet`);
  const options = {
    idColumn: job.id_column ?? undefined,
    includeFeatures: job.include_features,
    includeProbabilities: job.include_probabilities,
    timestamp: job.timestamp,
  };
  try {
    return { table: openTable({ format: job.format, head, size: file.bytes }, scorer, options), head };
  } catch (thrown) {
    if (thrown instanceof BatchRefusal)
      throw new BatchRefusal(`input ${file.path}: ${thrown.message}`, { cause: thrown });
    throw thrown;
  }
}

/**
 * Scores a chunk and stages its output, as a block that nobody sees; the same input gives the same block, however often.
 * @throws BatchRefusal, BlobGone, InfrastructureError, the signal's reason
 */
export async function scoreChunk(
  { storage, blobs, clock }: ScoreRoom,
  job: Job,
  message: ChunkMessage,
  scorer: TableScorer,
  signal: AbortSignal,
): Promise<ChunkRecord> {
  const startMs = clock();
  const { chunk, generation } = message;
  const { file, from, to, first } = rangeOf(job, chunk);
  const { table } = await openFile(storage, job, file, scorer, signal);
  const { container, path } = parsePlace(file.path)!;
  const read = (offset: number, end: number) =>
    storage(container).readRange(path, offset, Math.min(end, file.bytes) - offset, file.etag, signal);
  const start = message.start ?? (first ? file.data_start : undefined);
  const offset = Math.max(0, from - 1);
  const range: Range = {
    bytes: await read(offset, to + TAIL_BYTES),
    offset,
    from,
    to,
    start,
    size: file.bytes,
    more: at => read(at, at + MORE_BYTES),
  };
  const result = await table.score(range, signal);
  const sha256 = createHash('sha256').update(result.output).digest('hex');
  const block = result.output.length === 0 ? null : blockId(chunk, generation, sha256);
  if (block !== null) {
    const output = parsePlace(job.output)!;
    await storage(output.container).stage(output.path, block, result.output, signal);
  }
  let rejects: string | null = null;
  if (result.rejects.length > 0) {
    rejects = chunkRejectsPath(job.id, chunk, generation);
    const meta = { contentType: 'application/x-ndjson' };
    await blobs.write(rejects, Buffer.from(toLines(result.rejects)), meta, 'any', signal);
  }
  return {
    ...{ chunk, generation, start: result.start, end: result.end },
    ...{ rows: result.rows, rejected: result.rejects.length, bytes: result.output.length, block, rejects },
    first_rejects: result.rejects.slice(0, 10),
    statistics: result.statistics,
    seconds: (clock() - startMs) / 1000,
    at: new Date(clock()).toISOString(),
  };
}

/** Rows that are tried before a job begins. */
const TRIED_ROWS_BYTES = HEAD_BYTES;

/** Tries a file's first rows: one at least must pass, or the whole would be rejected. @throws BatchRefusal that says how many did not, and why the first */
export async function tryFirstRows(
  { table, head }: { readonly table: BatchTable; readonly head: Buffer },
  file: { readonly path: string; readonly bytes: number },
  signal: AbortSignal,
): Promise<void> {
  const whole = head.length === file.bytes;
  // The last line of the head may be cut: it is left to the job.
  const end = whole ? file.bytes : head.lastIndexOf(10) + 1;
  if (end <= table.dataStart) return;
  const to = Math.min(end, table.dataStart + TRIED_ROWS_BYTES);
  const range: Range = {
    ...{ bytes: head.subarray(0, end), offset: 0, from: table.dataStart, to, start: table.dataStart, size: end },
    more: async () => Buffer.alloc(0),
  };
  const { rows, rejects } = await table.score(range, signal);
  if (rows === 0 || rejects.length < rows) return;
  const [example] = rejects;
  throw new BatchRefusal(
    `input ${file.path}: all of the first ${rows} rows are rejected; the first, row ${example?.row}: ${example?.message}`,
  );
}
