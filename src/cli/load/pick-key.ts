/** A number in [0, 1). */
export type Random = () => number;

/**
 * Draws keys 0 … count − 1 with a chance ∝ 1 / (rank + 1)^skew (Zipf's law): skew 0 draws evenly, 1 is what customers, words and cities
 * tend to. By inverting the cumulated chances, with a binary search a draw.
 */
export function zipfPicker(count: number, skew: number, random: Random): () => number {
  const cumulated = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank++) {
    sum += (rank + 1) ** -skew;
    cumulated[rank] = sum;
  }
  return () => {
    const wanted = random() * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((cumulated[middle] as number) > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
