import type { TableCounts } from '../core/table-scorer.ts';

/** What is told of a part of an input; parts add up. Plain JSON. */
export interface Statistics {
  readonly rows: { readonly scored: number; readonly rejected: number };
  /** Rejected rows by code. */
  readonly codes: Readonly<Record<string, number>>;
  /** Of `prediction_score` or `prediction`; of the first target where there are several. */
  readonly score: Spread & { readonly bins: readonly number[] };
  /** Scored rows by class. */
  readonly classes: Readonly<Record<string, number>>;
  /** By feature, of the rows read. */
  readonly features: Readonly<Record<string, FeatureStatistics>>;
  /** In the bins of the version's profile, where it has one. */
  readonly inputs?: TableCounts | undefined;
}

/** Moments of numbers. */
export interface Spread {
  readonly count: number;
  readonly mean: number;
  /** Sum of squared distances from the mean. */
  readonly m2: number;
  readonly min: number | null;
  readonly max: number | null;
}

export interface FeatureStatistics extends Spread {
  readonly missing: number;
  readonly not_numeric: number;
  readonly out_of_range: number;
  readonly unknown_category: number;
}

/** Scores are counted in fifths of 0 to 1: (0.0, 0.2] … (0.8, 1.0], 0 in the first of them. */
export const BINS = 5;

export const NO_SPREAD: Spread = { count: 0, mean: 0, m2: 0, min: null, max: null };

export const NO_STATISTICS: Statistics = {
  rows: { scored: 0, rejected: 0 },
  codes: {},
  score: { ...NO_SPREAD, bins: new Array<number>(BINS).fill(0) },
  classes: {},
  features: {},
};

export function mergeStatistics(one: Statistics, other: Statistics): Statistics {
  const features: Record<string, FeatureStatistics> = { ...one.features };
  for (const [name, more] of Object.entries(other.features)) {
    const known = features[name];
    features[name] = known === undefined ? more : mergeFeatures(known, more);
  }
  return {
    rows: {
      scored: one.rows.scored + other.rows.scored,
      rejected: one.rows.rejected + other.rows.rejected,
    },
    codes: added(one.codes, other.codes),
    score: {
      ...mergeSpreads(one.score, other.score),
      bins: one.score.bins.map((count, bin) => count + (other.score.bins[bin] ?? 0)),
    },
    classes: added(one.classes, other.classes),
    features,
    ...((one.inputs ?? other.inputs) && { inputs: mergeCounts(one.inputs, other.inputs) }),
  };
}

function mergeCounts(one: TableCounts | undefined, other: TableCounts | undefined): TableCounts | undefined {
  if (!one || !other) return one ?? other;
  return {
    rows: one.rows + other.rows,
    bins: one.bins.map((bins, feature) => bins.map((many, bin) => many + (other.bins[feature]?.[bin] ?? 0))),
  };
}

function mergeFeatures(one: FeatureStatistics, other: FeatureStatistics): FeatureStatistics {
  return {
    ...mergeSpreads(one, other),
    missing: one.missing + other.missing,
    not_numeric: one.not_numeric + other.not_numeric,
    out_of_range: one.out_of_range + other.out_of_range,
    unknown_category: one.unknown_category + other.unknown_category,
  };
}

/** T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979. */
export function mergeSpreads(one: Spread, other: Spread): Spread {
  if (one.count === 0 || other.count === 0) {
    const { count, mean, m2, min, max } = one.count === 0 ? other : one;
    return { count, mean, m2, min, max };
  }
  const count = one.count + other.count;
  const delta = other.mean - one.mean;
  return {
    count,
    mean: one.mean + (delta * other.count) / count,
    m2: one.m2 + other.m2 + (delta * delta * one.count * other.count) / count,
    min: Math.min(one.min as number, other.min as number),
    max: Math.max(one.max as number, other.max as number),
  };
}

/** Standard deviation of a population; null where there is nothing. */
export function deviationOf({ count, m2 }: Spread): number | null {
  return count === 0 ? null : Math.sqrt(m2 / count);
}

function added(
  one: Readonly<Record<string, number>>,
  other: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const sum: Record<string, number> = { ...one };
  for (const [name, count] of Object.entries(other)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
