import type { ModelVersion } from '../../src/core/model.ts';
import type { Tensor, TensorSpec, Tensors, TensorType } from '../../src/core/tensor.ts';
import { parseCard } from '../../src/models/card.ts';
import { versionOf } from '../../src/models/open-version.ts';
import { resolveCard } from '../../src/models/resolve-card.ts';

/** `x: float32[?,3]` */
export function spec(text: string): TensorSpec {
  const [, name = '', type = '', dims = ''] = /^(\w+): (\w+)\[(.*)\]$/.exec(text) ?? [];
  const sizes = dims.split(',').map(size => (size === '?' ? null : Number(size)));
  return { name, type: type as TensorType, dims: dims === '' ? [] : sizes };
}

export interface ModelParts {
  readonly inputs: readonly string[];
  readonly outputs?: readonly string[];
  /** model.json */
  readonly card?: object;
  /** What the model does; failures are thrown. */
  readonly predict?: (inputs: Tensors) => Tensors;
  readonly name?: string;
  readonly version?: string;
}

const SHA256 = '0123abcd'.repeat(8);

/** A model version whose model is a function. */
export function modelVersion({
  inputs,
  outputs = ['y: float32[?,1]'],
  card = {},
  predict,
  name = 'm',
  version = '1.0.0',
}: ModelParts): ModelVersion {
  const signature = { inputs: inputs.map(spec), outputs: outputs.map(spec), opaqueOutputs: [] };
  const raw = parseCard(JSON.stringify(card), 'model.json');
  const info = { signature, placement: 'in-line', warmUpMs: 0, memoryBytes: 0, maxBatchSize: 1000 } as const;
  const resolved = resolveCard({ name, version, file: 'model.json', raw, classes: undefined }, signature);
  return versionOf({ name, version, raw, sha256: SHA256 }, resolved, {
    info,
    load: async () => info,
    predict: async tensors => predict?.(tensors) ?? {},
    close: async () => {},
  });
}

/** A tensor of plain values. */
export function tensor(
  type: TensorType,
  dims: readonly number[],
  values: readonly (number | bigint | string)[],
): Tensor {
  if (type === 'string') return { type, dims, data: values as string[] };
  if (type === 'int64') return { type, dims, data: BigInt64Array.from(values as bigint[]) };
  if (type === 'float64') return { type, dims, data: Float64Array.from(values as number[]) };
  if (type === 'bool') return { type, dims, data: Uint8Array.from(values as number[]) };
  return { type, dims, data: Float32Array.from(values as number[]) };
}
