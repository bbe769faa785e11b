import type { Job } from './job.ts';
import type { RecordEntry } from './records.ts';

export interface Repair {
  readonly chunk: number;
  readonly generation: number;
  /** Where its first row begins, by the chunk before it. */
  readonly start: number;
}

/**
 * Holds the records of all chunks against each other: a chunk begins where the one before it ended, the first at the file's first row, and the last ends with the file. An unbroken
 * chain proves that every row was split as a reader from the start would split it: the first chunk begins rightly, and so does each that begins where a right one ended.
 * @returns chunks to be done again, empty where it is unbroken
 */
export function brokenLinks(job: Pick<Job, 'input'>, records: ReadonlyMap<number, RecordEntry>): readonly Repair[] {
  const repairs: Repair[] = [];
  for (const { from, to, first_chunk, chunks } of job.input) {
    let expected = from;
    for (let chunk = first_chunk; chunk < first_chunk + chunks; chunk++) {
      const record = records.get(chunk);
      if (!record) throw new Error(`chunk ${chunk} has no record`);
      if (record.start !== expected) repairs.push({ chunk, generation: record.generation + 1, start: expected });
      expected = record.end;
    }
    const last = first_chunk + chunks - 1;
    // It read to the end of the file, so if it began rightly it ended there.
    if (expected !== to && repairs.at(-1)?.chunk !== last) {
      throw new Error(`chunk ${last} ends at ${expected} and not at the input's end, ${to}`);
    }
  }
  return repairs;
}
