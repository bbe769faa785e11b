import { mulberry32 } from '../../src/size/simulate/random.ts';

/** Numbers that look random and are the same on every run of the same seed. */
export interface SeededRandom {
  /** In [0, 1). */
  next(): number;
  /** In [from, to). */
  between(from: number, to: number): number;
  /** A whole number in [0, below). */
  below(limit: number): number;
  pick<T>(list: readonly T[]): T;
  bytes(count: number): Buffer;
}

export function createRandom(seed: number): SeededRandom {
  const next = mulberry32(seed);
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    next,
    between: (from, to) => from + next() * (to - from),
    below,
    pick: list => list[below(list.length)] as (typeof list)[number],
    bytes: count => Buffer.from(Array.from({ length: count }, () => below(256))),
  };
}
