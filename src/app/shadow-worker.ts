import { setPriority } from 'node:os';
import type { Log } from '../core/log.ts';
import { type Child, startChild } from '../processes/child.ts';
import type { ShadowAsked, ShadowGiven } from './shadow-protocol.ts';

export interface ShadowWorkerOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What takes longer is ended. */
  readonly timeMs: number;
  /** A process that grows by more is ended. */
  readonly growBytes: number;
  readonly log: Log;
}

/** The stream's process goes before: the kernel gives this one what is left. */
const PRIORITY = 5;
const IDLE_MS = 60_000;

/** Pairs in a process of its own, which is started when a document names a shadow, and ends once none does. */
export function createShadowWorker({ environment, timeMs, growBytes, log }: ShadowWorkerOptions) {
  const script = new URL(
    import.meta.url.endsWith('.ts') ? './shadow-process.ts' : './shadow-process.js',
    import.meta.url,
  );
  let child: Child<ShadowAsked, ShadowGiven> | undefined;
  let idle: NodeJS.Timeout | undefined;

  function take(): Child<ShadowAsked, ShadowGiven> {
    clearTimeout(idle);
    if (child?.alive) return child;
    const started = startChild<ShadowAsked, ShadowGiven>({ script, name: 'the shadow process', environment });
    child = started;
    try {
      if (started.pid !== undefined) setPriority(started.pid, PRIORITY);
    } catch (thrown) {
      log.warn(`the shadow process runs at the stream's priority: ${thrown}`);
    }
    return started;
  }

  return {
    async pair(asked: ShadowAsked): Promise<ShadowGiven> {
      const worker = take();
      try {
        return await worker.ask(asked, { timeMs, growBytes });
      } finally {
        clearTimeout(idle);
        idle = setTimeout(() => void worker.end(), IDLE_MS).unref();
      }
    },
    async close(): Promise<void> {
      clearTimeout(idle);
      child?.kill();
      await child?.ended;
    },
  };
}
