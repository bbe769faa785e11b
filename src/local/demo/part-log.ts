import { closeSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const MOST_BYTES = 16 * 1024 * 1024;
const REMEMBERED_LINES = 12;

/** The log file of one part of the stack: begun anew at each start, moved to `<file>.1` when it is full. */
export interface PartLog {
  readonly file: string;
  write(text: string): void;
  /** The last few lines, for the message that says why the part ended. */
  tail(): string[];
  close(): void;
}

export function openPartLog(file: string, mostBytes = MOST_BYTES): PartLog {
  mkdirSync(dirname(file), { recursive: true });
  let descriptor = openSync(file, 'w');
  let bytes = 0;
  let last: string[] = [];
  return {
    file,
    write(text) {
      if (bytes > mostBytes) {
        closeSync(descriptor);
        renameSync(file, `${file}.1`);
        descriptor = openSync(file, 'w');
        bytes = 0;
      }
      bytes += writeSync(descriptor, text);
      const lines = text.split('\n').filter(line => line.trim() !== '');
      last = [...last, ...lines.slice(-REMEMBERED_LINES)].slice(-REMEMBERED_LINES);
    },
    tail: () => last,
    close: () => closeSync(descriptor),
  };
}
