import type { Settings } from '../config/settings.ts';
import { asError, InfrastructureError } from '../core/errors.ts';
import type { Trial, TrialJob } from '../models/trial.ts';
import { type Refused, refused, type Verdict } from '../models/verdict.ts';
import { type Child, ChildLost, startChild } from '../processes/child.ts';
import type { TrialRequest } from './trial-process.ts';

export type TrialSettings = Pick<Settings, 'MODEL_LOAD_TIMEOUT_SECONDS' | 'MODEL_MEMORY_MB'>;

const MIB = 1024 * 1024;
/** Each takes a core, and as much memory as a model may. */
const AT_ONCE = 2;
/** What a small file takes to open and to run first, on a busy machine, and a large one more by its size: one that hangs holds up others no longer. */
const PATIENCE = { ms: 20_000, msPerMiB: 1_000 };
/** A large file is in memory three times while it is opened, whatever the budget for what is kept of it. */
const LEAST = { timesFile: 3, bytes: 256 * MIB };
const SCRIPT = new URL(import.meta.url.endsWith('.ts') ? './trial-process.ts' : './trial-process.js', import.meta.url);

/** Tries files, each in a process of its own: what it does there, to that process or for ever, it does to nobody else. */
export function createTrial(settings: TrialSettings): Trial {
  const turns = createTurns(AT_ONCE);

  async function tryIn(child: Child<TrialRequest, Verdict>, job: TrialJob, signal: AbortSignal): Promise<Verdict> {
    const patienceMs = PATIENCE.ms + (job.bytes / MIB) * PATIENCE.msPerMiB;
    const timeMs = Math.min(settings.MODEL_LOAD_TIMEOUT_SECONDS * 1000, Math.round(patienceMs / 1000) * 1000);
    const growBytes = Math.max(settings.MODEL_MEMORY_MB * MIB, LEAST.timesFile * job.bytes + LEAST.bytes);
    try {
      await child.ask({ ready: job.folder });
    } catch (thrown) {
      signal.throwIfAborted();
      throw failed(job, thrown);
    }
    try {
      return await child.ask(job, { timeMs, growBytes });
    } catch (thrown) {
      signal.throwIfAborted();
      if (!(thrown instanceof ChildLost)) throw failed(job, thrown);
      return refused(wordsFor(job.titles.model, thrown, timeMs, growBytes), thrown.loss);
    }
  }

  return async (job, signal) => {
    const giveBack = await turns.take(job.again, signal);
    const child = startChild<TrialRequest, Verdict>({ script: SCRIPT, name: 'the process' });
    signal.addEventListener('abort', child.kill);
    try {
      return await tryIn(child, job, signal);
    } finally {
      signal.removeEventListener('abort', child.kill);
      child.kill();
      giveBack();
    }
  };
}

/** Not the file's doing. */
function failed({ titles }: TrialJob, thrown: unknown): InfrastructureError {
  return new InfrastructureError(`trying ${titles.model}: ${asError(thrown).message}`, { cause: thrown });
}

function wordsFor(title: string, { loss, message }: ChildLost, timeMs: number, growBytes: number): string {
  const words: Record<NonNullable<Refused['loss']>, string> = {
    died: `opening it ended the process that tried it: ${message}`,
    time: `not loaded within ${timeMs / 1000} s, where it was tried`,
    memory: `took more than ${Math.round(growBytes / MIB)} MB where it was tried`,
  };
  return `${title}: ${words[loss]}`;
}

interface Turns {
  /** @returns gives it back */
  take(again: boolean, signal: AbortSignal): Promise<() => void>;
}

/** Lets so many go on at once, the others in their order; of those that were refused before one at a time, so that they hold up nobody for their hanging again and again. */
function createTurns(count: number): Turns {
  const running = { all: 0, again: 0 };
  const waiting: { readonly again: boolean; go(): void }[] = [];
  const isFree = (again: boolean) => running.all < count && !(again && running.again > 0);
  function begin(again: boolean): () => void {
    running.all++;
    if (again) running.again++;
    return () => {
      running.all--;
      if (again) running.again--;
      const fresh = waiting.findIndex(other => !other.again && isFree(false));
      const next = fresh >= 0 ? fresh : waiting.findIndex(other => isFree(other.again));
      if (next >= 0) waiting.splice(next, 1)[0]?.go();
    };
  }
  return {
    async take(again, signal) {
      signal.throwIfAborted();
      const giveBack = isFree(again)
        ? begin(again)
        : await new Promise<() => void>(resolve => waiting.push({ again, go: () => resolve(begin(again)) }));
      if (!signal.aborted) return giveBack;
      giveBack();
      throw signal.reason;
    },
  };
}
