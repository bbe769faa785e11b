import type { Blobs } from '../../src/core/blobs.ts';
import type { SeededRandom } from './seeded-random.ts';

export class Killed extends Error {}

/** Blobs of a process that dies at some of its steps, before what it asked for was done, or after. */
export function mortalBlobs(blobs: Blobs, random: SeededRandom): Blobs {
  const orDie = async <T>(work: () => Promise<T>): Promise<T> => {
    if (random.next() < 0.1) throw new Killed();
    const done = await work();
    if (random.next() < 0.1) throw new Killed();
    return done;
  };
  return {
    ...blobs,
    readText: (...asked) => orDie(() => blobs.readText(...asked)),
    writeText: (...asked) => orDie(() => blobs.writeText(...asked)),
  };
}
