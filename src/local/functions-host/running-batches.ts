import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

/** A batch that a function with a retry policy is called with. */
export interface RunningBatch {
  /** First and last sequence number. */
  readonly first: number;
  readonly last: number;
  readonly retryCount: number;
}

const SLOT_BYTES = 512;

/**
 * Which batches are being worked at, in a file, since a worker may end at any moment. Where it does, the real host, a process of its own, calls the next worker
 * with the batch as a retry; here the next worker looks up what the last one was at.
 */
export class RunningBatches {
  readonly #file: number;
  readonly #slots = new Map<string, number>();
  /** What the last worker left behind, by function and partition. */
  readonly #left: Map<string, RunningBatch>;

  /** @param path of a file that is there, of the supervisor's */
  constructor(path: string) {
    this.#left = readSlots(readFileSync(path, 'utf8'));
    this.#file = openSync(path, 'w');
  }

  /** Notes a batch as begun; a few microseconds. */
  begin(key: string, batch: RunningBatch): void {
    this.#write(key, JSON.stringify([key, batch]));
  }

  /** Notes that its function has ended, whichever way. */
  end(key: string): void {
    this.#write(key, '');
  }

  /** The same events, cut where the batch at which the last worker ended begins and ends: its neighbours must not share its fate. */
  partsOf<T extends { readonly sequenceNumber: number }>(key: string, events: readonly T[]): (readonly T[])[] {
    const left = this.#left.get(key);
    if (left === undefined) return [events];
    const before = events.filter(({ sequenceNumber }) => sequenceNumber < left.first);
    const after = events.filter(({ sequenceNumber }) => sequenceNumber > left.last);
    const within = events.slice(before.length, events.length - after.length);
    return [before, within, after].filter(part => part.length > 0);
  }

  /** How often a batch was tried again before it ended the last worker; undefined where it did not. Those of a batch may be cut otherwise now: one event is enough. */
  triedBefore(key: string, first: number, last: number): number | undefined {
    const left = this.#left.get(key);
    if (left === undefined || last < left.first) return undefined;
    if (last >= left.last) this.#left.delete(key);
    return first <= left.last ? left.retryCount : undefined;
  }

  close(): void {
    closeSync(this.#file);
  }

  #write(key: string, text: string): void {
    const slot = this.#slots.get(key) ?? this.#slots.size;
    this.#slots.set(key, slot);
    writeSync(
      this.#file,
      text
        .padEnd(SLOT_BYTES - 1)
        .slice(0, SLOT_BYTES - 1)
        .concat('\n'),
      slot * SLOT_BYTES,
    );
  }
}

function readSlots(text: string): Map<string, RunningBatch> {
  const lines = text.split('\n').filter(line => line.trim() !== '');
  return new Map(lines.map(line => JSON.parse(line) as [string, RunningBatch]));
}
