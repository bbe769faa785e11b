import { z } from 'zod';
import type { JobBlobs } from '../../core/job-storage.ts';
import type { RecordEntry } from './records.ts';

/*
 * Where rows have numbers in the output, a chunk must know the number of its first row, which is known once all chunks before it are counted. So such a job goes over its chunks twice:
 * they are counted, which is cheap, and scored then, each from where the count says that it begins.
 */

const numberingSchema = z.array(z.object({ start: z.number(), row: z.number() }));

const numberingPath = (id: string) => `jobs/${id}/counts/numbering.json`;

/** By chunk, in order: where it begins and the number of its first row. Twice gives the same. */
export async function writeNumbering(
  blobs: JobBlobs,
  id: string,
  counted: readonly RecordEntry[],
  signal: AbortSignal,
): Promise<void> {
  let row = 1;
  const numbering = counted.map(({ start, rows }) => {
    const first = row;
    row += rows;
    return { start, row: first };
  });
  await blobs.writeText(numberingPath(id), JSON.stringify(numbering), 'any', signal);
}

export async function readNumbering(
  blobs: JobBlobs,
  id: string,
  chunk: number,
  signal: AbortSignal,
): Promise<{ readonly start: number; readonly row: number }> {
  const { text } = await blobs.readText(numberingPath(id), signal);
  const found = numberingSchema.parse(JSON.parse(text))[chunk];
  if (!found) throw new Error(`chunk ${chunk} was not counted`);
  return found;
}
