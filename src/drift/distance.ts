import normalCdf from '@stdlib/stats-base-dists-normal-cdf';

/** How often each bin came up; of a reference and of what is compared with it, bin by bin. */
export type Bins = readonly number[];

/** How far two distributions over the same bins are apart. */
export interface Distance {
  /** Jensen–Shannon distance, base 2: 0 to 1. */
  readonly js: number;
  /** Population stability index: Σ (p − q) · ln(p / q). */
  readonly psi: number;
  /** What of a psi chance explains: without drift one in a thousand is above. */
  readonly psiFloor: number;
  /** The same of `js`. */
  readonly jsFloor: number;
  /** Hellinger distance: 0 to 1. */
  readonly hellinger: number;
  /** The largest difference of a bin's share. */
  readonly lInfinity: number;
  /** Kolmogorov and Smirnov's: the largest difference of shares up to a bin's edge. Says something where bins have an order. */
  readonly ks: number;
  /** Pearson's of two samples, and its tail. */
  readonly chiSquare: number;
  readonly p: number;
}

const FLOOR = 0.001;

/** @returns undefined where either side is empty, or all of both is in one bin */
export function distanceOf(reference: Bins, current: Bins): Distance | undefined {
  const bins = reference.flatMap((many, i) => (many + (current[i] ?? 0) > 0 ? [i] : []));
  const [ours, theirs] = [bins.map(i => reference[i] ?? 0), bins.map(i => current[i] ?? 0)];
  const [all, now] = [sum(ours), sum(theirs)];
  if (all === 0 || now === 0 || bins.length < 2) return undefined;
  const df = bins.length - 1;
  const [p, q] = [sharesOf(ours), sharesOf(theirs)];
  const [r, c] = smoothed(ours, theirs).map(sharesOf) as [number[], number[]];
  const psi = sum(r.map((share, i) => (share - at(c, i)) * Math.log(share / at(c, i))));
  // PSI of two samples of one distribution is about χ² times this (Yurdakul 2018), and 8 ln 2 times the divergence where both are small.
  const psiFloor = (1 / now + 1 / all) * chiSquareQuantile(FLOOR, df);
  const chiSquare = sum(
    ours.map(
      (many, i) => (Math.sqrt(now / all) * many - Math.sqrt(all / now) * at(theirs, i)) ** 2 / (many + at(theirs, i)),
    ),
  );
  return {
    js: Math.sqrt(Math.max(0, (divergence(p, q) + divergence(q, p)) / 2)),
    psi,
    psiFloor,
    jsFloor: Math.sqrt(psiFloor / (8 * Math.LN2)),
    hellinger: Math.sqrt(sum(p.map((share, i) => (Math.sqrt(share) - Math.sqrt(at(q, i))) ** 2)) / 2),
    lInfinity: Math.max(...p.map((share, i) => Math.abs(share - at(q, i)))),
    ks: steps(p, q),
    chiSquare,
    p: chiSquareTail(chiSquare, df),
  };
}

/** A half in every bin, where one of either side is empty: a logarithm of nothing says too much. */
function smoothed(reference: Bins, current: Bins): [Bins, Bins] {
  if (![...reference, ...current].includes(0)) return [reference, current];
  return [reference.map(many => many + 0.5), current.map(many => many + 0.5)];
}

/** Kullback and Leibler's of p from the middle of both, in bits. */
function divergence(p: readonly number[], q: readonly number[]): number {
  return sum(p.map((share, i) => (share === 0 ? 0 : share * Math.log2((2 * share) / (share + at(q, i))))));
}

function steps(p: readonly number[], q: readonly number[]): number {
  let [difference, largest] = [0, 0];
  p.forEach((share, i) => {
    difference += share - at(q, i);
    largest = Math.max(largest, Math.abs(difference));
  });
  return largest;
}

/** P(χ² of `df` degrees of freedom > x), by the recurrence of the incomplete gamma function in steps of one (Abramowitz and Stegun 26.4.4, 26.4.5). */
export function chiSquareTail(x: number, df: number): number {
  if (!(x > 0)) return 1;
  const isOdd = df % 2 === 1;
  let tail = isOdd ? 2 * normalCdf(-Math.sqrt(x), 0, 1) : Math.exp(-x / 2);
  let term = isOdd ? Math.sqrt((2 * x) / Math.PI) * Math.exp(-x / 2) : (Math.exp(-x / 2) * x) / 2;
  for (let k = isOdd ? 3 : 4; k <= df; k += 2) {
    tail += term;
    term *= x / k;
  }
  return Math.min(1, tail);
}

const STEPS = 60;

/** What χ² of `df` degrees of freedom is above with a probability of `tail`. */
function chiSquareQuantile(tail: number, df: number): number {
  let [low, high] = [0, df + 20 * Math.sqrt(2 * df) + 50];
  for (let step = 0; step < STEPS; step++) {
    const middle = (low + high) / 2;
    if (chiSquareTail(middle, df) > tail) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

const at = (list: readonly number[], i: number) => list[i] ?? 0;
const sum = (list: readonly number[]) => list.reduce((total, value) => total + value, 0);

function sharesOf(bins: Bins): number[] {
  const all = sum(bins);
  return bins.map(many => many / all);
}
