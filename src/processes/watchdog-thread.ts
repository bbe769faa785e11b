import { parentPort, workerData } from 'node:worker_threads';
import { EXCEEDED_SIGNAL } from './protocol.ts';
import type { Watched } from './watchdog.ts';

/** Memory can grow by some gigabytes a second. */
const LOOK_MS = 10;
const IDLE_LOOK_MS = 1_000;

const { watched, parent } = workerData as { readonly watched: Watched; readonly parent: number };
const { limit, awake } = watched;

parentPort?.postMessage('ready');
// Nobody is left to kill this process but itself; the signals need no answer of the main thread.
for (;;) {
  const busy = Atomics.load(awake, 0) === 1;
  if (busy) Atomics.wait(awake, 0, 1, LOOK_MS);
  else Atomics.wait(awake, 0, 0, IDLE_LOOK_MS);
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
  if (process.memoryUsage.rss() > (limit[0] as number)) process.kill(process.pid, EXCEEDED_SIGNAL);
}
