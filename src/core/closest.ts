/** @param most slips at most; absent: one in three letters. @returns the known word that somebody most likely meant, in any letter case; undefined where none is near. */
export function closest(
  word: string,
  known: Iterable<string>,
  most = Math.max(1, Math.floor(word.length / 3)),
): string | undefined {
  let best: string | undefined;
  let least = Math.min(word.length, most + 1);
  for (const candidate of known) {
    const slips = distance(word.toLowerCase(), candidate.toLowerCase(), least);
    if (slips >= least) continue;
    least = slips;
    best = candidate;
  }
  return best;
}

/** `; did you mean scale?`, or nothing. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const meant = closest(word, known);
  return meant === undefined ? '' : `; did you mean ${meant}?`;
}

/** Letters put in, left out, exchanged for another or for their neighbour (optimal string alignment); `limit` where they are at least as many. */
function distance(one: string, other: string, limit: number): number {
  if (Math.abs(one.length - other.length) >= limit) return limit;
  let before: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1] ? 0 : 1;
      let slips = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same);
      const swapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      if (swapped) slips = Math.min(slips, before[j - 2]! + 1);
      row.push(slips);
    }
    if (Math.min(...row) >= limit && Math.min(...last) >= limit) return limit; // it becomes no less
    before = last;
    last = row;
  }
  return Math.min(limit, last[other.length]!);
}
