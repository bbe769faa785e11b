import { closeSync, fdatasyncSync, ftruncateSync, mkdirSync, openSync, readSync, writevSync } from 'node:fs';
import {
  BATCH_HEADER_BYTES,
  batchTimeMs,
  lastEventStart,
  NO_PRODUCER,
  type ProducerMark,
  sealBatch,
} from './batch-format.ts';
import { type End, recoverLog } from './recover-log.ts';
import { listSegments, removeSegment, type Segment, segmentPath } from './segment.ts';
import type { WriteBuffer } from './write-buffer.ts';

/** Idempotent producers that a partition remembers; the longest silent is forgotten first. */
const MAX_PRODUCERS = 1000;

export interface LogOptions {
  readonly folder: string;
  /** A segment that has grown past this is closed and the next one begun. */
  readonly segmentBytes: number;
  /** fdatasync before a send is acknowledged. */
  readonly fsync: boolean;
  readonly writeBuffer: WriteBuffer;
  readonly clock: () => number;
  /** What an operator should know: a torn tail cut off, events dropped. */
  readonly warn: (message: string) => void;
}

/** What is to be appended: `encode` writes `count` events from byte `at` of `slab` on and returns where they end. */
export interface Batch {
  readonly count: number;
  /** Upper bound of what `encode` writes, in bytes. */
  readonly maxBytes: number;
  readonly producer?: ProducerMark;
  /** `position` is the log position of byte 0 of `slab`. */
  encode(slab: Buffer, at: number, sequence: number, position: number, timeMs: number): number;
}

interface Pending {
  readonly slab: Buffer;
  readonly producer: ProducerMark | undefined;
  readonly done: (error?: Error) => void;
}

/**
 * The append-only log of one partition, in segment files. Batches appended in one turn of the event loop are written with
 * one write(2) by `flush`, and only then acknowledged: what was acknowledged is in the page cache and survives SIGKILL.
 * Positions are bytes since the partition began and serve as the service's offsets.
 */
export class PartitionLog {
  #segments: Segment[];
  #fd: number;
  #end: End;
  #flushed: End;
  #pending: Pending[] = [];
  readonly #options: LogOptions;
  /** Set where a failed write could not be undone. */
  #broken: Error | undefined;
  readonly #producers = new Map<number, ProducerMark>();

