import { lnUpperTail } from '../evidence/hypergeometric.ts';

/** One trial of the candidate, and what is known of the request that stands for it. */
export interface Observation {
  readonly isBad: boolean;
  /** By feature name; undefined where it is missing. Texts and numbers count, all else does not. */
  readonly features: Readonly<Record<string, unknown>>;
  readonly segments: readonly string[];
  /** What its routing key falls into; −1 where no rollout chose. */
  readonly bucket: number;
}

/** Where bad trials pile up. */
export interface Blame {
  /** `Contract = Two year` */
  readonly name: string;
  readonly bad: number;
  readonly trials: number;
  readonly badElsewhere: number;
  readonly trialsElsewhere: number;
  /** Of so many more bad ones in it by chance, times what was searched. */
  readonly p: number;
}

interface Slice {
  readonly name: string;
  readonly has: (observation: Observation) => boolean;
}

/** Values of one feature that are searched; a text with more is nothing that anybody groups by. */
const MOST_VALUES = 50;
const FEW_NUMBERS = 10;
const BINS = 5;
const MOST_BUCKETS = 20;
const BUCKET_GROUP = 1_000;
const MOST_NAMED = 3;

/**
 * Searches segments, values and ranges of features, and buckets for one that has more of the bad trials than its share, by Fisher's exact test, one-sided, at α over the number of what was
 * searched and could have been found at all (Bonferroni's bound as Tarone sharpened it, Biometrics 1990). What explains most is named first, and what comes behind it is sought among the trials outside it, so that what only goes with it is not named, too. None is named where the fault
 * is everywhere. Given the totals, where the bad trials lie says nothing of when a rollout was stopped, so stopping it does not make a chance finding.
 */
export function findBlame(observations: readonly Observation[], alpha = 0.05): readonly Blame[] {
  const slices = slicesOf(observations);
  const named: Blame[] = [];
  let left = observations;
  while (named.length < MOST_NAMED) {
    const found = worst(left, slices, alpha);
    if (found === undefined || found.blame.p > alpha) break;
    named.push(found.blame);
    left = left.filter(each => !found.slice.has(each));
  }
  return named;
}

/** In words: `Contract = Two year: 41 of 41 bad, 3 of 210 elsewhere`. */
export function blameInWords({ name, bad, trials, badElsewhere, trialsElsewhere }: Blame): string {
  return `${name}: ${bad} of ${trials} bad, ${badElsewhere} of ${trialsElsewhere} elsewhere`;
}

function worst(observations: readonly Observation[], slices: readonly Slice[], alpha: number) {
  const all = observations.length;
  const badOnes = observations.filter(({ isBad }) => isBad);
  if (badOnes.length === 0 || badOnes.length === all) return undefined;
  const counted = slices
    .map(slice => {
      const [bad, trials] = [badOnes.filter(slice.has).length, observations.filter(slice.has).length];
      const lnLeast = lnUpperTail(Math.min(trials, badOnes.length), trials, badOnes.length, all);
      return { slice, bad, trials, lnLeast, lnP: lnUpperTail(bad, trials, badOnes.length, all) };
    })
    .filter(({ trials }) => trials > 0 && trials < all);
  const found = counted.reduce(
    (least, each) => (each.lnP < least.lnP ? each : least),
    counted[0] as (typeof counted)[0],
  );
  if (found === undefined) return undefined;
  const searched = testable(
    counted.map(({ lnLeast }) => lnLeast),
    alpha,
  );
  const { slice, bad, trials, lnP } = found;
  const elsewhere = { badElsewhere: badOnes.length - bad, trialsElsewhere: all - trials };
  return { slice, blame: { name: slice.name, bad, trials, ...elsewhere, p: Math.min(1, Math.exp(lnP) * searched) } };
}

/** How many can be significant at α over their number, given the least p that each could have. */
function testable(lnLeast: readonly number[], alpha: number): number {
  for (let many = 1; ; many++) {
    const bound = Math.log(alpha / many);
    if (lnLeast.filter(least => least <= bound).length <= many) return many;
  }
}

function slicesOf(observations: readonly Observation[]): Slice[] {
  const segments = new Set(observations.flatMap(each => each.segments));
  const names = new Set(observations.flatMap(each => Object.keys(each.features)));
  return [
    ...[...segments].map(segment => ({
      name: `segment = ${segment}`,
      has: (each: Observation) => each.segments.includes(segment),
    })),
    ...[...names].flatMap(name => featureSlices(name, observations)),
    ...bucketSlices(observations),
  ];
}

function featureSlices(name: string, observations: readonly Observation[]): Slice[] {
  const values = observations.map(({ features }) => features[name]);
  const slices: Slice[] = [];
  if (values.some(value => value === undefined || value === null))
    slices.push({
      name: `${name} missing`,
      has: ({ features }) => features[name] === undefined || features[name] === null,
    });
  const texts = mostFrequent(values.filter(value => typeof value === 'string' || typeof value === 'boolean'));
  for (const text of texts) slices.push(valueSlice(name, text));
  const numbers = values.filter(value => typeof value === 'number');
  const distinct = [...new Set(numbers)].sort((one, other) => one - other);
  if (distinct.length <= FEW_NUMBERS) return [...slices, ...distinct.map(value => valueSlice(name, value))];
  return [...slices, ...rangeSlices(name, numbers)];
}

function valueSlice(name: string, value: unknown): Slice {
  return { name: `${name} = ${String(value)}`, has: ({ features }) => features[name] === value };
}

/** Fifths of the values that came, and all below and all from each of their edges on. */
function rangeSlices(name: string, numbers: readonly number[]): Slice[] {
  const sorted = [...numbers].sort((one, other) => one - other);
  const edges = [
    ...new Set(
      Array.from({ length: BINS - 1 }, (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / BINS)] as number),
    ),
  ];
  const slice = (words: string, from: number, to: number): Slice => ({
    name: words,
    has({ features }) {
      const value = features[name];
      return typeof value === 'number' && value >= from && value < to;
    },
  });
  const shown = (value: number) => String(Number(value.toPrecision(6)));
  return edges.flatMap((edge, i) => {
    const next = edges[i + 1];
    return [
      slice(`${name} < ${shown(edge)}`, Number.NEGATIVE_INFINITY, edge),
      slice(`${name} ≥ ${shown(edge)}`, edge, Number.POSITIVE_INFINITY),
      ...(next === undefined ? [] : [slice(`${name} from ${shown(edge)} to below ${shown(next)}`, edge, next)]),
    ];
  });
}

/** Those of the callers that came most, and neighbours by 1,000. */
function bucketSlices(observations: readonly Observation[]): Slice[] {
  const buckets = observations.map(({ bucket }) => bucket).filter(bucket => bucket >= 0);
  const groups = [...new Set(buckets.map(bucket => Math.floor(bucket / BUCKET_GROUP)))];
  return [
    ...mostFrequent(buckets, MOST_BUCKETS).map(bucket => ({
      name: `bucket ${bucket}`,
      has: (each: Observation) => each.bucket === bucket,
    })),
    ...groups.map(group => ({
      name: `buckets ${group * BUCKET_GROUP} to ${(group + 1) * BUCKET_GROUP - 1}`,
      has: (each: Observation) => Math.floor(each.bucket / BUCKET_GROUP) === group,
    })),
  ];
}

function mostFrequent<T>(values: readonly T[], most = MOST_VALUES): readonly T[] {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .slice(0, most)
    .map(([value]) => value);
}
