import type { WarmUpPlan } from '../core/backend.ts';
import type { Card } from '../core/model.ts';
import { copyIntoBox } from '../core/pad.ts';
import type { Signature, Tensor, TensorData, TensorSpec } from '../core/tensor.ts';
import { poolOutputs } from './hugging-face/pooling.ts';
import { type Choice, store } from './plausible.ts';
import { tensorFor } from './plausible-tensor.ts';
import { fixedBatchOf } from './resolve-card.ts';

const USUAL: Choice = { open: 1, texts: 'words' };
/** What is tried where the usual instance fails: indices that begin at 0 or at 1, numbers given as texts, scales and steps that are not 0. */
const PLAINER: readonly Choice[] = [
  { ...USUAL, integer: 0 },
  { ...USUAL, integer: 1 },
  { ...USUAL, texts: 'numbers' },
  { ...USUAL, integer: 1, float: 1 },
];
/** Sides of images, lengths of sequences; then widths of tables. */
const IMAGES = [224, 32, 28, 64, 256, 299, 384, 512, 640];
const LENGTHS = [16, 128, ...Array.from({ length: 31 }, (_, i) => i + 2), 48, 64, 100, 256, 384, 512, 768, 1024];

/**
 * How to try a model before it serves: the card's example, or zeros (or the nearest value in range), first categories, fills. Rows after the first vary in their numbers, since a forest is six times
 * quicker where every row takes the same path, and since rows that are equal could not show whether one changes another's answer.
 */
export function warmUpPlan(signature: Signature, card: Card): WarmUpPlan {
  const { pooling } = card.outputs;
  const plan = (choice: Choice): WarmUpPlan => ({
    maxBatchSize: card.batching.maxBatchSize,
    fixedBatch: fixedBatchOf(signature) !== undefined,
    inputs: rows =>
      Object.fromEntries(signature.inputs.map(input => [input.name, tensorFor(input, card, rows, choice)])),
    ...(pooling !== undefined && { answers: (inputs, outputs) => poolOutputs(pooling, inputs, outputs) }),
    ...(card.features.some(({ pad }) => pad !== undefined) && { padded: () => paddedOf(signature, card, choice) }),
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

/** Lengths of the instance that is padded, and of the one beside it. */
const [SHORT, LONG] = [3, 5];

/** Undefined where values and padding could not be told apart. */
function paddedOf({ inputs }: Signature, card: Card, choice: Choice): ReturnType<NonNullable<WarmUpPlan['padded']>> {
  const [alone, beside]: [Record<string, Tensor>, Record<string, Tensor>] = [{}, {}];
  for (const input of inputs) {
    const [short, long] = [SHORT, LONG].map(open =>
      tensorFor(input, { ...card, example: undefined }, 2, { ...choice, open }),
    ) as [Tensor, Tensor];
    const { type, dims } = short;
    if (dims.length === 0) {
      alone[input.name] = beside[input.name] = short;
      continue;
    }
    const row = { dims: dims.slice(1), data: short.data.slice(short.data.length / 2) as TensorData };
    const pad = card.features.find(feature => feature.input === input.name)?.pad;
    if (pad && Array.from(row.data as ArrayLike<unknown>).every(value => String(value) === String(pad.value)))
      return undefined;
    const data = long.data.slice() as TensorData;
    for (let i = 0; i < data.length / 2; i++) {
      if (Array.isArray(data)) data[i] = String(pad?.value ?? '');
      else store(data, i, Number(pad?.value ?? 0), type);
    }
    copyIntoBox(data, 0, long.dims.slice(1), row);
    alone[input.name] = { type, dims: [1, ...row.dims], data: row.data };
    beside[input.name] = { type, dims: long.dims, data };
  }
  return { alone, beside };
}
