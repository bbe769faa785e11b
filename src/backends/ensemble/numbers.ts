import { Misfit } from '../../core/misfit.ts';
import type { ModelVersion } from '../../core/model.ts';
import type { Tensor, TensorSpec, Tensors } from '../../core/tensor.ts';
import { align, aligned } from '../several/align.ts';

/** Outputs of a model without classes that can be put together: its value, or all of them where it has no role. @throws Misfit where they are not those that are wanted */
export function numbersOf({ card, signature }: ModelVersion, wanted?: readonly TensorSpec[]): readonly TensorSpec[] {
  const { value } = card.outputs;
  const outputs = value === undefined ? signature.outputs : signature.outputs.filter(({ name }) => name === value);
  if (value !== undefined && outputs.some(({ type }) => type === 'float16' || type === 'string'))
    throw new Misfit(`its value is ${outputs[0]?.type}`);
  if (wanted !== undefined) align('output', wanted, outputs);
  return outputs;
}

interface Given {
  readonly member: string;
  readonly version: ModelVersion;
  readonly outputs: Tensors;
}

/** Of each number the mean; of what is none, what the first says. @throws Error where a member gives another shape than the first */
export function meanOf(answers: readonly Given[], wanted: readonly TensorSpec[]): Tensors {
  const all = answers.map(({ version, outputs }) => aligned(align('output', numbersOf(version), wanted), outputs));
  const combined: Record<string, Tensor> = {};
  for (const { name } of wanted) {
    const tensors = all.map(outputs => outputs[name]);
    tensors.forEach((tensor, i) => {
      const [expected, came] = [tensors[0], tensor].map(each => each?.data.length);
      if (expected === undefined || expected !== came)
        throw new Error(
          `${answers[i]?.member}: output ${name} has ${came ?? 'no'} values; ${expected ?? 'none'} were expected`,
        );
    });
    combined[name] = meanTensor(tensors as readonly Tensor[]);
  }
  return combined;
}

function meanTensor(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors as [Tensor];
  if (tensors.length === 1 || (first.type !== 'float32' && first.type !== 'float64')) return first;
  const sums = new Float64Array(first.data.length);
  for (const { data } of tensors) for (let i = 0; i < sums.length; i++) sums[i]! += Number(data[i]);
  for (let i = 0; i < sums.length; i++) sums[i]! /= tensors.length;
  return { type: first.type, dims: first.dims, data: first.type === 'float64' ? sums : Float32Array.from(sums) };
}
