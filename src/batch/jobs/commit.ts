import { BlobConflict, BlobGone } from '../../core/blobs.ts';
import { BlocksMissing, type JobBlobs, parsePlace } from '../../core/job-storage.ts';
import { BatchRefusal } from '../problems.ts';
import type { Repair } from './chain.ts';
import type { Job } from './job.ts';
import type { Output } from './outputs.ts';
import type { ChunkRecord } from './records.ts';
import type { JobRoom } from './room.ts';

const TYPES = {
  csv: 'text/csv; charset=utf-8',
  ndjson: 'application/x-ndjson',
  parquet: 'application/vnd.apache.parquet',
};

/** Names a block: chunk and generation, then the beginning of its content's SHA-256, so that the same work done twice gives the same block. The same length for all of an output. */
export const blockId = (chunk: number | 'header', generation: number, sha256: string) => {
  const name = chunk === 'header' ? 'header' : String(chunk).padStart(6, '0');
  return Buffer.from(`${name}-${String(generation).padStart(3, '0')}-${sha256.slice(0, 26)}`).toString('base64');
};

/**
 * Makes an output appear, whole, by one call. Whoever comes second finds it there with the job's name beside it, which is success.
 * @returns chunks whose block is no longer there and has to be made again, and then there is no output; empty: it stands
 * @throws BatchRefusal where something else lies there by now
 */
export async function commitOutput(
  room: JobRoom,
  job: Job,
  output: Output,
  records: readonly ChunkRecord[],
  headerSha: string,
  signal: AbortSignal,
): Promise<readonly Repair[]> {
  const { container, path } = parsePlace(output.place)!;
  const blobs = room.storage(container);
  const metadata = { job: job.id };
  const contentType = TYPES[job.output_format];
  const staged = await blobs.staged(path, signal);
  const lost = records.filter(({ block, bytes }) => block !== null && staged.get(block) !== bytes);
  if (lost.length > 0) return (await isOurs(blobs, path, job)) ? [] : lost.map(againFrom);

  const blocks = records.flatMap(({ block }) => (block === null ? [] : [block]));
  if (job.header !== '') {
    const header = Buffer.from(job.header);
    const id = blockId('header', 0, headerSha);
    await blobs.stage(path, id, header, signal);
    blocks.unshift(id);
  }
  try {
    const condition = output.replaces === null ? 'absent' : { etag: output.replaces };
    await blobs.commit(path, blocks, { contentType, metadata }, condition, signal);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof BlobConflict || thrown instanceof BlocksMissing)) throw thrown;
    if (await isOurs(blobs, path, job)) return [];
    if (thrown instanceof BlocksMissing) return records.filter(({ block }) => block !== null).map(againFrom);
    throw new BatchRefusal(
      `output ${output.place}: something else was written there while the job ran; it is left as it is`,
    );
  }
}

const againFrom = ({ chunk, generation, start }: ChunkRecord): Repair => ({ chunk, generation: generation + 1, start });

export async function isOurs(blobs: JobBlobs, path: string, job: Job): Promise<boolean> {
  try {
    return (await blobs.properties(path, AbortSignal.timeout(30_000))).metadata.job === job.id;
  } catch (thrown) {
    if (thrown instanceof BlobGone) return false;
    throw thrown;
  }
}

/** The same for a folder of Parquet: its parts appear one by one, each whole; the folder is whole where `_SUCCESS` stands, which comes last and names them. */
export async function commitParts(
  room: JobRoom,
  job: Job,
  output: Output,
  records: readonly ChunkRecord[],
  signal: AbortSignal,
): Promise<readonly Repair[]> {
  const { container, path: folder } = parsePlace(output.place)!;
  const blobs = room.storage(container);
  const lost: Repair[] = [];
  const parts = [];
  for (const record of records) {
    if (record.block === null) continue;
    const path = `${folder}/${partName(record.chunk)}`;
    try {
      const meta = { contentType: TYPES.parquet, metadata: { job: job.id } };
      await blobs.commit(path, [record.block], meta, output.replaces === null ? 'absent' : 'any', signal);
    } catch (thrown) {
      if (!(thrown instanceof BlobConflict || thrown instanceof BlocksMissing)) throw thrown;
      if (!(await isOurs(blobs, path, job))) {
        if (thrown instanceof BlocksMissing) lost.push(againFrom(record));
        else throw new BatchRefusal(`output ${output.place}: ${path} was written by something else while the job ran`);
      }
    }
    const { rows, rejected, bytes, block } = record;
    parts.push({ path: partName(record.chunk), rows: rows - rejected, bytes, block });
  }
  if (lost.length > 0) return lost;
  const manifest = {
    ...{ job: job.id, model: job.model, model_version: job.model_version },
    rows: parts.reduce((sum, { rows }) => sum + rows, 0),
    parts,
  };
  const meta = { contentType: 'application/json', metadata: { job: job.id } };
  await blobs.write(`${folder}/_SUCCESS`, Buffer.from(JSON.stringify(manifest, undefined, 2)), meta, 'any', signal);
  return [];
}

export const partName = (chunk: number) => `part-${String(chunk).padStart(6, '0')}.parquet`;
