import type { Decoder } from '../../core/codec.ts';
import { type JobStorage, parsePlace } from '../../core/job-storage.ts';
import type { TableScorer } from '../../core/table-scorer.ts';
import type { BatchTable } from '../batch-table.ts';
import type { ByteEncoding } from '../csv/text.ts';
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

type File = Pick<JobInput, 'path' | 'etag' | 'bytes' | 'content'>;

/**
 * Opens a file of a job's input as a table; what is packed, or UTF-16, by its content.
 * @throws BatchRefusal that names the file; BlobGone where it was changed; InfrastructureError
 */
export async function openFile(
  storage: JobStorage,
  job: TableJob,
  file: File,
  model: TableModel,
  signal: AbortSignal,
): Promise<BatchTable> {
  const form = {
    format: job.format,
    delimiter: job.delimiter ?? undefined,
    encoding: (file.content?.encoding ?? job.encoding ?? undefined) as ByteEncoding | undefined,
  };
  const options = {
    idColumn: job.id_column ?? undefined,
    includeFeatures: job.include_features,
    includeProbabilities: job.include_probabilities,
    format: job.output_format,
    timestamp: job.timestamp,
  };
  try {
    return await openTable(sourceOf(storage, file, signal), form, model.scorer, options, model.decoder);
  } catch (thrown) {
    if (!(thrown instanceof BatchRefusal)) throw thrown;
    throw new BatchRefusal(`input ${file.path}: ${thrown.message}`, { cause: thrown });
  }
}

/** A blob, or its content, as a source of bytes, under the ETag that it was found with. */
export function sourceOf(storage: JobStorage, file: File, signal: AbortSignal): Source {
  const { path: place, etag, bytes } = file.content ?? file;
  const { container, path } = parsePlace(place)!;
  const blobs = storage(container);
  return {
    size: bytes,
    read: (offset, length) => blobs.readRange(path, offset, Math.min(length, bytes - offset), etag, signal),
  };
}
