import { randomUUID } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { asError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { isDead, parseProcessName, textOf, thisProcess } from '../processes/process-name.ts';
import { type Mark, NOTHING, RECORD_BYTES, readRecords, writeRecord } from './mark-record.ts';

/** What one partition, or HTTP, is at. Costs nothing most of the time. */
export interface Slot {
  /** Events with these numbers are about to be scored: from here on a death is known to have come meanwhile. */
  enter(first: number, last: number): void;
  leave(): void;
}

/** What this process is at, in a file that outlives it, though not the machine. */
export interface Marks {
  /** What processes before this one were at when they died. */
  readonly found: readonly Mark[];
  /** Of a partition; undefined: of HTTP. One at a time for a partition. */
  slot(partition: string | undefined): Slot;
  /** Everything found has been dealt with: the next process need not know of it. */
  forget(): void;
  /** Leaves nothing behind. */
  close(): void;
}

/** A mark covers what follows, too, so that not every batch costs a write: the ledger knows where in it the work stands. */
const BATCHES_A_MARK = 16;
/** After work of a slot ends its mark stays for as long, since more is likely to come. */
const SWEEP_MS = 200;
/** Files of other machines that share the folder. */
const STALE_MS = 7 * 86_400_000;

/**
 * Opens the marks of this process in a folder that others may use too, and takes over those of processes that died: each falls to one process. Where the folder cannot
 * be used there are none, which is said.
 */
export function openMarks(folder: string, log: Log, sweepMs = SWEEP_MS): Marks {
  const mine = textOf(thisProcess());
  const newPath = () => join(folder, `${mine}-${randomUUID()}.marks`);
  const own = newPath();
  const taken: string[] = [];
  const found: Mark[] = [];
  let fd: number | undefined;
  try {
    mkdirSync(folder, { recursive: true });
    fd = openSync(own, 'wx');
    for (const name of readdirSync(folder)) found.push(...takeOver(folder, name, newPath, taken));
  } catch (thrown) {
    log.warn(
      `${folder}: ${asError(thrown).message}; what is in flight is not marked, so that a death says nothing of it`,
    );
  }

  const write = (bytes: Buffer, at: number): void => {
    if (fd === undefined) return;
    try {
      writeSync(fd, bytes, 0, RECORD_BYTES, at * RECORD_BYTES);
    } catch (thrown) {
      log.warn(`${folder}: ${asError(thrown).message}; what is in flight is not marked any more`);
      closeSync(fd);
      fd = undefined;
    }
  };
  const slots = new Map<string | undefined, MarkSlot>();
  let timer: NodeJS.Timeout | undefined;
  const sweep = () => {
    let marked = false;
    for (const slot of slots.values()) marked = slot.sweep() || marked;
    if (marked) return;
    clearInterval(timer);
    timer = undefined;
  };
  const watch = () => {
    timer ??= setInterval(sweep, sweepMs).unref();
  };
  const forget = () => {
    for (const path of taken.splice(0)) remove(path);
  };

  return {
    found,
    slot(partition) {
      let slot = slots.get(partition);
      if (slot === undefined) {
        const at = slots.size;
        slot = new MarkSlot(partition, bytes => write(bytes, at), watch);
        slots.set(partition, slot);
      }
      return slot;
    },
    forget,
    close() {
      clearInterval(timer);
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
      remove(own);
      forget();
    },
  };
}

class MarkSlot implements Slot {
  readonly #partition: string | undefined;
  readonly #write: (bytes: Buffer) => void;
  readonly #watch: () => void;
  readonly #record = Buffer.alloc(RECORD_BYTES);
  #first = 0;
  #last = -1;
  #size = 0;
  #inside = 0;
  #used = false;
  #marked = false;

  constructor(partition: string | undefined, write: (bytes: Buffer) => void, watch: () => void) {
    this.#partition = partition;
    this.#write = write;
    this.#watch = watch;
  }

  enter(first: number, last: number): void {
    this.#inside++;
    this.#used = true;
    const size = last - first + 1;
    if (this.#marked && first >= this.#first && last <= this.#last && size <= this.#size) return;
    this.#first = first;
    this.#size = size;
    this.#last = first + size * BATCHES_A_MARK - 1;
    this.#marked = true;
    writeRecord({ partition: this.#partition, first, last: this.#last, size }, this.#record);
    this.#write(this.#record);
    this.#watch();
  }

  leave(): void {
    this.#inside--;
  }

  /** Takes the mark off where nothing has come lately; whether there still is one. */
  sweep(): boolean {
    if (this.#marked && this.#inside === 0 && !this.#used) {
      this.#marked = false;
      this.#write(NOTHING);
    }
    this.#used = false;
    return this.#marked;
  }
}

/** What a file says that a dead process left, which is this one's from now on; nothing where it is none, or another took it first. */
function takeOver(folder: string, name: string, newPath: () => string, takenPaths: string[]): Mark[] {
  const owner = parseProcessName(name);
  if (owner === undefined) return [];
  const path = join(folder, name);
  if (owner.machine !== thisProcess().machine) {
    if (Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > STALE_MS) remove(path);
    return [];
  }
  if (!isDead(owner)) return [];
  const taken = newPath();
  try {
    renameSync(path, taken);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw thrown;
  }
  const marks = readRecords(readFileSync(taken));
  if (marks.length > 0) takenPaths.push(taken);
  else remove(taken);
  return marks;
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // where it cannot be removed it could not be written either
  }
}
