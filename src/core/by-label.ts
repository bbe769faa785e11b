import type { Tensor, TensorData, Tensors } from './tensor.ts';

/** How a multilabel classifier gives a pair of probabilities, of false and of true, for every label: `[k, N, 2]` or `[N, k, 2]`. */
export type PairOrder = 'labels first' | 'rows first';

/** Whether a tensor can hold such pairs in that order. */
export function holdsPairs({ type, dims }: Tensor, rows: number, labels: number, order: PairOrder): boolean {
  const [first, second] = order === 'labels first' ? [labels, rows] : [rows, labels];
  return type.startsWith('float') && dims.length === 3 && dims[0] === first && dims[1] === second && dims[2] === 2;
}

/** Pairs as `[N, k]`: of every row the probability of each label. */
export function byLabel({ type, dims, data }: Tensor, order: PairOrder): Tensor {
  const [first = 0, second = 0] = dims;
  const [rows, labels] = order === 'labels first' ? [second, first] : [first, second];
  const numbers = data as Exclude<TensorData, string[]>;
  const ofTrue = numbers.slice(0, rows * labels);
  for (let row = 0; row < rows; row++) {
    for (let label = 0; label < labels; label++) {
      const pair = order === 'labels first' ? label * rows + row : row * labels + label;
      ofTrue[row * labels + label] = numbers[2 * pair + 1] as never;
    }
  }
  return { type, dims: [rows, labels], data: ofTrue };
}

/** A slice's outputs with the pairs of one of them as they are by label; as they are where that is none, or of another shape. */
export function withByLabel(outputs: Tensors, name: string, rows: number, order: PairOrder | undefined): Tensors {
  const tensor = outputs[name];
  const labels = tensor?.dims[order === 'labels first' ? 0 : 1];
  if (order === undefined || !tensor || !labels || !holdsPairs(tensor, rows, labels, order)) return outputs;
  return { ...outputs, [name]: byLabel(tensor, order) };
}
