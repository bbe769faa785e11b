/** Numbers that look random and are the same on every run of the same seed. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** How many come where so many are expected. */
  poisson(mean: number): number;
}

/** Uniform in [0, 1): mulberry32 (Tommy Ettinger's, public domain: 32 bits of state, enough for a simulation of minutes). */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function createRandom(seed: number): Random {
  const next = mulberry32(seed);
  return { next, poisson: mean => (mean > 30 ? normal(mean, next) : knuth(mean, next)) };
}

/** Knuth, The Art of Computer Programming 3.4.1: as many uniform numbers as keep their product above e^-mean. */
function knuth(mean: number, next: () => number): number {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = next(); product > limit; product *= next()) count++;
  return count;
}

/** Where many come, Poisson's is a normal distribution (Box–Muller), rounded, never below 0. */
function normal(mean: number, next: () => number): number {
  const away = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return Math.max(0, Math.round(mean + Math.sqrt(mean) * away));
}
