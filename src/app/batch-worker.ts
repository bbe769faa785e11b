import { setPriority } from 'node:os';
import type { ChunkScorer } from '../batch/jobs/work.ts';
import { BatchRefusal } from '../batch/problems.ts';
import { BlobGone } from '../core/blobs.ts';
import type { Log } from '../core/log.ts';
import { onceAborted } from '../core/waiting.ts';
import { type Child, startChild } from '../processes/child.ts';
import type { BatchAsked, BatchGiven } from './batch-protocol.ts';

export interface BatchWorkerOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A chunk that takes longer is ended. */
  readonly timeMs: number;
  /** A chunk that makes its process grow by more is ended. */
  readonly growBytes: number;
  readonly log: Log;
}

/** The stream's process goes before: the kernel gives this one what is left. */
const PRIORITY = 10;
const IDLE_MS = 60_000;

/** Scores chunks in a process of its own, which is started when it is needed and ends where it has nothing to do. */
export function createBatchWorker({ environment, timeMs, growBytes, log }: BatchWorkerOptions): ChunkScorer & {
  close(): Promise<void>;
} {
  const script = new URL(
    import.meta.url.endsWith('.ts') ? './batch-process.ts' : './batch-process.js',
    import.meta.url,
  );
  let child: Child<BatchAsked, BatchGiven> | undefined;
  let idle: NodeJS.Timeout | undefined;

  function take(): Child<BatchAsked, BatchGiven> {
    clearTimeout(idle);
    if (child?.alive) return child;
    const started = startChild<BatchAsked, BatchGiven>({ script, name: 'the batch process', environment });
    child = started;
    try {
      if (started.pid !== undefined) setPriority(started.pid, PRIORITY);
    } catch (thrown) {
      log.warn(`the batch process runs at the stream's priority: ${thrown}`);
    }
    return started;
  }

  function rest(): void {
    clearTimeout(idle);
    if (child?.pending !== 0) return;
    const resting = child;
    idle = setTimeout(() => void resting.end(), IDLE_MS).unref();
  }

  return {
    async score(job, message, signal) {
      signal.throwIfAborted();
      const worker = take();
      const leave = onceAborted(signal, worker.kill);
      try {
        const given = await worker.ask({ kind: 'score', job, message }, { timeMs, growBytes });
        if (given.kind === 'scored') return given.record;
        if (given.kind === 'gone') throw new BlobGone(given.message);
        throw new BatchRefusal(given.kind === 'refused' ? given.message : 'the batch process gave no record');
      } finally {
        leave();
        rest();
      }
    },
    async close() {
      clearTimeout(idle);
      child?.kill();
      await child?.ended;
    },
  };
}
