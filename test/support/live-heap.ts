import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes that are still held after a full collection, in the heap and in buffers. */
async function liveBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await turn(); // what waits for a turn is let go
    collect();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Megabytes more than before that are held after the work was done so many times, once it is warm. */
export async function growth(times: number, work: () => Promise<unknown>): Promise<number> {
  for (let i = 0; i < 1000; i++) await work();
  const before = await liveBytes();
  for (let i = 0; i < times; i++) await work();
  return ((await liveBytes()) - before) / 1e6;
}
