/** Loaded into every process of a soak (`NODE_OPTIONS=--import`): says every few seconds what it holds. */
import { appendFileSync } from 'node:fs';
import { basename } from 'node:path';
import { getHeapSpaceStatistics } from 'node:v8';
import { isMainThread } from 'node:worker_threads';

/** What a process held at a moment; bytes. */
export interface Sample {
  readonly pid: number;
  /** The file that it runs. */
  readonly file: string;
  readonly atMs: number;
  readonly resident: number;
  /** Of it, objects of JavaScript, garbage among them. */
  readonly heapUsed: number;
  readonly heapTotal: number;
  /** Of the heap, the young generation: it grows to its bound as objects come and go. */
  readonly young: number;
  /** Buffers and what native code tells of. */
  readonly external: number;
}

/** Between two samples of a process. */
export const EVERY_MS = 5_000;

const { SOAK_SAMPLES } = process.env;
if (SOAK_SAMPLES !== undefined && isMainThread) setInterval(() => take(SOAK_SAMPLES), EVERY_MS).unref();

function take(file: string): void {
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
  const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.physical_space_size ?? 0;
  const sample: Sample = {
    ...{ pid: process.pid, file: basename(process.argv[1] ?? ''), atMs: Date.now() },
    ...{ resident: rss, heapUsed, heapTotal, young, external },
  };
  appendFileSync(file, `${JSON.stringify(sample)}\n`);
}
