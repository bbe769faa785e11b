import type { Backend } from '../../core/backend.ts';
import { fromHalf } from '../../core/half.ts';
import type { Tensor, TensorSpec, Tensors } from '../../core/tensor.ts';
import type { Pooling } from '../../core/tokenizer.ts';

/** Sentence Transformers' bounds of what is divided by. */
const [LEAST_TOKENS, LEAST_NORM] = [1e-9, 1e-12];

/** A backend whose states of tokens, [N, tokens, size], come as one embedding an instance, [N, size] of float32. */
export function pooledBackend(backend: Backend, pooling: Pooling): Backend {
  const { signature } = backend.info;
  const outputs = signature.outputs.map(spec => (spec.name === pooling.output ? embedding(spec) : spec));
  const pooled = (info: Backend['info']) => ({ ...info, signature: { ...signature, outputs } });
  return {
    load: async () => pooled(await backend.load()),
    predict: async (inputs, options) => poolOutputs(pooling, inputs, await backend.predict(inputs, options)),
    get info() {
      return pooled(backend.info);
    },
    close: () => backend.close(),
  };
}

function embedding({ name, dims }: TensorSpec): TensorSpec {
  return { name, type: 'float32', dims: [dims[0] ?? null, dims[2] ?? null] };
}

/** The same outputs, the one that is pooled aside. @throws Error where it is no [N, tokens, size] of floats */
export function poolOutputs({ output, by, normalize, mask }: Pooling, inputs: Tensors, outputs: Tensors): Tensors {
  const states = outputs[output];
  const [rows = 0, tokens = 0, size = 0] = states?.dims ?? [];
  if (states === undefined || states.dims.length !== 3 || !states.type.startsWith('float'))
    throw new Error(`output ${output} has the shape [${states?.dims.join() ?? ''}]; pooling takes [N, tokens, size]`);
  const read = readerOf(states);
  const weights = mask === undefined ? undefined : inputs[mask]?.data;
  const data = new Float32Array(rows * size);
  const sums = new Float64Array(size);
  for (let row = 0; row < rows; row++) {
    sums.fill(0);
    let count = 0;
    for (let token = 0; token < (by === 'cls' ? 1 : tokens); token++) {
      const weight = by === 'cls' || weights === undefined ? 1 : Number(weights[row * tokens + token]);
      if (weight === 0) continue;
      count += weight;
      const start = (row * tokens + token) * size;
      for (let i = 0; i < size; i++) sums[i] = (sums[i] as number) + weight * read(start + i);
    }
    const divisor = Math.max(count, LEAST_TOKENS);
    for (let i = 0; i < size; i++) sums[i] = (sums[i] as number) / divisor;
    if (normalize) toUnit(sums);
    data.set(sums, row * size);
  }
  const pooled: Tensor = { type: 'float32', dims: [rows, size], data };
  return { ...outputs, [output]: pooled };
}

function toUnit(vector: Float64Array): void {
  const norm = Math.max(Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0)), LEAST_NORM);
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) / norm;
}

function readerOf({ type, data }: Tensor): (at: number) => number {
  const numbers = data as Float32Array;
  return type === 'float16' && data instanceof Uint16Array
    ? at => fromHalf(numbers[at] as number)
    : at => numbers[at] as number;
}
