import type { Card, Feature } from '../core/model.ts';
import type { Tensor, TensorSpec } from '../core/tensor.ts';
import { NUMBER_ARRAYS } from '../core/tensor-arrays.ts';
import type { TextInput } from '../core/tokenizer.ts';
import { type Choice, exampleNumber, floatFor, integerFor, pseudoRandom, store, textFor, WORDS } from './plausible.ts';

/** Rows of one input: the card's example where it has one, else what the choice says. */
export function tensorFor(input: TensorSpec, card: Card, rows: number, choice: Choice): Tensor {
  const tokens = card.text && tokensFor(input, card.text, card, rows, choice);
  if (tokens !== undefined) return tokens;
  const masked = card.features.find(({ pad }) => pad?.mask === input.name);
  const own = card.features.filter(feature => feature.input === input.name);
  // A mask is as long as what it masks.
  const features = masked ? [masked] : own;
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
  const data = new NUMBER_ARRAYS[input.type](size);
  const plain = features.length === columns && features.every(feature => feature.type === 'number');
  const numberAt = (i: number): number => {
    if (masked) return 1;
    const feature = plain ? features[i % columns] : undefined;
    if (given) return exampleNumber(feature, Number(given[i % columns]), i < columns ? 0 : pseudoRandom(i), input.type);
    if (input.type.startsWith('float'))
      return floatFor(feature, i < columns ? undefined : pseudoRandom(i), choice.float);
    return integerFor(feature, i < columns ? undefined : pseudoRandom(i), choice.integer, input.type);
  };
  for (let i = 0; i < size; i++) store(data, i, numberAt(i), input.type);
  return { type: input.type, dims, data };
}

/** Rows of an input that is made of a text: its ids, from row to row beginning further on. Undefined where the input is none. */
function tokensFor(
  { name, type, dims }: TensorSpec,
  { tokenizer, features, ids, mask, types }: TextInput,
  { example }: Card,
  rows: number,
  { open }: Choice,
): Tensor | undefined {
  if (![ids, mask, types].includes(name) || type === 'string') return undefined;
  const given = (feature: string | undefined): unknown =>
    typeof example === 'object' && feature !== undefined
      ? (example as Readonly<Record<string, unknown>> | null)?.[feature]
      : example;
  const [text = WORDS, pair] = features.map(feature => {
    const value = given(feature);
    return typeof value === 'string' ? value : WORDS;
  });
  const encoding = tokenizer.encode(text, pair);
  const count = encoding.ids.length || 1;
  const length = dims[1] ?? (open === 1 ? count : open);
  const data = new NUMBER_ARRAYS[type](rows * length);
  const valueAt = (at: number, row: number): number => {
    if (name === mask) return 1;
    return (name === types ? encoding.types[at % count] : encoding.ids[(at + row) % count]) ?? 0;
  };
  for (let i = 0; i < data.length; i++) store(data, i, valueAt(i % length, Math.floor(i / length)), type);
  return { type, dims: [rows, length], data };
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
  const whole = wholeIn(example, input, mine);
  if (whole !== undefined) return { dims: [whole.length], values: whole };
  const values = mine.map(feature => givenFor(feature) ?? feature.fill ?? (input.type === 'string' ? '' : 0));
  if (mine[0]?.type !== 'tensor') return { dims: [values.length], values };
  const dims: number[] = [];
  for (let inner: unknown = values[0]; Array.isArray(inner); inner = inner[0]) dims.push(inner.length);
  return { dims, values: [values[0]].flat(Number.POSITIVE_INFINITY) };
}

/** All columns of an input by its own name, as an instance may give them. */
function wholeIn(example: unknown, { name }: TensorSpec, mine: readonly Feature[]): readonly unknown[] | undefined {
  if (typeof example !== 'object' || mine[0]?.type === 'tensor' || mine.some(feature => feature.name === name)) return;
  const given = (example as Readonly<Record<string, unknown>>)[name];
  return Array.isArray(given) ? given.flat(Number.POSITIVE_INFINITY) : undefined;
}
