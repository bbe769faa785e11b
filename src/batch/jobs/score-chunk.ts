import { createHash } from 'node:crypto';
import { type JobBlobs, type JobStorage, parsePlace } from '../../core/job-storage.ts';
import type { Clock } from '../../core/log.ts';
import type { BatchTable } from '../batch-table.ts';
import { BatchRefusal } from '../problems.ts';
import type { Range, RangeResult } from '../range.ts';
import { NO_STATISTICS } from '../statistics.ts';
import { blockId, partName } from './commit.ts';
import { type ChunkMessage, type Job, placeOf } from './job.ts';
import { readNumbering } from './numbering.ts';
import { openFile, type TableModel } from './open-file.ts';
import { outputOfChunk } from './outputs.ts';
import type { ChunkRecord } from './records.ts';
import { chunkRejectsPath, toLines } from './rejects.ts';

const NOTHING = { output: Buffer.alloc(0), rejects: [], statistics: NO_STATISTICS };

export interface ScoreRoom {
  readonly storage: JobStorage;
  readonly blobs: JobBlobs;
  readonly clock: Clock;
}

/**
 * Scores a chunk and stages its output, as a block that nobody sees; the same input gives the same block, however often.
 * @throws BatchRefusal, BlobGone, InfrastructureError, the signal's reason
 */
export async function scoreChunk(
  { storage, blobs, clock }: ScoreRoom,
  job: Job,
  message: ChunkMessage,
  model: TableModel,
  signal: AbortSignal,
): Promise<ChunkRecord> {
  const startMs = clock();
  const { chunk, generation } = message;
  const { file, place } = placeOf(job, chunk);
  // Without an id column rows are numbered, from where all before were counted.
  const numbered = job.id_column === null && job.chunks > 1 && !job.counting;
  const numbering = numbered ? await readNumbering(blobs, job.id, chunk, signal) : undefined;
  const table = await openFile(storage, job, file, model, signal);
  const bounds = [table.from, ...table.cuts(job.chunk_bytes), table.to];
  const [from, to] = [bounds[place], bounds[place + 1]];
  if (from === undefined || to === undefined || bounds.length !== file.chunks + 1) {
    throw new BatchRefusal(
      `input ${file.path}: it is cut into ${bounds.length - 1} chunks now, and was into ${file.chunks}`,
    );
  }
  const start = message.start ?? numbering?.start ?? (place === 0 ? from : undefined);
  const result = await resultOf(table, job, { from, to, start, firstRow: numbering?.row }, signal);
  const sha256 = createHash('sha256').update(result.output).digest('hex');
  const block = result.output.length === 0 ? null : blockId(chunk, generation, sha256);
  if (block !== null) {
    const { container, path } = parsePlace(outputOfChunk(job, chunk))!;
    const blob = job.output_format === 'parquet' ? `${path}/${partName(chunk)}` : path;
    await storage(container).stage(blob, block, result.output, signal);
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

/** Of the pass that the job is in. */
async function resultOf(table: BatchTable, job: Job, range: Range, signal: AbortSignal): Promise<RangeResult> {
  if (job.quotes === 'counting' && table.quotes) {
    const { outside, inside, odd } = await table.quotes(range);
    return { ...NOTHING, start: outside, end: inside, rows: odd ? 1 : 0 };
  }
  return job.counting ? { ...NOTHING, ...(await table.count(range)) } : table.score(range, signal);
}
