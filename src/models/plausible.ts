import { toHalf } from '../core/half.ts';
import type { Feature } from '../core/model.ts';
import type { TensorData, TensorType } from '../core/tensor.ts';

/** How the instances of a plan are made up where the card leaves it open. */
export interface Choice {
  /** Length of an open dimension. */
  readonly open: number;
  /** Undefined: 0 in the first row, then 0 to 3. */
  readonly integer?: number;
  /** Undefined: 0 in the first row, then of either sign. */
  readonly float?: number;
  readonly texts: 'words' | 'numbers';
}

/** What a model of texts is timed with: an empty one would cost it nothing. */
export const WORDS = 'could you please tell me when the order from last week will be delivered, thank you';

export function textFor(
  feature: Feature | undefined,
  i: number,
  first: boolean,
  alone: boolean,
  choice: Choice,
): string {
  if (feature?.categories) return feature.categories[0] as string;
  if (choice.texts === 'numbers')
    return typeof feature?.fill === 'string' && first ? feature.fill : String((i * 7) % 10);
  if (alone && !first) return WORDS;
  return typeof feature?.fill === 'string' ? feature.fill : '';
}

/** The example's own, in later rows up to a tenth more. */
export function exampleNumber(feature: Feature | undefined, value: number, share: number, type: TensorType): number {
  const varied = type.startsWith('float') ? value * (1 + share / 10) : value;
  const inRange = feature?.range ? Math.min(Math.max(varied, feature.range[0]), feature.range[1]) : varied;
  return scaled(feature, inRange);
}

export function floatFor(feature: Feature | undefined, share: number | undefined, fixed: number | undefined): number {
  const range = feature?.range;
  if (fixed !== undefined && !range) return scaled(feature, fixed + (share ?? 0) / 10);
  if (share === undefined) return feature ? scaled(feature, nearestToZero(feature)) : 0;
  return scaled(feature, range ? range[0] + share * (range[1] - range[0]) : anyNumber(share));
}

export function integerFor(
  feature: Feature | undefined,
  share: number | undefined,
  fixed: number | undefined,
  type: TensorType,
): number {
  if (feature?.range) {
    const [low, high] = [Math.ceil(feature.range[0]), Math.floor(feature.range[1])];
    return share === undefined ? Math.round(nearestToZero(feature)) : low + Math.floor(share * (high - low + 1));
  }
  if (fixed !== undefined) return fixed;
  return Math.floor((share ?? 0) * (type === 'bool' ? 2 : 4));
}

function nearestToZero({ range }: Feature): number {
  return Math.min(Math.max(0, range?.[0] ?? 0), range?.[1] ?? 0);
}

function scaled(feature: Feature | undefined, value: number): number {
  return feature?.scale ? (value - feature.scale.mean) / feature.scale.std : value;
}

export function store(data: Exclude<TensorData, string[]>, at: number, value: number, type: TensorType): void {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[at] = BigInt(Math.trunc(value));
  else data[at] = type === 'float16' ? toHalf(Math.min(Math.max(value, -60_000), 60_000)) : value;
}

/** Numbers of either sign, most of them between 0.1 and 1000 in size. */
function anyNumber(share: number): number {
  const size = 10 ** (((share * 2) % 1) * 4 - 1);
  return share < 0.5 ? -size : size;
}

/** The same share of 1 for the same index (Knuth's multiplicative hash). */
export function pseudoRandom(index: number): number {
  return (Math.imul(index, 2654435761) >>> 0) / 2 ** 32;
}
