import type { Card, Feature } from '../../core/model.ts';
import type { Signature, TensorSpec } from '../../core/tensor.ts';
import type { Random } from './pick-key.ts';

const WORDS =
  `could you please tell me when the order from last week will arrive thank you I love this great phone but the
battery is bad and support never answers invoice refund parcel password account plan price works fine again today`.split(
    /\s+/,
  );
/** Length of a dimension that the model leaves open: tokens, say. */
const LONGEST_OPEN = 32;

/**
 * Makes instances up from what a card says of each feature: within `range`, around `scale`, one of `categories`, else something plausible
 * of its type. Never refused by the card; not meant to look like anybody's data.
 */
export function featureGenerator(card: Pick<Card, 'features'>, signature: Signature, random: Random): () => unknown {
  const makers = card.features.map(feature => {
    const input = signature.inputs.find(({ name }) => name === feature.input);
    return makerOf(feature, input, random);
  });
  const names = card.features.map(({ name }) => name);
  if (card.features.every(({ type }) => type === 'number')) return () => makers.map(make => make());
  return () => Object.fromEntries(makers.map((make, i) => [names[i], make()]));
}

function makerOf(feature: Feature, input: TensorSpec | undefined, random: Random): () => unknown {
  const whole = input !== undefined && /^u?int/.test(input.type);
  const pick = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)] as T;
  const { categories } = feature;
  if (categories) return () => pick(categories);
  if (feature.type === 'tensor') return () => fill(dimsOf(input, random), () => element(input, whole, random, pick));
  if (feature.type === 'string') return () => text(random, pick);
  const [low, high] = boundsOf(feature);
  return () => number(low + random() * (high - low), whole);
}

/** Three standard deviations around the mean say where values lie as well as a range does. */
function boundsOf({ range, scale }: Feature): readonly [number, number] {
  if (range) return range;
  return scale ? [scale.mean - 3 * Math.abs(scale.std), scale.mean + 3 * Math.abs(scale.std)] : [0, 100];
}

/** Five digits: what producers send, and short enough not to measure the parsing of digits. */
function number(value: number, whole: boolean): number {
  return whole ? Math.trunc(value) : Number(value.toPrecision(5));
}

function text(random: Random, pick: <T>(items: readonly T[]) => T): string {
  return Array.from({ length: 4 + Math.floor(random() * 20) }, () => pick(WORDS)).join(' ');
}

function element(
  input: TensorSpec | undefined,
  whole: boolean,
  random: Random,
  pick: <T>(items: readonly T[]) => T,
): unknown {
  if (input?.type === 'string') return pick(WORDS);
  if (input?.type === 'bool') return random() < 0.5;
  return whole ? Math.floor(random() * 100) : number(random(), false);
}

function dimsOf(input: TensorSpec | undefined, random: Random): number[] {
  const dims = input?.dims.slice(1) ?? [null];
  return dims.map(dimension => dimension ?? 1 + Math.floor(random() * LONGEST_OPEN));
}

function fill([length = 1, ...rest]: readonly number[], make: () => unknown): unknown[] {
  return Array.from({ length }, () => (rest.length === 0 ? make() : fill(rest, make)));
}
