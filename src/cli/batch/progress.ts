import type { Writable } from 'node:stream';
import type { Progress } from '../../batch/local/score-files.ts';

export interface ProgressLine {
  show(progress: Progress): void;
  /** The line goes. Idempotent. */
  end(): void;
}

const EVERY_MS = 200;
/** Where no terminal is, a line stays. */
const EVERY_LINE_MS = 10_000;

/** How far it is, how fast, and when it will be done. */
export function createProgress(
  stream: Writable & { readonly isTTY?: boolean },
  clock: () => number = () => performance.now(),
): ProgressLine {
  const begin = clock();
  const every = stream.isTTY ? EVERY_MS : EVERY_LINE_MS;
  let last = begin;
  let shown = false;
  return {
    show({ rows, done }) {
      const now = clock();
      if (now - last < every) return;
      last = now;
      const seconds = (now - begin) / 1000;
      const left = done > 0 ? (seconds / done) * (1 - done) : 0;
      const text = `${rows} rows, ${Math.round(rows / seconds)}/s, ${Math.floor(done * 100)} %, ${Math.ceil(left)} s left`;
      stream.write(stream.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
      shown = true;
    },
    end() {
      if (shown && stream.isTTY) stream.write('\r\x1b[K');
      shown = false;
    },
  };
}
