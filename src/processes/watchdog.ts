import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** Watches over this process from a thread of its own, which native code that never returns does not stop. */
export interface Watchdog {
  /** It watches from now on. */
  readonly ready: Promise<unknown>;
  /** Work begins, by which the process may grow that much. */
  begin(growBytes: number | undefined): void;
  /** It is done. */
  rest(): void;
}

/** What the thread shares with the process: its limit in bytes, and a word to wake it by. */
export interface Watched {
  readonly limit: Float64Array;
  readonly awake: Int32Array;
}

export function startWatchdog(): Watchdog {
  const watched: Watched = {
    limit: new Float64Array(new SharedArrayBuffer(8)).fill(Number.POSITIVE_INFINITY),
    awake: new Int32Array(new SharedArrayBuffer(4)),
  };
  const url = new URL(
    import.meta.url.endsWith('.ts') ? './watchdog-thread.ts' : './watchdog-thread.js',
    import.meta.url,
  );
  const thread = new Worker(url, {
    name: 'hubscore-watchdog',
    workerData: { watched, parent: process.ppid },
  });
  const ready = once(thread, 'message').then(() => thread.unref());
  return {
    ready,
    begin(growBytes) {
      watched.limit[0] = growBytes === undefined ? Number.POSITIVE_INFINITY : process.memoryUsage.rss() + growBytes;
      Atomics.store(watched.awake, 0, 1);
      Atomics.notify(watched.awake, 0);
    },
    rest() {
      watched.limit[0] = Number.POSITIVE_INFINITY;
      Atomics.store(watched.awake, 0, 0);
    },
  };
}
