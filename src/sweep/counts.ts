import { addTo, type Histogram } from './histogram.ts';

/** Buckets that routing keys fall into. */
export const BUCKETS = 10_000;
const CONFIDENCE_BINS = 20;
/** A model with more classes is none whose classes anybody compares; a regressor never gets here. */
const MAX_CLASSES = 100;

/** What is counted apart from all else: one arm of one rollout at one weight, or what no rollout chose. */
export interface Group {
  readonly model: string;
  /** As results name it, with the build behind a plus. */
  readonly version: string;
  readonly variant: string | undefined;
  readonly rollout: string | undefined;
  /** Of the candidate when the request was enqueued, per cent; undefined where no rollout chose, or its document is no longer known. */
  readonly weight: number | undefined;
}

/** Integers all, so that adding is merging and a replay comes to the same. */
export class Counts {
  /** Endings of any kind. */
  requests = 0;
  results = 0;
  /** By code. */
  deadLetters = new Map<string, number>();
  fallbacks = 0;
  degraded = 0;
  cached = 0;
  /** Requests that ended badly through the model's fault, every one. */
  errors = 0;
  /** Trials of the error rate: rows that failed together are one, faults of producers none. */
  trials = 0;
  bad = 0;
  /** Runs of the model, however many requests shared one. */
  runs = 0;
  failedRuns = 0;
  /** Routed otherwise than the formula says for their bucket. */
  misrouted = 0;
  /** Of runs, in the model. */
  modelTimes: Histogram = new Map();
  /** Of requests, from enqueued to scored. */
  latencies: Histogram = new Map();
  confidences = new Array<number>(CONFIDENCE_BINS).fill(0);
  /** By predicted label as JSON. */
  classes = new Map<string, number>();
  /** Of the buckets of routing keys, those that were seen: a bit each. */
  buckets: Uint8Array | undefined;
  /** When the first and the last of its requests were enqueued, milliseconds since the epoch. */
  firstAtMs = Number.POSITIVE_INFINITY;
  lastAtMs = 0;

  see(bucket: number): void {
    this.buckets ??= new Uint8Array(BUCKETS / 8);
    const at = bucket >> 3;
    this.buckets[at] = (this.buckets[at] ?? 0) | (1 << (bucket & 7));
  }

  addConfidence(confidence: number): void {
    const bin = Math.min(CONFIDENCE_BINS - 1, Math.max(0, Math.floor(confidence * CONFIDENCE_BINS)));
    this.confidences[bin] = (this.confidences[bin] ?? 0) + 1;
  }

  addClass(label: string): void {
    const before = this.classes.get(label);
    if (before !== undefined) this.classes.set(label, before + 1);
    else if (this.classes.size < MAX_CLASSES) this.classes.set(label, 1);
  }

  add(other: Counts): this {
    for (const name of SCALARS) this[name] += other[name];
    for (const [code, many] of other.deadLetters) this.deadLetters.set(code, (this.deadLetters.get(code) ?? 0) + many);
    for (const [bucket, many] of other.modelTimes) addTo(this.modelTimes, bucket, many);
    for (const [bucket, many] of other.latencies) addTo(this.latencies, bucket, many);
    this.confidences = this.confidences.map((many, bin) => many + (other.confidences[bin] ?? 0));
    for (const [label, many] of other.classes) this.classes.set(label, (this.classes.get(label) ?? 0) + many);
    if (other.buckets !== undefined) {
      const own = this.buckets ?? new Uint8Array(BUCKETS / 8);
      this.buckets = own;
      other.buckets.forEach((bits, at) => {
        own[at] = (own[at] ?? 0) | bits;
      });
    }
    this.firstAtMs = Math.min(this.firstAtMs, other.firstAtMs);
    this.lastAtMs = Math.max(this.lastAtMs, other.lastAtMs);
    return this;
  }

  /** How many distinct buckets were seen. */
  get distinctBuckets(): number {
    let many = 0;
    for (const bits of this.buckets ?? []) many += bitCount(bits);
    return many;
  }
}

const SCALARS = [
  ...(['requests', 'results', 'fallbacks', 'degraded', 'cached', 'errors'] as const),
  ...(['trials', 'bad', 'runs', 'failedRuns', 'misrouted'] as const),
];

function bitCount(bits: number): number {
  let many = 0;
  for (let left = bits; left > 0; left &= left - 1) many++;
  return many;
}

/** Counts as JSON, without what is nothing. */
export type StoredCounts = Readonly<Record<string, unknown>>;

export function storeCounts(counts: Counts): StoredCounts {
  const stored: Record<string, unknown> = {};
  for (const name of SCALARS) if (counts[name] > 0) stored[name] = counts[name];
  for (const name of ['deadLetters', 'modelTimes', 'latencies', 'classes'] as const)
    if (counts[name].size > 0) stored[name] = Object.fromEntries(sorted(counts[name]));
  if (counts.confidences.some(many => many > 0)) stored.confidences = counts.confidences;
  if (counts.buckets !== undefined) stored.buckets = Buffer.from(counts.buckets).toString('base64');
  if (counts.lastAtMs > 0) Object.assign(stored, { firstAtMs: counts.firstAtMs, lastAtMs: counts.lastAtMs });
  return stored;
}

/** By key, so that the same counts are the same bytes. */
function sorted(map: ReadonlyMap<string | number, number>): [string | number, number][] {
  return [...map].sort(([one], [other]) => (one < other ? -1 : 1));
}

export function restoreCounts(stored: StoredCounts): Counts {
  const counts = new Counts();
  for (const name of SCALARS) counts[name] = Number(stored[name] ?? 0);
  counts.deadLetters = textMap(stored.deadLetters);
  counts.classes = textMap(stored.classes);
  counts.modelTimes = numberMap(stored.modelTimes);
  counts.latencies = numberMap(stored.latencies);
  if (Array.isArray(stored.confidences)) counts.confidences = stored.confidences.map(Number);
  if (typeof stored.buckets === 'string') counts.buckets = new Uint8Array(Buffer.from(stored.buckets, 'base64'));
  counts.firstAtMs = Number(stored.firstAtMs ?? Number.POSITIVE_INFINITY);
  counts.lastAtMs = Number(stored.lastAtMs ?? 0);
  return counts;
}

const textMap = (stored: unknown) => new Map(Object.entries((stored ?? {}) as Record<string, number>));
const numberMap = (stored: unknown) =>
  new Map(Object.entries((stored ?? {}) as Record<string, number>).map(([bucket, many]) => [Number(bucket), many]));
