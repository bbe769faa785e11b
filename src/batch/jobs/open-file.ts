import { createWriteStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Decoder } from '../../core/codec.ts';
import { type JobStorage, parsePlace } from '../../core/job-storage.ts';
import type { TableScorer } from '../../core/table-scorer.ts';
import type { BatchTable } from '../batch-table.ts';
import { BYTE_ENCODINGS, type ByteEncoding, encodingOf } from '../csv/text.ts';
import { unpack } from '../local/unpack.ts';
import { BatchRefusal } from '../problems.ts';
import type { Source } from '../range.ts';
import { openTable } from '../table.ts';
import type { Job, JobInput } from './job.ts';

/** A model as files are scored by it: `decoder` reads events of Capture as the stream does. */
export interface TableModel {
  readonly scorer: TableScorer;
  readonly decoder: Decoder;
}

/** The part of a job that its tables are opened by. */
export type TableJob = Pick<
  Job,
  | 'format'
  | 'delimiter'
  | 'encoding'
  | 'id_column'
  | 'include_features'
  | 'include_probabilities'
  | 'output_format'
  | 'timestamp'
>;

type File = Pick<JobInput, 'path' | 'etag' | 'bytes'>;

const HEAD_BYTES = 4096;
/** What cannot be cut is scored in one go, by one instance, in its memory. */
const MOST_UNPACKED_BYTES = 128 * 1024 * 1024;

/**
 * Opens a file of a job's input as a table, for as long as `work` takes. What is packed, or UTF-16, is unpacked beside first, and is one range.
 * @throws BatchRefusal that names the file; BlobGone where it was changed; InfrastructureError
 */
export async function withFile<T>(
  storage: JobStorage,
  job: TableJob,
  file: File,
  model: TableModel,
  signal: AbortSignal,
  work: (table: BatchTable) => Promise<T>,
): Promise<T> {
  const source = sourceOf(storage, file, signal);
  if (!(await isToBeUnpacked(job, source))) return work(await openNamed(job, file, source, model));
  if (file.bytes > MOST_UNPACKED_BYTES) {
    throw new BatchRefusal(
      `input ${file.path}: ${file.bytes} bytes that are packed, or UTF-16, and cannot be cut; at most ${MOST_UNPACKED_BYTES} are taken: unpack it, or give it as several files`,
    );
  }
  const folder = await mkdtemp(join(tmpdir(), 'hubscore-input-'));
  try {
    const packed = join(folder, 'packed');
    await pipeline(bytesOf(source), createWriteStream(packed), { signal });
    const { path, encoding } = await unpack(packed, `input ${file.path}`, join(folder, 'input'), named(job), signal);
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      const read = async (offset: number, length: number) => {
        const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - offset)));
        let done = 0;
        while (done < bytes.length)
          done += (await handle.read(bytes, done, bytes.length - done, offset + done)).bytesRead;
        return bytes;
      };
      const table = await openNamed({ ...job, encoding: encoding ?? job.encoding }, file, { size, read }, model);
      return await work({ ...table, cuts: () => [] });
    } finally {
      await handle.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A blob as a source of bytes, under the ETag that it was found with. */
function sourceOf(storage: JobStorage, file: File, signal: AbortSignal): Source {
  const { container, path } = parsePlace(file.path)!;
  const blobs = storage(container);
  return {
    size: file.bytes,
    read: (offset, length) => blobs.readRange(path, offset, Math.min(length, file.bytes - offset), file.etag, signal),
  };
}

const PIECE_BYTES = 8 * 1024 * 1024;

async function* bytesOf({ size, read }: Source): AsyncIterable<Buffer> {
  for (let at = 0; at < size; at += PIECE_BYTES) yield await read(at, PIECE_BYTES);
}

const named = ({ encoding }: TableJob) => encoding ?? undefined;

/** By its first bytes, as when it is unpacked. */
async function isToBeUnpacked(job: TableJob, source: Source): Promise<boolean> {
  const head = await source.read(0, Math.min(HEAD_BYTES, source.size));
  const hex = head.subarray(0, 4).toString('hex');
  if (hex.startsWith('1f8b') || hex === '28b52ffd') return true;
  if (job.format === 'parquet' || job.format === 'capture') return false;
  return !(BYTE_ENCODINGS as readonly string[]).includes(encodingOf(head, named(job)).encoding);
}

async function openNamed(job: TableJob, { path }: File, source: Source, model: TableModel): Promise<BatchTable> {
  const form = {
    format: job.format,
    delimiter: job.delimiter ?? undefined,
    encoding: (job.encoding ?? undefined) as ByteEncoding | undefined,
  };
  const options = {
    idColumn: job.id_column ?? undefined,
    includeFeatures: job.include_features,
    includeProbabilities: job.include_probabilities,
    format: job.output_format,
    timestamp: job.timestamp,
  };
  try {
    return await openTable(source, form, model.scorer, options, model.decoder);
  } catch (thrown) {
    if (!(thrown instanceof BatchRefusal)) throw thrown;
    throw new BatchRefusal(`input ${path}: ${thrown.message}`, { cause: thrown });
  }
}
