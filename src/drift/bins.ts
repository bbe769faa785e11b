import type { NumberProfile, Profile, TextProfile, WatchedProfile } from './profile.ts';

/** A feature's bins: the first counts what is missing, the others are the profile's. */
export interface FeatureBins {
  readonly name: string;
  /** Its place in an instance's list. */
  readonly place: number;
  readonly kind: WatchedProfile['type'];
  /** Of the reference, in the same order. */
  readonly reference: readonly number[];
  /** Which bin a value of a request falls into. */
  binOf(value: unknown): number;
}

/** By profile: worked out once. */
const compiled = new WeakMap<Profile, readonly FeatureBins[]>();

/** The features of a profile that are watched. */
export function binsOf(profile: Profile): readonly FeatureBins[] {
  let bins = compiled.get(profile);
  if (bins === undefined) {
    bins = profile.features.flatMap((feature, place) =>
      feature.type === 'unwatched' ? [] : [compile(feature, place)],
    );
    compiled.set(profile, bins);
  }
  return bins;
}

function compile(feature: WatchedProfile, place: number): FeatureBins {
  const { name, type: kind, missing } = feature;
  if (feature.type === 'number') {
    return { name, place, kind, reference: [missing, ...feature.counts], binOf: numberBins(feature) };
  }
  const reference = [missing, ...feature.top.map(([, many]) => many), feature.other];
  return { name, place, kind, reference, binOf: textBins(feature) };
}

/** As the stream reads numbers: a text that is one counts, and what is none is as good as missing. */
export function toNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

function numberBins({ edges }: Pick<NumberProfile, 'edges'>): (value: unknown) => number {
  const rounded = edges.map(Math.fround);
  return value => {
    const number = toNumber(value);
    return number === undefined ? 0 : 1 + placeAmong(rounded, Math.fround(number));
  };
}

/**
 * Training data often went through float32, as the model's input does, and requests did not: both are compared as float32, or a value that many rows share would lie beside its own bin.
 * @param edges and value as float32 @returns 0 below the first edge; i in [edge i − 1, edge i); as many as edges above the last, which belongs to the bin before.
 */
export function placeAmong(edges: readonly number[], value: number): number {
  const last = edges.length - 1;
  if (value === edges[last]) return last;
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((edges[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function textBins({ top, empty_is_missing }: TextProfile): (value: unknown) => number {
  const places = new Map(top.map(([text], i) => [text, i + 1]));
  const other = top.length + 1;
  return value => {
    if (value === undefined || value === null || (empty_is_missing && value === '')) return 0;
    return places.get(typeof value === 'string' ? value : String(value)) ?? other;
  };
}
