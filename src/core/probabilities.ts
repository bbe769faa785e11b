/** What the card says turns scores into probabilities; `none` and undefined: nothing. */
export type Activation = 'softmax' | 'sigmoid' | 'none' | undefined;

/** How far from 1 the probabilities of classes that exclude each other may sum. */
export const SUM_TOLERANCE = 1e-3;
/** How far outside 0..1 rounding takes a probability: float32 sums of a hundred trees. */
export const ROUNDING = 1e-5;

/** Whether a row's numbers can be probabilities; others are decision values, distances, logits. @param exclusive one class a row, so that they sum to one */
export function areProbabilities(row: readonly number[], exclusive: boolean): boolean {
  let sum = 0;
  for (const value of row) {
    if (!(value >= -ROUNDING && value <= 1 + ROUNDING)) return false;
    sum += value;
  }
  return !exclusive || Math.abs(sum - 1) <= SUM_TOLERANCE;
}

/** A probability that rounding took past its bounds is put back to them. */
export function withinBounds(probability: number): number {
  return probability > 1 ? 1 : Math.max(probability, 0);
}

/** A row's scores as the card's activation turns them; of a single column they are of the positive of two classes. */
export function activate(scores: readonly number[], activation: Activation): readonly number[] {
  if (activation === 'sigmoid' || (activation === 'softmax' && scores.length === 1)) return scores.map(sigmoid);
  if (activation !== 'softmax') return scores;
  const highest = scores.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
  const powers = scores.map(score => Math.exp(score - highest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map(power => power / sum);
}

function sigmoid(score: number): number {
  return 1 / (1 + Math.exp(-score));
}