  constructor(options: LogOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true });
    this.#segments = listSegments(options.folder);
    this.#end = recoverLog(this.#segments, options.folder, options.warn, producer => this.#remember(producer));
    this.#flushed = this.#end;
    if (this.#segments.length === 0) this.#segments.push(this.#newSegment());
    this.#fd = openSync(this.#last().path, 'a+');
  }

  /** Sequence number of the oldest event kept; equal to `nextSequence` where none is. */
  get firstSequence(): number {
    return (this.#segments[0] as Segment).sequence;
  }
  get nextSequence(): number {
    return this.#flushed.sequence;
  }
  get firstPosition(): number {
    return (this.#segments[0] as Segment).position;
  }
  /** Where the next batch will begin; everything before it is written. */
  get endPosition(): number {
    return this.#flushed.position;
  }
  get lastEventPosition(): number {
    return this.#flushed.lastEvent;
  }
  get lastTimeMs(): number {
    return this.#flushed.timeMs;
  }
  get segments(): readonly Segment[] {
    return this.#segments;
  }
  get isDirty(): boolean {
    return this.#pending.length > 0;
  }

  /** What an idempotent producer got in last, as far as the newest segments remember. */
  producer(id: number): ProducerMark | undefined {
    return this.#pending.findLast(({ producer }) => producer?.id === id)?.producer ?? this.#producers.get(id);
  }

  /** Takes a batch in; `done` is called by `flush`, with an error where the write failed and nothing of it is kept. */
  append(batch: Batch, done: (error?: Error) => void): void {
    const timeMs = Math.max(this.#options.clock(), this.#end.timeMs);
    const { position, sequence } = this.#end;
    const slab = this.#options.writeBuffer.fill(BATCH_HEADER_BYTES + batch.maxBytes, room =>
      batch.encode(room, BATCH_HEADER_BYTES, sequence, position, timeMs),
    );
    sealBatch(slab, batch.count, sequence, timeMs, batch.producer ?? NO_PRODUCER);
    const lastEvent = position + lastEventStart(slab, batch.count);
    this.#end = { position: position + slab.length, sequence: sequence + batch.count, timeMs, lastEvent };
    this.#pending.push({ slab, producer: batch.producer, done });
  }

  /** Writes what was appended since the last call and acknowledges it. */
  flush(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    let failure: Error | undefined;
    try {
      this.#write(pending.map(({ slab }) => slab));
    } catch (error) {
      failure = error as Error;
    }
    for (const { producer, done } of pending) {
      if (producer && !failure) this.#remember(producer);
      done(failure);
    }
    if (!failure && this.#last().bytes >= this.#options.segmentBytes) this.#roll();
  }

  #remember(producer: ProducerMark): void {
    this.#producers.delete(producer.id);
    this.#producers.set(producer.id, producer);
    if (this.#producers.size > MAX_PRODUCERS) this.#producers.delete(this.#producers.keys().next().value as number);
  }

  #write(slabs: Buffer[]): void {
    if (this.#broken) throw this.#broken;
    const segment = this.#last();
    const bytes = slabs.reduce((sum, slab) => sum + slab.length, 0);
    try {
      const written = writevSync(this.#fd, slabs);
      if (written < bytes)
        throw new Error(`only ${written} of ${bytes} bytes went into ${segment.path}: the disk is full`);
      if (this.#options.fsync) fdatasyncSync(this.#fd);
    } catch (error) {
      this.#end = this.#flushed;
      this.#cutTail(segment);
      throw error;
    }
    segment.firstTimeMs ??= batchTimeMs(slabs[0] as Buffer);
    segment.bytes += bytes;
    this.#flushed = this.#end;
  }

  /** Half a batch left on disk would be taken for a torn tail, together with all that is written behind it. */
  #cutTail(segment: Segment): void {
    try {
      ftruncateSync(this.#fd, segment.bytes);
    } catch (error) {
      this.#broken = new Error(`${segment.path} takes no more events until a restart`, { cause: error });
      this.#options.warn(`${this.#broken.message}: ${(error as Error).message}`);
    }
  }

  /**
   * Bytes from `position` on, at most `maxBytes` and never past the end of a segment. Starts with a batch header or an event,
   * as `position` does; the last batch or event may be incomplete. Undefined at the end of the log.
   */
  read(position: number, maxBytes: number): Buffer | undefined {
    if (position >= this.endPosition) return undefined;
    const segment = this.segmentAt(position);
    const length = Math.min(maxBytes, segment.position + segment.bytes - position);
    const bytes = Buffer.allocUnsafe(length);
    const fd = segment === this.#last() ? this.#fd : openSync(segment.path, 'r');
    try {
      const read = readSync(fd, bytes, 0, length, position - segment.position);
      if (read < length) throw new Error(`${segment.path} is shorter than it was when it was written`);
      return bytes;
    } finally {
      if (fd !== this.#fd) closeSync(fd);
    }
  }

  segmentAt(position: number): Segment {
    return this.#segments.findLast(segment => segment.position <= position) ?? (this.#segments[0] as Segment);
  }

  /** Drops whole segments: all whose events are older than `olderThanMs`, and the oldest while the log is larger than `maxBytes`. */
  retain(olderThanMs: number, maxBytes: number): void {
    const last = this.#last();
    if (last.firstTimeMs !== undefined && last.firstTimeMs < olderThanMs && !this.isDirty) this.#roll();
    let bytes = this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
    while (this.#segments.length > 1) {
      const [oldest, next] = this.#segments as [Segment, Segment];
      const expired = (next.firstTimeMs ?? this.#flushed.timeMs) < olderThanMs;
      if (!expired && bytes <= maxBytes) break;
      if (!expired)
        this.#options.warn(
          `dropped events ${oldest.sequence} to ${next.sequence - 1} of ${this.#options.folder}: the partition holds more than ${maxBytes} bytes`,
        );
      bytes -= oldest.bytes;
      this.#segments.shift();
      removeSegment(oldest);
    }
  }

  close(): void {
    this.flush();
    closeSync(this.#fd);
  }

  #last(): Segment {
    return this.#segments.at(-1) as Segment;
  }

  #newSegment(): Segment {
    const { position, sequence } = this.#end;
    const path = segmentPath(this.#options.folder, position, sequence);
    closeSync(openSync(path, 'a'));
    return { path, position, sequence, bytes: 0, firstTimeMs: undefined };
  }

  #roll(): void {
    try {
      const segment = this.#newSegment();
      const fd = openSync(segment.path, 'a+');
      closeSync(this.#fd);
      this.#segments.push(segment);
      this.#fd = fd;
    } catch (error) {
      // The old segment grows on; the next flush tries again.
      this.#options.warn(`cannot begin a new segment in ${this.#options.folder}: ${(error as Error).message}`);
    }
  }
}
