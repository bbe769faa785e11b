import { BlobGone } from '../../core/blobs.ts';
import type { JobBlobs } from '../../core/job-storage.ts';
import type { Reject } from '../range.ts';
import { REJECTS_HEADER, rejectLines } from '../rejects.ts';
import type { Job } from './job.ts';
import type { ChunkRecord } from './records.ts';

const BLOCK_BYTES = 8 * 1024 * 1024;

export const rejectsPath = (id: string) => `jobs/${id}/rejects.csv`;

/** A chunk's rejects, their rows counted from its own first one: where that is in the whole is known at the end. */
export const chunkRejectsPath = (id: string, chunk: number, generation: number) =>
  `jobs/${id}/rejects/${String(chunk).padStart(6, '0')}.g${generation}.ndjson`;

export const toLines = (rejects: readonly Reject[]) => rejects.map(reject => `${JSON.stringify(reject)}\n`).join('');

/** Rows before each chunk; none where they are numbered in the whole already. */
export function rowsBefore(
  { id_column }: Pick<Job, 'id_column'>,
  records: readonly Pick<ChunkRecord, 'rows'>[],
): readonly number[] {
  let rows = 0;
  return records.map(record => {
    const before = id_column === null ? 0 : rows;
    rows += record.rows;
    return before;
  });
}

/** Writes `rejects.csv`: the chunks' rejects, in order, by their rows in the whole. Twice gives the same. */
export async function writeRejects(
  blobs: JobBlobs,
  job: Job,
  records: readonly ChunkRecord[],
  signal: AbortSignal,
): Promise<void> {
  const path = rejectsPath(job.id);
  const before = rowsBefore(job, records);
  const ids: string[] = [];
  let pending = REJECTS_HEADER;
  const flush = async () => {
    const id = Buffer.from(`rejects-${String(ids.length).padStart(6, '0')}`).toString('base64');
    await blobs.stage(path, id, Buffer.from(pending), signal);
    ids.push(id);
    pending = '';
  };
  for (const [place, record] of records.entries()) {
    if (record.rejects === null) continue;
    // Two who finish at once clean up behind each other.
    const lines = await blobs.readText(record.rejects, signal, Number.MAX_SAFE_INTEGER).catch(thrown => {
      if (thrown instanceof BlobGone) throw new BlobGone(`${record.rejects}: the job is finished by now`);
      throw thrown;
    });
    for (const line of lines.text.split('\n')) {
      if (line === '') continue;
      const reject = JSON.parse(line) as Reject;
      pending += rejectLines([{ ...reject, row: reject.row + (before[place] as number) }]);
      if (pending.length > BLOCK_BYTES) await flush();
    }
  }
  if (pending !== '' || ids.length === 0) await flush();
  await blobs.commit(path, ids, { contentType: 'text/csv; charset=utf-8', metadata: { job: job.id } }, 'any', signal);
}

/** The first ten rows that were rejected, by their numbers in the whole. */
export function firstRejects(job: Job, records: readonly ChunkRecord[]): readonly Reject[] {
  const before = rowsBefore(job, records);
  return records
    .flatMap(({ first_rejects }, place) =>
      first_rejects.map(reject => ({ ...reject, row: reject.row + (before[place] as number) })),
    )
    .slice(0, 10);
}

/** The lines of `rejects.csv` as values. */
export function readRejects(csv: string): readonly Reject[] {
  return [...csv.slice(REJECTS_HEADER.length).matchAll(LINE)].map(
    ([, row, offset, code = '', message = '', raw = '']) => ({
      ...{ row: Number(row), offset: Number(offset), code },
      ...{ message: unquoted(message), raw: unquoted(raw) },
    }),
  );
}

const LINE = /(\d+),(\d+),([^,\n]*),("(?:[^"]|"")*"|[^,\n]*),("(?:[^"]|"")*"|[^,\n]*)\n/g;

const unquoted = (text: string) => (text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text);
