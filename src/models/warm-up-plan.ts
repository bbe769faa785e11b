import type { WarmUpPlan } from '../core/backend.ts';
import type { Card, Feature } from '../core/model.ts';
import type { Signature, Tensor, TensorData, TensorSpec, TensorType } from '../core/tensor.ts';
import { type Choice, exampleNumber, floatFor, integerFor, pseudoRandom, store, textFor } from './plausible.ts';
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

const USUAL: Choice = { open: 1, texts: 'words' };
/** What is tried where the usual instance fails: indices that begin at 0 or at 1, numbers given as texts. */
const PLAINER: readonly Choice[] = [
  { ...USUAL, integer: 0 },
  { ...USUAL, integer: 1 },
  { ...USUAL, texts: 'numbers' },
];
/** Sides of images, lengths of sequences; then widths of tables. */
const IMAGES = [224, 32, 28, 64, 256, 299, 384, 512, 640];
const LENGTHS = [16, 128, ...Array.from({ length: 31 }, (_, i) => i + 2), 48, 64, 100, 256, 384, 512, 768, 1024];

/**
 * How to try a model before it serves: the card's example, or zeros (or the nearest value in range), first categories, fills. Rows after the first vary in their numbers, since a forest is six times
 * quicker where every row takes the same path, and since rows that are equal could not show whether one changes another's answer.
 */
export function warmUpPlan(signature: Signature, card: Card): WarmUpPlan {
  const plan = (choice: Choice): WarmUpPlan => ({
    maxBatchSize: card.batching.maxBatchSize,
    fixedBatch: fixedBatchOf(signature) !== undefined,
    inputs: rows =>
      Object.fromEntries(signature.inputs.map(input => [input.name, tensorFor(input, card, rows, choice)])),
  });
  const open = signature.inputs.filter(({ dims }) => dims.slice(1).includes(null));
  const sizes = open.some(({ dims }) => dims.length > 3) ? [...IMAGES, ...LENGTHS] : open.length > 0 ? LENGTHS : [];
  return {
    ...plan(USUAL),
    plainer: PLAINER.map(plan),
    sizes: card.example === undefined ? sizes.map(size => plan({ ...USUAL, open: size, integer: 0 })) : [],
    advice: adviceFor(signature, card, open),
  };
}

/** Which field of the card says what an instance looks like. */
function adviceFor(signature: Signature, card: Card, open: readonly TensorSpec[]): string {
  if (card.example !== undefined) return 'the card\'s "example" was tried';
  const [table] = open.filter(({ dims }) => dims.length === 2);
  if (table)
    return `name its features in a card ("features"), or give an instance ("example"): the width of input ${table.name} is open`;
  if (open.length > 0) return `give an instance in a card ("example"): the size of input ${open[0]?.name} is open`;
  const texts = signature.inputs.some(({ type }) => type === 'string');
  return `give an instance in a card ("example")${texts ? ', or "categories" of its texts' : ', or the "range" of its features'}`;
}

function tensorFor(input: TensorSpec, card: Card, rows: number, choice: Choice): Tensor {
  const features = card.features.filter(feature => feature.input === input.name);
  const example = exampleOf(input, card, features);
  const dims = dimsFor(input, features, rows, choice, example);
  const columns = dims.slice(1).reduce((product, dimension) => product * dimension, 1);
  const size = dims.length === 0 ? 1 : rows * columns;
  const given = example?.values.length === columns ? example.values : undefined;
  if (input.type === 'string') {
    const alone = card.features.length === 1;
    const data = Array.from({ length: size }, (_, i) =>
      given ? String(given[i % columns]) : textFor(features[i % columns], i, i < columns, alone, choice),
    );
    return { type: 'string', dims, data };
  }
  const data = new ARRAYS[input.type](size);
  const plain = features.length === columns && features.every(feature => feature.type === 'number');
  const numberAt = (i: number): number => {
    const feature = plain ? features[i % columns] : undefined;
    if (given) return exampleNumber(feature, Number(given[i % columns]), i < columns ? 0 : pseudoRandom(i), input.type);
    if (input.type.startsWith('float')) return floatFor(feature, i < columns ? undefined : pseudoRandom(i));
    return integerFor(feature, i < columns ? undefined : pseudoRandom(i), choice.integer, input.type);
  };
  for (let i = 0; i < size; i++) store(data, i, numberAt(i), input.type);
  return { type: input.type, dims, data };
}

function dimsFor(
  input: TensorSpec,
  features: readonly Feature[],
  rows: number,
  { open }: Choice,
  example: Example | undefined,
): number[] {
  if (input.dims.length === 0) return [];
  const tail = input.dims.slice(1);
  if (example && example.dims.length === tail.length && features[0]?.type === 'tensor') return [rows, ...example.dims];
  if (tail.length === 1 && tail[0] === null && features[0]?.type !== 'tensor') {
    return [
      rows,
      features.reduce((sum, { encode, categories }) => sum + (encode === 'onehot' ? (categories?.length ?? 1) : 1), 0),
    ];
  }
  return [rows, ...tail.map(dimension => dimension ?? open)];
}

/** What the card's example gives one input; undefined where that is for a closer look. */
interface Example {
  readonly dims: readonly number[];
  readonly values: readonly unknown[];
}

function exampleOf(input: TensorSpec, { example, features: all }: Card, mine: readonly Feature[]): Example | undefined {
  if (example === undefined || mine.some(({ encode }) => encode !== undefined)) return undefined;
  const givenFor = (feature: Feature): unknown => {
    if (typeof example === 'object' && example !== null && !Array.isArray(example)) {
      return (example as Readonly<Record<string, unknown>>)[feature.name];
    }
    if (all.length === 1 && feature.type === 'tensor') return example;
    return Array.isArray(example) ? example[all.indexOf(feature)] : example;
  };
  const values = mine.map(feature => givenFor(feature) ?? feature.fill ?? (input.type === 'string' ? '' : 0));
  if (mine[0]?.type !== 'tensor') return { dims: [values.length], values };
  const dims: number[] = [];
  for (let inner: unknown = values[0]; Array.isArray(inner); inner = inner[0]) dims.push(inner.length);
  return { dims, values: [values[0]].flat(Number.POSITIVE_INFINITY) };
}
