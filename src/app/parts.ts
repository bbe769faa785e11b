import { asError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';

/** How a part ends, told while it is built. */
export interface Lifetime {
  /** Comes first at the end, while every part is still there: work under way is finished. */
  finish(work: () => Promise<unknown>): void;
  /** Comes once all work is finished, the latest first; at once where the build fails. */
  free(resource: () => Promise<unknown>): void;
}

/** Gives a part; the first call builds it. */
export type Part<T> = () => Promise<T>;

export interface Parts {
  /** A part that is built once, when it is first asked for; where that fails, anew at the next call. */
  part<T>(build: (lifetime: Lifetime) => Promise<T>): Part<T>;
  /** Ends what was built, and nothing else. Idempotent. */
  close(): Promise<void>;
}

type Step = () => Promise<unknown>;

/** The parts of one app: an instance has those that it used. */
export function createParts(log: Log): Parts {
  const building = new Set<Promise<unknown>>();
  /** What to do at the end, in the order of building: a part stands after those that it uses. */
  const finishes: Step[] = [];
  const frees: Step[] = [];
  let closing: Promise<void> | undefined;

  async function run<T>(build: (lifetime: Lifetime) => Promise<T>): Promise<T> {
    const finish: Step[] = [];
    const free: Step[] = [];
    try {
      const built = await build({ finish: step => void finish.push(step), free: step => void free.push(step) });
      finishes.push(...finish);
      frees.push(() => endEach(free));
      return built;
    } catch (thrown) {
      await endEach(free);
      throw thrown;
    }
  }

  /** One after the other, the latest first. */
  async function endEach(steps: readonly Step[]): Promise<void> {
    for (const step of steps.toReversed()) await end(step);
  }

  async function end(step: Step): Promise<void> {
    await step().catch(thrown => log.warn(`closing: ${asError(thrown).message}`));
  }

  async function closeAll(): Promise<void> {
    while (building.size > 0) await Promise.allSettled(building);
    await endEach(finishes);
    await Promise.all(frees.toReversed().map(end)); // a broker that is away must not hold up the worker processes
  }

  return {
    part<T>(build: (lifetime: Lifetime) => Promise<T>): Part<T> {
      let built: Promise<T> | undefined;
      return () => {
        if (built) return built;
        if (closing) return Promise.reject(new Error('the app is closed'));
        const started = run(build);
        built = started;
        building.add(started);
        const done = () => building.delete(started);
        const failed = () => {
          built = undefined;
          done();
        };
        started.then(done, failed);
        return started;
      };
    },
    close() {
      closing ??= closeAll();
      return closing;
    },
  };
}
