/** Pooled, fewer than so many rows of a side say nothing of it: χ² wants five. */
const LEAST = 5;

/**
 * Merges bins that either side would have too few rows in, were both alike: neighbours where bins have an order, else all of these. A bin that one side has many rows in stays,
 * be the other empty.
 */
export function coarse(
  reference: readonly number[],
  current: readonly number[],
  isOrdered: boolean,
): [reference: number[], current: number[]] {
  const [all, now] = [reference, current].map(bins => bins.reduce((total, many) => total + many, 0)) as [
    number,
    number,
  ];
  const share = Math.min(all, now) / (all + now);
  const merged: [number[], number[]] = [[], []];
  let [ours, theirs] = [0, 0];
  reference.forEach((many, bin) => {
    const here = current[bin] ?? 0;
    if (!isOrdered && (many + here) * share >= LEAST) {
      merged[0].push(many);
      merged[1].push(here);
      return;
    }
    ours += many;
    theirs += here;
    if (!isOrdered || (ours + theirs) * share < LEAST) return;
    merged[0].push(ours);
    merged[1].push(theirs);
    ours = theirs = 0;
  });
  const last = merged[0].length - 1;
  if (ours + theirs > 0 && isOrdered && last >= 0) {
    merged[0][last] = (merged[0][last] as number) + ours;
    merged[1][last] = (merged[1][last] as number) + theirs;
  } else if (ours + theirs > 0) {
    merged[0].push(ours);
    merged[1].push(theirs);
  }
  return merged;
}
