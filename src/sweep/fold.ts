import type { StoredEvent } from '../core/hub-reader.ts';
import { Counts, type Group } from './counts.ts';
import { addTo, bucketOf } from './histogram.ts';
import { OWN_FAULTS, readLetter, readResult, type SourceOf, sourceOf } from './read-ending.ts';
import type { Recent } from './recent.ts';
import type { Seen } from './seen.ts';

export type EndingKind = 'results' | 'dead-letters';

/** The candidate's weight, per cent, at which a request was routed; undefined where the rollout's document does not tell any more. */
export type WeightOf = (model: string, rollout: string, revision: number, enqueuedAtMs: number) => number | undefined;

/** What was counted since it was begun, by group and by windows of ten seconds. */
export interface Delta {
  readonly group: Group;
  readonly windowAtMs: number;
  readonly counts: Counts;
}

export interface FoldOptions {
  readonly kind: EndingKind;
  readonly seen: Seen;
  readonly runs: Recent;
  readonly weightOf: WeightOf;
  /** Told of each result: what labels are held against. */
  readonly onResult?: ((event: StoredEvent, group: Group, enqueuedAtMs: number) => void) | undefined;
}

/** Up to which event of which life of the requests partition all is settled. */
export interface Settled {
  /** When the requests hub was made, as endings say it; 0 where they do not. */
  readonly log: number;
  readonly through: number;
}

export const WINDOW_MS = 10_000;
const LAST = 20;

/** Counts the endings of one partition, each once, in the order of the hub. */
export class Fold {
  readonly deltas = new Map<string, Delta>();
  /** Endings that came again. */
  repeats = 0;
  /** Endings of events so long ago that nobody knows whether they were counted; they are not. */
  unsure = 0;
  /** Events that are no endings of ours. */
  foreign = 0;
  /** The furthest that an ending said; undefined where none did. */
  settled: Settled | undefined;
  readonly #options: FoldOptions;
  readonly #last: StoredEvent[] = [];
  #properties: StoredEvent['properties'] = {};
  #windowAtMs = -1;
  #delta: Delta | undefined;
  #key = '';
  #timeText = '';
  #timeMs = 0;

  constructor(options: FoldOptions) {
    this.#options = options;
  }

  /** The newest that were counted, the oldest of them first. */
  get last(): readonly StoredEvent[] {
    return this.#last.slice(-LAST);
  }

  add(event: StoredEvent): void {
    const source = sourceOf(event);
    if (source === undefined) {
      this.foreign++;
      return;
    }
    this.#settle(event);
    const isCounted =
      this.#options.kind === 'results' ? this.#addResult(event, source) : this.#addLetter(event, source);
    if (!isCounted) return;
    this.#last.push(event);
    if (this.#last.length > 10 * LAST) this.#last.splice(0, this.#last.length - LAST);
  }

  #settle({ properties: { settled_through, source_log } }: StoredEvent): void {
    const through = Number(settled_through ?? Number.NaN);
    if (Number.isSafeInteger(through)) this.settled = further(this.settled, { log: Number(source_log ?? 0), through });
  }

