import { createHash } from 'node:crypto';
import { type JobBlobs, type JobStorage, parsePlace } from '../../core/job-storage.ts';
import type { Clock } from '../../core/log.ts';
import type { TableScorer } from '../../core/table-scorer.ts';
import { BatchRefusal } from '../problems.ts';
import { blockId, partName } from './commit.ts';
import { type ChunkMessage, type Job, placeOf } from './job.ts';
import { withFile } from './open-file.ts';
import type { ChunkRecord } from './records.ts';
import { chunkRejectsPath, toLines } from './rejects.ts';

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
  scorer: TableScorer,
  signal: AbortSignal,
): Promise<ChunkRecord> {
  const startMs = clock();
  const { chunk, generation } = message;
  const { file, place } = placeOf(job, chunk);
  const result = await withFile(storage, job, file, scorer, signal, async table => {
    const bounds = [table.from, ...table.cuts(job.chunk_bytes), table.to];
    const [from, to] = [bounds[place], bounds[place + 1]];
    if (from === undefined || to === undefined || bounds.length !== file.chunks + 1) {
      throw new BatchRefusal(
        `input ${file.path}: it is cut into ${bounds.length - 1} chunks now, and was into ${file.chunks}`,
      );
    }
    return table.score({ from, to, start: message.start ?? (place === 0 ? from : undefined) }, signal);
  });
  const sha256 = createHash('sha256').update(result.output).digest('hex');
  const block = result.output.length === 0 ? null : blockId(chunk, generation, sha256);
  if (block !== null) {
    const { container, path } = parsePlace(job.output)!;
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
