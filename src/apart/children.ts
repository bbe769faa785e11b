import { asError } from '../core/errors.ts';
import { onceAborted } from '../core/waiting.ts';
import { type Child, ChildLost } from '../processes/child.ts';
import type { Asked, Given } from './protocol.ts';

export type ScoringChild = Child<Asked, Given>;

/** No process apart comes up, whoever it is that is to be scored there. */
export class NoChild extends Error {
  override readonly name = 'NoChild';
}

/** A child that one batch has for itself. */
export interface Lease {
  readonly child: ScoringChild;
  /** Whether it has answered anything before: if not, models are still to be loaded. */
  readonly warm: boolean;
  /** Gives it back: to the next one where it lives. */
  release(): void;
}

export interface ChildrenOptions {
  readonly start: () => ScoringChild;
  /** At once, at most; more batches wait for one of them. */
  readonly atMost: number;
  /** Time for a new one to come up. */
  readonly readyMs: number;
  /** One without work ends after that long. */
  readonly idleMs: number;
}

/** Processes that score apart: started when they are needed, kept while they are. */
export interface Children {
  /** @throws NoChild; the signal's reason. */
  take(signal: AbortSignal): Promise<Lease>;
  close(): Promise<void>;
}

/** A child may be ended from outside while it starts; one that never comes up cannot be had at all. */
const STARTS = 3;

export function createChildren({ start, atMost, readyMs, idleMs }: ChildrenOptions): Children {
  const idle: { readonly child: ScoringChild; readonly timer: NodeJS.Timeout }[] = [];
  const all = new Set<ScoringChild>();
  const waiting: (() => void)[] = [];
  let taken = 0;

  async function place(signal: AbortSignal): Promise<void> {
    if (taken < atMost) {
      taken++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const admit = () => {
        leave();
        resolve();
      };
      const leave = onceAborted(signal, () => {
        const at = waiting.indexOf(admit);
        if (at >= 0) waiting.splice(at, 1);
        reject(signal.reason);
      });
      if (!signal.aborted) waiting.push(admit);
    });
  }

  function freePlace(): void {
    const next = waiting.shift();
    if (next) next();
    else taken--;
  }

  function takeIdle(): ScoringChild | undefined {
    for (let entry = idle.pop(); entry; entry = idle.pop()) {
      clearTimeout(entry.timer);
      if (entry.child.alive) return entry.child;
    }
    return undefined;
  }

  async function startOne(signal: AbortSignal): Promise<ScoringChild> {
    let last: unknown;
    for (let tries = 0; tries < STARTS; tries++) {
      signal.throwIfAborted();
      const child = start();
      all.add(child);
      void child.ended.then(() => all.delete(child));
      const leave = onceAborted(signal, child.kill);
      try {
        await child.ask({ kind: 'ready' }, { timeMs: readyMs });
        return child;
      } catch (thrown) {
        last = thrown;
        child.kill();
        if (!(thrown instanceof ChildLost)) break;
      } finally {
        leave();
      }
    }
    signal.throwIfAborted();
    throw new NoChild(asError(last).message, { cause: last });
  }

  function release(child: ScoringChild): void {
    if (child.alive) {
      const timer = setTimeout(() => {
        idle.splice(
          idle.findIndex(entry => entry.child === child),
          1,
        );
        void child.end();
      }, idleMs).unref();
      idle.push({ child, timer });
    }
    freePlace();
  }

  return {
    async take(signal) {
      signal.throwIfAborted();
      await place(signal);
      try {
        const known = takeIdle();
        const child = known ?? (await startOne(signal));
        return { child, warm: known !== undefined, release: () => release(child) };
      } catch (thrown) {
        freePlace();
        throw thrown;
      }
    },
    async close() {
      for (const { timer } of idle.splice(0)) clearTimeout(timer);
      await Promise.all(
        [...all].map(child => {
          child.kill();
          return child.ended;
        }),
      );
    },
  };
}
