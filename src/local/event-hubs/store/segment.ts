import { closeSync, fstatSync, openSync, readdirSync, readSync, truncateSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { BATCH_HEADER_BYTES, type BatchHeader, isIntact, lastEventStart, readBatchHeader } from './batch-format.ts';

/**
 * One file of a partition's log. Its name says where it begins: the log position (bytes since the partition began) and
 * the sequence number of its first event; both go on from one segment to the next without a gap.
 */
export interface Segment {
  readonly path: string;
  readonly position: number;
  readonly sequence: number;
  /** Bytes of whole batches. */
  bytes: number;
  /** Enqueued time of its first batch; undefined while it is empty. */
  firstTimeMs: number | undefined;
}

/** A batch found while walking a segment; `position` is where its header stands in the log. */
export interface BatchAt {
  readonly header: BatchHeader;
  readonly position: number;
}

const NAME = /^(\d{16})-(\d{16})\.log$/;
const WALK_BYTES = 64 * 1024;
/** No sender gets more than 1 MiB in, and annotations add at most about 140 bytes to each event: anything larger is not ours. */
const MAX_BATCH_BYTES = 64 * 1024 * 1024;

export function segmentPath(folder: string, position: number, sequence: number): string {
  return join(folder, `${String(position).padStart(16, '0')}-${String(sequence).padStart(16, '0')}.log`);
}

/** The segments of a folder, oldest first. */
export function listSegments(folder: string): Segment[] {
  const segments = readdirSync(folder).flatMap(name => {
    const match = NAME.exec(name);
    if (!match) return [];
    const path = join(folder, name);
    return [withFile(path, 'r', fd => describe(path, Number(match[1]), Number(match[2]), fd))];
  });
  return segments.sort((a, b) => a.position - b.position);
}

function describe(path: string, position: number, sequence: number, fd: number): Segment {
  const header = readHeader(fd, 0);
  return { path, position, sequence, bytes: fstatSync(fd).size, firstTimeMs: header?.timeMs };
}

function readHeader(fd: number, at: number): BatchHeader | undefined {
  const bytes = Buffer.alloc(BATCH_HEADER_BYTES);
  return readSync(fd, bytes, 0, bytes.length, at) === bytes.length ? readBatchHeader(bytes, 0) : undefined;
}

/** The batches of a segment by their headers alone, without reading events: for finding a place to start at. */
export function* walkBatches(segment: Segment): Generator<BatchAt> {
  const fd = openSync(segment.path, 'r');
  try {
    let window = Buffer.alloc(0);
    let windowAt = 0;
    for (let at = 0; at < segment.bytes; ) {
      let header = readBatchHeader(window, at - windowAt);
      if (!header) {
        window = Buffer.allocUnsafe(Math.min(WALK_BYTES, segment.bytes - at));
        window = window.subarray(0, readSync(fd, window, 0, window.length, at));
        windowAt = at;
        header = readBatchHeader(window, 0);
        if (!header) throw new Error(`${segment.path} is damaged at byte ${at}`);
      }
      yield { header, position: segment.position + at };
      at += BATCH_HEADER_BYTES + header.bodyBytes;
    }
  } finally {
    closeSync(fd);
  }
}

/**
 * Checks every batch of a segment against its checksum; `visit` gets each with the log position of its last event.
 * @returns the bytes of whole batches from the segment's beginning on.
 */
export function checkSegment(segment: Segment, visit: (batch: BatchAt & { lastEvent: number }) => void): number {
  return withFile(segment.path, 'r', fd => {
    for (let at = 0; ; ) {
      const header = readHeader(fd, at);
      if (!header || header.bodyBytes > MAX_BATCH_BYTES) return at;
      const batch = Buffer.allocUnsafe(BATCH_HEADER_BYTES + header.bodyBytes);
      if (readSync(fd, batch, 0, batch.length, at) < batch.length || !isIntact(batch)) return at;
      const position = segment.position + at;
      visit({ header, position, lastEvent: position + lastEventStart(batch, header.count) });
      at += batch.length;
    }
  });
}

/** Cuts a segment's file behind its first `bytes`. */
export function cutSegment(segment: Segment, bytes: number): void {
  truncateSync(segment.path, bytes);
  segment.bytes = bytes;
  if (bytes === 0) segment.firstTimeMs = undefined;
}

export function removeSegment(segment: Segment): void {
  unlinkSync(segment.path);
}

function withFile<T>(path: string, flags: string, use: (fd: number) => T): T {
  const fd = openSync(path, flags);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}
