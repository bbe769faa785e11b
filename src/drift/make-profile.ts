import type { Feature } from '../core/model.ts';
import { placeAmong, toNumber } from './bins.ts';
import {
  CONFIDENCE_BINS,
  type FeatureProfile,
  MAX_WATCHED,
  type NumberProfile,
  type Profile,
  type TextProfile,
} from './profile.ts';

/** Rows that a profile is made of: of more, as many are picked evenly. */
export const MAX_PROFILE_ROWS = 100_000;
const DECILES = 10;
const TOP = 50;

export interface ProfileParts {
  readonly features: readonly Pick<Feature, 'name' | 'type' | 'input' | 'fill'>[];
  /** Values by the place of their feature; a text that is a number is one. */
  readonly rows: readonly (readonly unknown[])[];
  readonly reference: Profile['reference'];
  /** What the version said of them: labels as JSON, and confidences. */
  readonly answers?: readonly { readonly label: string; readonly confidence: number | undefined }[] | undefined;
}

/** What so many rows look like. */
export function makeProfile({ features, rows, reference, answers }: ProfileParts): Profile {
  return {
    schema: 1,
    rows: rows.length,
    reference,
    features: features.map((feature, place) => profileOf(feature, place, rows)),
    ...(answers !== undefined && answers.length > 0 && answered(answers)),
  };
}

function profileOf(
  { name, type, input, fill }: ProfileParts['features'][number],
  place: number,
  rows: ProfileParts['rows'],
): FeatureProfile {
  const about = { name, input };
  const values = type === 'tensor' || place >= MAX_WATCHED ? [] : rows.map(row => row[place]);
  if (type === 'string' && values.length > 0) return { ...about, ...textProfile(values, fill !== undefined) };
  const numbers = type === 'number' ? values.map(toNumber) : [];
  return numbers.some(number => number !== undefined)
    ? { ...about, ...numberProfile(numbers) }
    : { ...about, type: 'unwatched' };
}

function numberProfile(values: readonly (number | undefined)[]): Omit<NumberProfile, 'name' | 'input'> {
  const sorted = Float64Array.from(values.filter(value => value !== undefined)).sort();
  const many = sorted.length;
  const edges = edgesOf(sorted);
  const rounded = edges.map(Math.fround);
  const counts = new Array<number>(edges.length + 1).fill(0);
  let [sum, squares] = [0, 0];
  for (const value of sorted) {
    const bin = placeAmong(rounded, Math.fround(value));
    counts[bin] = (counts[bin] ?? 0) + 1;
    sum += value;
  }
  const mean = sum / many;
  for (const value of sorted) squares += (value - mean) ** 2;
  const sd = Math.sqrt(squares / Math.max(1, many - 1));
  const [min, max] = [sorted[0] as number, sorted[many - 1] as number];
  return { type: 'number', edges, counts, missing: values.length - many, min, max, mean, sd };
}

/** A value that fills a whole decile by itself, as zeros and flags do, is a bin of its own: the next that there is begins another. */
function edgesOf(sorted: Float64Array): number[] {
  const many = sorted.length;
  const at = (i: number) => sorted[Math.min(many - 1, i)] as number;
  const deciles = Array.from({ length: DECILES }, (_, i) => at(Math.floor((i * many) / DECILES)));
  const edges = new Set(deciles);
  deciles.forEach((value, i) => {
    if (value !== (deciles[i + 1] ?? at(many))) return;
    const next = sorted.find(other => other > value);
    if (next !== undefined) edges.add(next);
  });
  return [...[...edges].sort((one, other) => one - other), at(many)];
}

function textProfile(values: readonly unknown[], emptyIsMissing: boolean): Omit<TextProfile, 'name' | 'input'> {
  const counts = new Map<string, number>();
  let [missing, other] = [0, 0];
  for (const value of values) {
    if (value === undefined || value === null || (emptyIsMissing && value === '')) missing++;
    else counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
  }
  // One that came up now and then is none of the texts that are expected: of free texts, none is.
  const least = values.length < 500 ? 2 : 5;
  const ranked = [...counts].sort(([a, one], [b, two]) => two - one || (a < b ? -1 : 1));
  const top = ranked.filter(([, many], i) => i < TOP && many >= least);
  for (const [, many] of ranked.slice(top.length)) other += many;
  return { type: 'string', top, other, missing, ...(emptyIsMissing && { empty_is_missing: true }) };
}

function answered(answers: NonNullable<ProfileParts['answers']>): Pick<Profile, 'classes' | 'confidences'> {
  const classes = new Map<string, number>();
  const confidences = new Array<number>(CONFIDENCE_BINS).fill(0);
  for (const { label, confidence } of answers) {
    classes.set(label, (classes.get(label) ?? 0) + 1);
    if (confidence === undefined) continue;
    const bin = Math.min(CONFIDENCE_BINS - 1, Math.max(0, Math.floor(confidence * CONFIDENCE_BINS)));
    confidences[bin] = (confidences[bin] ?? 0) + 1;
  }
  return { classes: Object.fromEntries([...classes].sort(([a], [b]) => (a < b ? -1 : 1))), confidences };
}

/** Picks at most so many rows of any number, each with the same chance and the same ones each time (Vitter's algorithm R). */
export class RowSample<T> {
  readonly rows: T[] = [];
  seen = 0;
  readonly #most: number;

  constructor(most = MAX_PROFILE_ROWS) {
    this.#most = most;
  }

  add(row: T): void {
    const i = this.seen++;
    if (i < this.#most) {
      this.rows.push(row);
      return;
    }
    const place = Math.floor((scrambled(i) / 2 ** 32) * this.seen);
    if (place < this.#most) this.rows[place] = row;
  }
}

/** MurmurHash3's finaliser: neighbours end far apart. */
function scrambled(i: number): number {
  let h = i | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
