import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BATCH_HEADER_BYTES,
  BATCH_MARK,
  EVENT_HEADER_BYTES,
  type ProducerMark,
} from '../../../../src/local/event-hubs/store/batch-format.ts';
import { type LogOptions, PartitionLog } from '../../../../src/local/event-hubs/store/partition-log.ts';
import { WriteBuffer } from '../../../../src/local/event-hubs/store/write-buffer.ts';

export interface StoredEvent {
  readonly text: string;
  readonly sequence: number;
  readonly position: number;
  readonly timeMs: number;
}

/** A folder of its own, which `using` removes again. */
export function aFolder(): { readonly path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'hubscore-log-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export function openLog(folder: string, options: Partial<LogOptions> = {}): PartitionLog {
  return new PartitionLog({
    folder,
    segmentBytes: 1024 * 1024,
    fsync: false,
    clock: () => 1000,
    warn: message => {
      throw new Error(`unexpected: ${message}`);
    },
    ...options,
    writeBuffer: new WriteBuffer(),
  });
}

/** Appends one batch of texts as messages and flushes; returns the error it was acknowledged with, if any. */
export function append(log: PartitionLog, texts: string[], producer?: ProducerMark): Error | undefined {
  let failure: Error | undefined | 'unacknowledged' = 'unacknowledged';
  const bytes = texts.map(text => Buffer.from(text));
  log.append(
    {
      count: bytes.length,
      maxBytes: bytes.reduce((sum, message) => sum + EVENT_HEADER_BYTES + message.length, 0),
      ...(producer ? { producer } : {}),
      encode(slab, from) {
        let at = from;
        for (const message of bytes) {
          slab.writeUInt32BE(message.length, at);
          slab.writeUInt16BE(0, at + 4);
          at += EVENT_HEADER_BYTES;
          at += message.copy(slab, at);
        }
        return at;
      },
    },
    error => {
      failure = error;
    },
  );
  log.flush();
  if (failure === 'unacknowledged') throw new Error('flush did not acknowledge');
  return failure;
}

/** Everything a log holds from `from` on, read as a receiver reads it. */
export function readAll(log: PartitionLog, from = log.firstPosition): StoredEvent[] {
  const events: StoredEvent[] = [];
  let sequence = -1;
  let timeMs = -1;
  for (let position = from; position < log.endPosition; ) {
    const bytes = log.read(position, 10_000_000) as Buffer;
    for (let at = 0; at < bytes.length; ) {
      if (bytes[at] === BATCH_MARK) {
        sequence = Number(bytes.readBigUInt64BE(at + 16));
        timeMs = Number(bytes.readBigUInt64BE(at + 24));
        at += BATCH_HEADER_BYTES;
        continue;
      }
      const end = at + EVENT_HEADER_BYTES + bytes.readUInt32BE(at);
      events.push({
        text: bytes.toString('utf8', at + EVENT_HEADER_BYTES, end),
        sequence: sequence++,
        position: position + at,
        timeMs,
      });
      at = end;
    }
    position += bytes.length;
  }
  return events;
}
