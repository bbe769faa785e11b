import type { StoredEvent } from '../core/hub-reader.ts';

/** How far a requests partition is settled, as the tails of its results and dead letters tell it. */
export interface Standing {
  /**
   * Which life of the requests partition the sequence numbers belong to: the time its hub was made. A hub made anew starts
   * its numbers again, so that marks of the one before say nothing.
   */
  readonly log: number;
  /** Every event up to and including this sequence number has its endings; -1 where none has. */
  readonly settledThrough: number;
  /** Endings that are there already of events past the mark, by message id: what a process left that died amid a batch. */
  readonly ended: ReadonlyMap<string, number>;
}

/** What one event at the tail of results or dead letters tells. */
export interface TailEntry {
  readonly resultId: string;
  readonly log: number;
  readonly sequenceNumber: number;
  readonly settledThrough: number;
}

/** Undefined where the event is no ending of this requests partition. */
export function readTailEntry(event: StoredEvent, requestsHub: string, partition: string): TailEntry | undefined {
  if (!event.messageId?.startsWith(`${requestsHub}/${partition}/`)) return undefined;
  const { source_sequence_number, settled_through, source_log } = event.properties;
  const sequenceNumber = Number(source_sequence_number ?? Number.NaN);
  const settledThrough = Number(settled_through ?? Number.NaN);
  if (!Number.isSafeInteger(sequenceNumber) || !Number.isSafeInteger(settledThrough)) return undefined;
  return { resultId: event.messageId, sequenceNumber, settledThrough, log: Number(source_log ?? 0) };
}

/** The mark and what is known past it, or undefined where no entry is of this life of the requests partition. */
export function standingOf(entries: readonly TailEntry[], log: number): Standing | undefined {
  const current = entries.filter(entry => entry.log === log);
  if (current.length === 0) return undefined;
  // The highest, not the last: an instance that lost the partition may have appended late, with an older mark.
  const settledThrough = current.reduce((mark, entry) => Math.max(mark, entry.settledThrough), -1);
  return advance(
    { log, settledThrough, ended: new Map(current.map(entry => [entry.resultId, entry.sequenceNumber])) },
    settledThrough,
  );
}

/** Whether entries read backwards from a tail reach far enough: whatever lies before them says nothing past the mark. */
export function reachesMark(entries: readonly TailEntry[], standing: Standing | undefined): boolean {
  const oldest = entries[0];
  if (!oldest) return false;
  return !standing || oldest.log < standing.log || oldest.sequenceNumber <= standing.settledThrough;
}

/** The same with a higher mark; endings at or below it need not be remembered any longer. */
export function advance(standing: Standing, settledThrough: number): Standing {
  if (standing.ended.size === 0) return { ...standing, settledThrough };
  const ended = new Map([...standing.ended].filter(([, sequenceNumber]) => sequenceNumber > settledThrough));
  return { ...standing, settledThrough, ended };
}

/** Two true statements about the same log together; of different logs, the newer one alone. */
export function merge(known: Standing, found: Standing): Standing {
  if (known.log !== found.log) return known.log > found.log ? known : found;
  const ended = new Map([...known.ended, ...found.ended]);
  return advance({ log: known.log, settledThrough: -1, ended }, Math.max(known.settledThrough, found.settledThrough));
}
