import betainc from '@stdlib/math-base-special-betainc';
import betaln from '@stdlib/math-base-special-betaln';

/** How many trials of a kind there were, and how many of them were bad. Whole numbers: merging two counts is adding them. */
export interface Trials {
  readonly bad: number;
  readonly trials: number;
}

/**
 * Evidence that the true share of bad trials is above `limit`, as ln E of an e-process: E ≥ 1/α comes up with probability α at most while the share is no more
 * than the limit, however often one looks (Ville's inequality for a beta mixture truncated to shares above the limit). −∞ where double precision holds no more.
 */
export function evidenceAbove(limit: number, { bad, trials }: Trials): number {
  return truncated(limit, bad, trials - bad, true);
}

/** The same that it is below `limit`. */
export function evidenceBelow(limit: number, { bad, trials }: Trials): number {
  return truncated(limit, bad, trials - bad, false);
}

/** lnB(a+s,b+f) + ln T(p0;a+s,b+f) − lnB(a,b) − ln T(p0;a,b) − s·ln p0 − f·ln(1−p0), T the tail of the beta distribution that is meant; a = 1, b such that the mixture's mean is 2·p0. */
function truncated(p0: number, s: number, f: number, upper: boolean): number {
  const a = 1;
  const b = p0 >= 0.5 ? 1 : 1 / (2 * p0) - 1;
  const tail = (alpha: number, beta: number) => Math.log(Math.max(0, betainc(p0, alpha, beta, true, upper)));
  return betaln(a + s, b + f) + tail(a + s, b + f) - betaln(a, b) - tail(a, b) - likelihood(p0, s, f);
}

/** Evidence that the true share of bad trials is another than `share`, either way: the e-process of a beta mixture, Beta(a, b). */
export function evidenceOther(share: number, { bad, trials }: Trials, a: number, b: number): number {
  const good = trials - bad;
  return betaln(a + bad, b + good) - betaln(a, b) - likelihood(share, bad, good);
}

function likelihood(p: number, s: number, f: number): number {
  // 0 · ln 0 is 0 here: nothing was seen that cannot be.
  return (s === 0 ? 0 : s * Math.log(p)) + (f === 0 ? 0 : f * Math.log1p(-p));
}

const STEPS = 60;

/**
 * The shares of bad trials that the counts do not rule out at `alpha`, however often one looks: a confidence sequence (Robbins 1970; Howard, Ramdas, McAuliffe and
 * Sekhon 2021), which is `evidenceOther` with a = b = ½ inverted by bisection.
 */
export function confidenceSequence(counts: Trials, alpha: number): readonly [low: number, high: number] {
  const { bad, trials } = counts;
  if (trials === 0) return [0, 1];
  const threshold = -Math.log(alpha);
  const isInside = (p: number) => evidenceOther(p, counts, 0.5, 0.5) < threshold;
  const edge = (outside: number) => {
    let inside = bad / trials;
    let beyond = outside;
    for (let step = 0; step < STEPS; step++) {
      const middle = (inside + beyond) / 2;
      if (isInside(middle)) inside = middle;
      else beyond = middle;
    }
    return (inside + beyond) / 2;
  };
  return [bad === 0 ? 0 : edge(0), bad === trials ? 1 : edge(1)];
}
