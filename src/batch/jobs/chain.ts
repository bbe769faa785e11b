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

/**
 * Where chunks begin, by the quotes of those before them: an odd number of quotes up to a chunk means that it begins inside a text. Of a record `start` is where its first row begins if it does not,
 * `end` if it does, both the file's end where it has no row, and `rows` the number of its quotes modulo 2.
 * @returns by chunk
 */
export function startsByQuotes(
  job: Pick<Job, 'input'>,
  counted: ReadonlyMap<number, Pick<RecordEntry, 'start' | 'end' | 'rows'>>,
): ReadonlyMap<number, number> {
  const starts = new Map<number, number>();
  for (const { from, to, first_chunk, chunks } of job.input) {
    let inside = false;
    for (let chunk = first_chunk; chunk < first_chunk + chunks; chunk++) {
      const { start, end, rows } = counted.get(chunk)!;
      starts.set(chunk, chunk === first_chunk ? from : inside ? end : start);
      if (rows % 2 === 1) inside = !inside;
    }
    // A chunk in which no row begins has its place at the next one that does.
    let next = to;
    for (let chunk = first_chunk + chunks - 1; chunk > first_chunk; chunk--) {
      next = Math.min(next, starts.get(chunk)!);
      starts.set(chunk, next);
    }
  }
  return starts;
}

/** Chunks that began elsewhere. */
export function wrongStarts(
  { chunks }: Pick<Job, 'chunks'>,
  records: ReadonlyMap<number, RecordEntry>,
  starts: ReadonlyMap<number, number>,
): readonly Repair[] {
  const repairs: Repair[] = [];
  for (let chunk = 0; chunk < chunks; chunk++) {
    const record = records.get(chunk)!;
    const start = starts.get(chunk)!;
    if (record.start !== start) repairs.push({ chunk, generation: record.generation + 1, start });
  }
  return repairs;
}
