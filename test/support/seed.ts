import { randomInt } from 'node:crypto';
import { createRandom, type SeededRandom } from './seeded-random.ts';

/** The seed that was asked for, or a new one, so that every run tries other inputs. */
export function chooseSeed(asked: string | undefined): string {
  if (asked === undefined || asked === '') return String(randomInt(1e9));
  if (!/^\d{1,9}$/.test(asked)) throw new Error(`TEST_SEED is a whole number of up to nine digits, not "${asked}"`);
  return asked;
}

/** The seed of this run, which vitest.config.ts chose. */
export const SEED = Number(process.env.TEST_SEED);

/** Random inputs for one test: from the start, so that it sees the same ones when it runs alone. */
export const randomInputs = (): SeededRandom => createRandom(SEED);
