import type { WarmUpPlan } from '../core/backend.ts';
import type { Card, Feature } from '../core/model.ts';
import type { Signature, Tensor, TensorData, TensorSpec, TensorType } from '../core/tensor.ts';
import { fixedBatchOf } from './resolve-card.ts';

const ARRAYS: Record<Exclude<TensorType, 'string'>, new (length: number) => Exclude<TensorData, string[]>> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

/** What a model of texts is timed with: an empty one would cost it nothing. */
const WORDS = 'could you please tell me when the order from last week will be delivered, thank you';

/**
 * How to try a model before it serves: zeros (or the nearest value in range), first categories, fills; dynamic dimensions 1. Rows
 * after the first vary in their floats, since a forest is six times quicker where every row takes the same path.
 */
export function warmUpPlan(signature: Signature, card: Card): WarmUpPlan {
  return {
    maxBatchSize: card.batching.maxBatchSize,
    fixedBatch: fixedBatchOf(signature) !== undefined,
    inputs: rows =>
      Object.fromEntries(
        signature.inputs.map(input => {
          const features = card.features.filter(feature => feature.input === input.name);
          return [input.name, tensorFor(input, features, rows, card.features.length === 1)];
        }),
      ),
  };
}

function tensorFor(input: TensorSpec, features: readonly Feature[], rows: number, alone: boolean): Tensor {
  const dims = [rows, ...input.dims.slice(1).map(dimension => dimension ?? 1)];
  if (dims.length === 2 && input.dims[1] === null && features[0]?.type !== 'tensor') {
    dims[1] = features.reduce(
      (sum, feature) => sum + (feature.encode === 'onehot' ? feature.categories!.length : 1),
      0,
    );
  }
  const columns = dims.slice(1).reduce((product, dimension) => product * dimension, 1);
  const size = rows * columns;
  if (input.type === 'string') {
    const text = (i: number) =>
      alone && i >= columns && !features[0]?.categories ? WORDS : textFor(features[i % columns]);
    return { type: 'string', dims, data: Array.from({ length: size }, (_, i) => text(i)) };
  }
  const data = new ARRAYS[input.type](size);
  const plain = features.length === columns && features.every(feature => feature.type === 'number');
  const floats = data instanceof Float32Array || data instanceof Float64Array;
  for (let i = 0; i < size && typeof data[0] === 'number'; i++) {
    const share = floats && i >= columns ? pseudoRandom(i) : undefined;
    data[i] = plain ? numberFor(features[i % columns]!, share) : share === undefined ? 0 : anyNumber(share);
  }
  return { type: input.type, dims, data };
}

function textFor(feature: Feature | undefined): string {
  if (feature?.categories) return feature.categories[0]!;
  return typeof feature?.fill === 'string' ? feature.fill : '';
}

function numberFor(feature: Feature, share: number | undefined): number {
  const { range, scale } = feature;
  const value =
    share === undefined
      ? Math.min(Math.max(0, range?.[0] ?? 0), range?.[1] ?? 0)
      : range
        ? range[0] + share * (range[1] - range[0])
        : anyNumber(share);
  return scale ? (value - scale.mean) / scale.std : value;
}

/** Numbers of either sign, most of them between 0.1 and 1000 in size. */
function anyNumber(share: number): number {
  const size = 10 ** (((share * 2) % 1) * 4 - 1);
  return share < 0.5 ? -size : size;
}

/** The same share of 1 for the same index (Knuth's multiplicative hash). */
function pseudoRandom(index: number): number {
  return (Math.imul(index, 2654435761) >>> 0) / 2 ** 32;
}