  #isNew({ sequenceNumber, part }: SourceOf): boolean {
    const sighting = this.#options.seen.see(sequenceNumber, part);
    if (sighting === 'repeat') this.repeats++;
    else if (sighting === 'unsure') this.unsure++;
    return sighting === 'new';
  }

  #addResult(event: StoredEvent, source: SourceOf): boolean {
    const facts = readResult(event.body);
    if (facts === undefined) {
      this.foreign++;
      return false;
    }
    if (!this.#isNew(source)) return false;
    const enqueuedAtMs = this.#time(facts.enqueuedAt);
    const { counts, group } = this.#deltaOf(event, enqueuedAtMs);
    counts.results++;
    this.#addRequest(counts, event, group, enqueuedAtMs);
    addTo(counts.latencies, bucketOf(facts.latencyMs));
    if (facts.confidence !== undefined) counts.addConfidence(facts.confidence);
    if (facts.label !== undefined) counts.addClass(facts.label);
    const standIn = facts.fallback || facts.degraded;
    if (facts.fallback) counts.fallbacks++;
    if (facts.degraded) counts.degraded++;
    if (standIn || facts.failedRows > 0) counts.errors++;
    if (facts.cached) {
      counts.cached++;
      counts.trials++;
      return this.#told(event, group, enqueuedAtMs);
    }
    const isNewRun = this.#options.runs.add(`${this.#key}${facts.timestamp}${facts.modelMs}${standIn ? 's' : ''}`);
    if (isNewRun) {
      counts.runs++;
      addTo(counts.modelTimes, bucketOf(facts.modelMs));
      if (standIn) counts.failedRuns++;
    }
    // Rows that something stood in for in one run failed together.
    if (!standIn) counts.trials++;
    else if (isNewRun) {
      counts.trials++;
      counts.bad++;
    }
    if (!standIn && facts.failedRows > 0) counts.bad++;
    return this.#told(event, group, enqueuedAtMs);
  }

  #told(event: StoredEvent, group: Group, enqueuedAtMs: number): true {
    this.#options.onResult?.(event, group, enqueuedAtMs);
    return true;
  }

  #addLetter(event: StoredEvent, source: SourceOf): boolean {
    const facts = readLetter(event.body);
    if (facts === undefined) {
      this.foreign++;
      return false;
    }
    if (!this.#isNew(source)) return false;
    const enqueuedAtMs = this.#time(facts.enqueuedAt);
    const { counts, group } = this.#deltaOf(event, enqueuedAtMs);
    this.#addRequest(counts, event, group, enqueuedAtMs);
    counts.deadLetters.set(facts.code, (counts.deadLetters.get(facts.code) ?? 0) + 1);
    if (!OWN_FAULTS.has(facts.code)) return true; // the producer's, or nobody's
    counts.errors++;
    const { run, code } = facts;
    if (code !== 'model_unavailable' && (run === undefined || run.failed < run.rows)) {
      counts.trials++;
      counts.bad++;
      return true;
    }
    // A run that failed whole is one bad trial, however many rows it had.
    if (this.#options.runs.add(`${this.#key}${facts.failedAt}f${run?.rows ?? ''}`)) {
      counts.trials++;
      counts.bad++;
      counts.runs++;
      counts.failedRuns++;
    }
    return true;
  }

  #addRequest(counts: Counts, { properties }: StoredEvent, { variant, weight }: Group, enqueuedAtMs: number): void {
    counts.requests++;
    if (enqueuedAtMs < counts.firstAtMs) counts.firstAtMs = enqueuedAtMs;
    if (enqueuedAtMs > counts.lastAtMs) counts.lastAtMs = enqueuedAtMs;
    const bucket = Number(properties.bucket);
    if (variant === undefined || !(bucket >= 0)) return;
    counts.see(bucket);
    if (weight !== undefined && (variant === 'candidate') !== bucket < weight * 100) counts.misrouted++;
  }

  #deltaOf({ properties, enqueuedAtMs: endedAtMs }: StoredEvent, enqueuedAtMs: number): Delta {
    const windowAtMs = Math.floor(endedAtMs / WINDOW_MS) * WINDOW_MS;
    const before = this.#properties;
    const isSame =
      windowAtMs === this.#windowAtMs &&
      properties.model === before.model &&
      properties.model_version === before.model_version &&
      properties.variant === before.variant &&
      properties.rollout === before.rollout &&
      properties.revision === before.revision;
    const model = textOf(properties.model) ?? '';
    const rollout = textOf(properties.rollout);
    const weight =
      rollout === undefined
        ? undefined
        : this.#options.weightOf(model, rollout, Number(properties.revision), enqueuedAtMs);
    if (isSame && this.#delta !== undefined && this.#delta.group.weight === weight) return this.#delta;
    this.#properties = properties;
    this.#windowAtMs = windowAtMs;
    const version = textOf(properties.model_version) ?? '';
    const group: Group = { model, version, variant: textOf(properties.variant), rollout, weight };
    this.#key = `${keyOf(group)}\n`;
    const key = `${this.#key}${windowAtMs}`;
    let delta = this.deltas.get(key);
    if (delta === undefined) {
      delta = { group, windowAtMs, counts: new Counts() };
      this.deltas.set(key, delta);
    }
    this.#delta = delta;
    return delta;
  }

  /** Requests that came together share their time's text. */
  #time(text: string): number {
    if (text !== this.#timeText) {
      this.#timeText = text;
      this.#timeMs = Date.parse(text) || 0;
    }
    return this.#timeMs;
  }
}

/** Whichever reaches further: an instance that lost the partition may append late, with an older mark. */
export function further(one: Settled | undefined, other: Settled | undefined): Settled | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  if (one.log !== other.log) return one.log > other.log ? one : other;
  return one.through >= other.through ? one : other;
}

/** Tells groups apart. */
export function keyOf({ model, version, variant, rollout, weight }: Group): string {
  return [model, version, variant ?? '', rollout ?? '', weight ?? ''].join('\n');
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : undefined;
}
