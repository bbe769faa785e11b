import { groupBy } from './group-by.ts';

/** What came out of the results or the dead-letter hub, reduced to what the view shows. */
export interface Seen {
  readonly kind: 'result' | 'dead-letter';
  readonly model: string | undefined;
  readonly version: string | undefined;
  /** When it entered its hub, milliseconds since the epoch. */
  readonly atMs: number;
  /** From its request's enqueueing to its own. */
  readonly latencyMs: number | undefined;
  readonly partition: string;
  /** The sequence number up to which the requests partition is settled. */
  readonly settledThrough: number | undefined;
  readonly requestId: string;
  /** The prediction, or why there is none. */
  readonly said: string;
}

export interface ModelRow {
  readonly model: string;
  readonly version: string;
  readonly perSecond: number;
  readonly scored: number;
  readonly deadLetters: number;
  readonly p50: number | undefined;
  readonly p95: number | undefined;
  readonly p99: number | undefined;
}

export interface Snapshot {
  readonly elapsedMs: number;
  readonly sentPerSecond: number;
  /** By model, then version. */
  readonly rows: readonly ModelRow[];
  readonly all: ModelRow;
  /** Requests not yet settled, by partition; undefined where it is not known yet. */
  readonly lag: readonly { readonly partition: string; readonly events: number | undefined }[];
  /** Endings a second over the last seconds, oldest first. */
  readonly history: readonly number[];
  /** The newest first. */
  readonly results: readonly Seen[];
  readonly deadLetters: readonly Seen[];
}

const WINDOW_MS = 10_000;
const HISTORY_SECONDS = 240;
const REMEMBERED = 20;
const NO_MODEL = '(no model reached)';
/** Endings kept for the window's percentiles; beyond it the oldest go. */
const MOST_IN_WINDOW = 50_000;

interface Tally {
  readonly model: string;
  readonly version: string;
  scored: number;
  deadLetters: number;
}

/** Gathers what the live view shows: rates and latencies over the last ten seconds, counts since the start. */
export class Statistics {
  private readonly startedAtMs: number;
  private readonly tallies = new Map<string, Tally>();
  private window: Seen[] = [];
  private sent: { atMs: number; requests: number }[] = [];
  private readonly perSecond = new Map<number, number>();
  private readonly lastEnqueued = new Map<string, number>();
  private readonly settled = new Map<string, number>();
  private results: Seen[] = [];
  private deadLetters: Seen[] = [];

  constructor(startedAtMs: number) {
    this.startedAtMs = startedAtMs;
  }

  addSent(requests: number, atMs: number): void {
    this.sent.push({ atMs, requests });
  }

  addSeen(seen: Seen): void {
    const { kind, partition } = seen;
    const name = nameOf(seen);
    const tally = this.tallies.get(name) ?? { ...modelOf(seen), scored: 0, deadLetters: 0 };
    this.tallies.set(name, tally);
    if (kind === 'result') {
      tally.scored++;
      this.results = [seen, ...this.results].slice(0, REMEMBERED);
    } else {
      tally.deadLetters++;
      this.deadLetters = [seen, ...this.deadLetters].slice(0, REMEMBERED);
    }
    this.window.push(seen);
    const second = Math.floor(seen.atMs / 1000);
    this.perSecond.set(second, (this.perSecond.get(second) ?? 0) + 1);
    if (seen.settledThrough !== undefined) {
      this.settled.set(partition, Math.max(seen.settledThrough, this.settled.get(partition) ?? -1));
    }
  }

  /** The last sequence number of a requests partition; -1 where it is empty. */
  setLastEnqueued(partition: string, sequenceNumber: number): void {
    this.lastEnqueued.set(partition, sequenceNumber);
  }

  snapshot(nowMs: number): Snapshot {
    this.forgetOld(nowMs);
    const seconds = Math.min(WINDOW_MS, Math.max(1000, nowMs - this.startedAtMs)) / 1000;
    const row = (tally: Tally, seen: readonly Seen[]): ModelRow => {
      const latencies = seen.flatMap(({ latencyMs }) => latencyMs ?? []).sort((a, b) => a - b);
      return {
        ...tally,
        perSecond: seen.length / seconds,
        p50: percentile(latencies, 0.5),
        p95: percentile(latencies, 0.95),
        p99: percentile(latencies, 0.99),
      };
    };
    const byName = groupBy(this.window, nameOf);
    const rows = [...this.tallies].map(([name, tally]) => row(tally, byName.get(name) ?? []));
    const total = { model: 'all', version: '', scored: 0, deadLetters: 0 };
    for (const { scored, deadLetters } of rows) {
      total.scored += scored;
      total.deadLetters += deadLetters;
    }
    return {
      elapsedMs: nowMs - this.startedAtMs,
      sentPerSecond: this.sent.reduce((sum, { requests }) => sum + requests, 0) / seconds,
      rows: rows.sort(byModelThenVersion),
      all: row(total, this.window),
      lag: [...this.lastEnqueued.keys()].sort((a, b) => Number(a) - Number(b)).map(id => this.lagOf(id)),
      history: this.history(nowMs),
      results: this.results,
      deadLetters: this.deadLetters,
    };
  }

  private lagOf(partition: string): { partition: string; events: number | undefined } {
    const last = this.lastEnqueued.get(partition) as number;
    const settled = this.settled.get(partition);
    if (settled === undefined) return { partition, events: last === -1 ? 0 : undefined };
    return { partition, events: Math.max(0, last - settled) };
  }

  /** Whole seconds only: the one under way would always look low. */
  private history(nowMs: number): number[] {
    const current = Math.floor(nowMs / 1000);
    const first = Math.max(current - HISTORY_SECONDS, Math.floor(this.startedAtMs / 1000) + 1);
    return Array.from({ length: Math.max(0, current - first) }, (_, i) => this.perSecond.get(first + i) ?? 0);
  }

  private forgetOld(nowMs: number): void {
    const oldest = nowMs - WINDOW_MS;
    this.window = this.window.filter(({ atMs }) => atMs > oldest).slice(-MOST_IN_WINDOW);
    this.sent = this.sent.filter(({ atMs }) => atMs > oldest);
    for (const second of this.perSecond.keys()) {
      if (second < nowMs / 1000 - HISTORY_SECONDS - 2) this.perSecond.delete(second);
    }
  }
}

/** What never reached a version stands in a row of its own, whatever model it asked for. */
function modelOf({ kind, model, version }: Seen): { model: string; version: string } {
  if (kind === 'dead-letter' && version === undefined) return { model: NO_MODEL, version: '' };
  return { model: model ?? NO_MODEL, version: version ?? '' };
}

function nameOf(seen: Seen): string {
  const { model, version } = modelOf(seen);
  return `${model} ${version}`;
}

function byModelThenVersion(a: ModelRow, b: ModelRow): number {
  const last = ({ model }: ModelRow) => (model === NO_MODEL ? 1 : 0);
  return last(a) - last(b) || a.model.localeCompare(b.model) || a.version.localeCompare(b.version);
}

/** Nearest rank. */
function percentile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}
