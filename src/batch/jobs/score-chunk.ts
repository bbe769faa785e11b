import { createHash } from 'node:crypto';
import { type JobBlobs, type JobStorage, parsePlace } from '../../core/job-storage.ts';
import type { Clock } from '../../core/log.ts';
import type { TableScorer } from '../../core/table-scorer.ts';
import { BatchRefusal } from '../problems.ts';
import type { Source } from '../range.ts';
import { type BatchTable, openTable, type TableForm } from '../table.ts';
import { blockId } from './commit.ts';
import { type ChunkMessage, type Job, placeOf } from './job.ts';
import type { ChunkRecord } from './records.ts';
import { chunkRejectsPath, toLines } from './rejects.ts';

export interface ScoreRoom {
  readonly storage: JobStorage;
  readonly blobs: JobBlobs;
  readonly clock: Clock;
}

/** The part of a job that its tables are opened by. */
export type TableJob = Pick<
  Job,
  'format' | 'id_column' | 'include_features' | 'include_probabilities' | 'output_format' | 'timestamp'
>;

/** A blob as a source of bytes, under the ETag that it was found with. Reads throw BlobGone where it was changed since. */
export function sourceOf(
  storage: JobStorage,
  file: { readonly path: string; readonly etag: string; readonly bytes: number },
  signal: AbortSignal,
): Source {
  const { container, path } = parsePlace(file.path)!;
  const blobs = storage(container);
  return {
    size: file.bytes,
    read: (offset, length) => blobs.readRange(path, offset, Math.min(length, file.bytes - offset), file.etag, signal),
  };
}

/** A file of a job's input as a table. @throws BatchRefusal that names it, BlobGone, InfrastructureError */
export async function openFile(
  job: TableJob,
  file: { readonly path: string },
  source: Source,
  scorer: TableScorer,
): Promise<BatchTable> {
  const options = {
    idColumn: job.id_column ?? undefined,
    includeFeatures: job.include_features,
    includeProbabilities: job.include_probabilities,
    timestamp: job.timestamp,
  };
  try {
    return await openTable(source, formOf(job, file), scorer, options);
  } catch (thrown) {
    if (!(thrown instanceof BatchRefusal)) throw thrown;
    throw new BatchRefusal(`input ${file.path}: ${thrown.message}`, { cause: thrown });
  }
}

function formOf({ format, output_format }: TableJob, { path }: { readonly path: string }): TableForm {
  if (format !== 'csv') throw new BatchRefusal(`input ${path}: ${format} is not read yet`);
  if (output_format !== 'csv') throw new BatchRefusal(`${output_format} is not written yet`);
  return { format };
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
  const { file, place } = placeOf(job, chunk);
  const table = await openFile(job, file, sourceOf(storage, file, signal), scorer);
  const bounds = [table.from, ...table.cuts(job.chunk_bytes), table.to];
  const [from, to] = [bounds[place], bounds[place + 1]];
  if (from === undefined || to === undefined || bounds.length !== file.chunks + 1) {
    throw new BatchRefusal(
      `input ${file.path}: it is cut into ${bounds.length - 1} chunks now, and was into ${file.chunks}`,
    );
  }
  const start = message.start ?? (place === 0 ? from : undefined);
  const result = await table.score({ from, to, start }, signal);
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
