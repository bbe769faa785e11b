import type { StoredEvent } from '../core/hub-reader.ts';
import { Counts, type Group, restoreCounts, type StoredCounts, storeCounts } from './counts.ts';
import { type Delta, type Fold, further, keyOf, type Settled } from './fold.ts';
import { Recent } from './recent.ts';
import { Seen, type StoredSeen } from './seen.ts';

/** The newest layout of the blobs that this app understands; those of a newer one it leaves alone. */
export const STATE_SCHEMA = 1;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Windows that are written whole once they are closed. */
export const LONG_WINDOWS = { '1h': HOUR_MS, '24h': DAY_MS } as const;
export type LongWindow = keyof typeof LONG_WINDOWS;
const RECENT_RUNS = 512;
/** Groups that are kept; those that fell silent first are forgotten first. */
const MAX_GROUPS = 500;
const LAST = 20;

/** A window of ten seconds, as the live page wants it. */
export interface ShortWindow {
  readonly atMs: number;
  readonly model: string;
  readonly version: string;
  readonly variant: string | undefined;
  readonly requests: number;
  readonly deadLetters: number;
  readonly errors: number;
}

/** A window that is over: the same name and the same content whoever closes it. */
export interface ClosedWindow {
  readonly size: LongWindow;
  readonly atMs: number;
  readonly groups: readonly GroupCounts[];
}

export interface GroupCounts {
  readonly group: Group;
  readonly counts: Counts;
}

/** An ending of late, without what was asked. */
export type Brief = Readonly<Record<string, unknown>>;

/** What is known of one partition of results or dead letters up to its cursor. */
export class PartitionState {
  /** Of the hub that the cursor is in; another one by the same name begins anew. */
  hubCreatedAtMs = 0;
  /** The last event that was counted; -1 before the first. */
  cursor = -1;
  /** When it was enqueued. */
  cursorAtMs = 0;
  /** Events that had expired before they could be counted. */
  lost = 0;
  repeats = 0;
  unsure = 0;
  foreign = 0;
  /** How far its endings say that the requests partition is settled; undefined where none said so. */
  settled: Settled | undefined;
  seen = new Seen();
  runs = new Recent(RECENT_RUNS);
  readonly totals = new Map<string, GroupCounts>();
  readonly open: Record<LongWindow, Map<number, Map<string, GroupCounts>>> = { '1h': new Map(), '24h': new Map() };
  short: ShortWindow[] = [];
  last: Brief[] = [];

  /** Takes in what was counted up to an event. @returns windows that are over by then */
  take(fold: Fold, upTo: StoredEvent): readonly ClosedWindow[] {
    for (const delta of fold.deltas.values()) this.#add(delta);
    this.repeats += fold.repeats;
    this.unsure += fold.unsure;
    this.foreign += fold.foreign;
    this.settled = further(this.settled, fold.settled);
    this.cursor = upTo.sequenceNumber;
    this.cursorAtMs = upTo.enqueuedAtMs;
    this.last = [...this.last, ...fold.last.map(briefOf)].slice(-LAST);
    this.#forget();
    return this.closeBefore(upTo.enqueuedAtMs);
  }

  #add({ group, windowAtMs, counts }: Delta): void {
    addInto(this.totals, group, counts);
    for (const size of ['1h', '24h'] as const) {
      const atMs = Math.floor(windowAtMs / LONG_WINDOWS[size]) * LONG_WINDOWS[size];
      const window = this.open[size].get(atMs) ?? new Map<string, GroupCounts>();
      this.open[size].set(atMs, window);
      addInto(window, group, counts);
    }
    const { model, version, variant } = group;
    const { requests, results, errors } = counts;
    this.short.push({ atMs: windowAtMs, model, version, variant, requests, deadLetters: requests - results, errors });
  }

  #forget(): void {
    const newest = this.short.at(-1)?.atMs ?? 0;
    this.short = merged(this.short.filter(({ atMs }) => atMs > newest - HOUR_MS));
    if (this.totals.size <= MAX_GROUPS) return;
    const byAge = [...this.totals].sort(([, one], [, other]) => other.counts.lastAtMs - one.counts.lastAtMs);
    for (const [key] of byAge.slice(MAX_GROUPS)) this.totals.delete(key);
  }

  /** Windows that ended by a time, which are open no longer. */
  closeBefore(atMs: number): readonly ClosedWindow[] {
    const closed: ClosedWindow[] = [];
    for (const size of ['1h', '24h'] as const)
      for (const [from, groups] of this.open[size]) {
        if (from + LONG_WINDOWS[size] > atMs) continue;
        closed.push({ size, atMs: from, groups: [...groups.values()] });
        this.open[size].delete(from);
      }
    return closed;
  }
}

/** A window has no bitmap of buckets: those of a rollout are in the totals. */
function addInto(groups: Map<string, GroupCounts>, group: Group, counts: Counts): void {
  const key = keyOf(group);
  const before = groups.get(key);
  if (before !== undefined) before.counts.add(counts);
  else groups.set(key, { group, counts: new Counts().add(counts) });
}

function merged(windows: readonly ShortWindow[]): ShortWindow[] {
  const byKey = new Map<string, ShortWindow>();
  for (const window of windows) {
    const key = [window.atMs, window.model, window.version, window.variant ?? ''].join('\n');
    const before = byKey.get(key);
    byKey.set(key, {
      ...window,
      requests: window.requests + (before?.requests ?? 0),
      deadLetters: window.deadLetters + (before?.deadLetters ?? 0),
      errors: window.errors + (before?.errors ?? 0),
    });
  }
  return [...byKey.values()];
}

const SHOWN = [
  ...['request_id', 'result_id', 'model', 'model_version', 'prediction', 'confidence', 'variant', 'fallback'],
  ...['degraded', 'cached', 'enqueued_at', 'timestamp', 'failed_at', 'latency_ms', 'model_ms', 'error'],
];

/** Without features, and without the body of a dead letter. */
function briefOf({ body, enqueuedAtMs }: StoredEvent): Brief {
  const ending = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
  const shown = SHOWN.filter(name => ending[name] !== undefined).map(name => [name, ending[name]]);
  return { ...Object.fromEntries(shown), ended_at: new Date(enqueuedAtMs).toISOString() };
}

/** As JSON has it. */
export interface StoredGroup {
  readonly group: Group;
  readonly counts: StoredCounts;
}

interface StoredState {
  readonly schema: number;
  readonly hub_created_at_ms: number;
  readonly cursor: number;
  readonly cursor_at_ms: number;
  readonly lost: number;
  readonly repeats: number;
  readonly unsure: number;
  readonly foreign: number;
  readonly settled?: Settled | undefined;
  readonly seen: StoredSeen;
  readonly runs: readonly string[];
  readonly totals: readonly StoredGroup[];
  readonly open: Readonly<
    Record<LongWindow, readonly { readonly at_ms: number; readonly groups: readonly StoredGroup[] }[]>
  >;
  readonly short: readonly ShortWindow[];
  readonly last: readonly Brief[];
}

export const storeGroup = ({ group, counts }: GroupCounts): StoredGroup => ({ group, counts: storeCounts(counts) });
export const restoreGroup = ({ group, counts }: StoredGroup): GroupCounts => ({ group, counts: restoreCounts(counts) });

/** The state as JSON. The same state is the same bytes. */
export function storeState(state: PartitionState): string {
  const windows = (size: LongWindow) =>
    [...state.open[size]].map(([at_ms, groups]) => ({ at_ms, groups: [...groups.values()].map(storeGroup) }));
  const stored: StoredState = {
    schema: STATE_SCHEMA,
    hub_created_at_ms: state.hubCreatedAtMs,
    cursor: state.cursor,
    cursor_at_ms: state.cursorAtMs,
    lost: state.lost,
    repeats: state.repeats,
    unsure: state.unsure,
    foreign: state.foreign,
    settled: state.settled,
    seen: state.seen.store(),
    runs: state.runs.store(),
    totals: [...state.totals.values()].map(storeGroup),
    open: { '1h': windows('1h'), '24h': windows('24h') },
    short: state.short,
    last: state.last,
  };
  return JSON.stringify(stored);
}

/** A state that a newer app wrote: it must be left as it is. */
export class NewerState extends Error {
  override readonly name = 'NewerState';
}

/** @throws NewerState */
export function restoreState(text: string, path: string): PartitionState {
  const stored = JSON.parse(text) as StoredState;
  if (stored.schema > STATE_SCHEMA) {
    throw new NewerState(`${path}: schema ${stored.schema} is of a newer hubscore; this one knows ${STATE_SCHEMA}`);
  }
  const state = new PartitionState();
  state.hubCreatedAtMs = stored.hub_created_at_ms;
  state.cursor = stored.cursor;
  state.cursorAtMs = stored.cursor_at_ms;
  state.lost = stored.lost;
  state.repeats = stored.repeats;
  state.unsure = stored.unsure;
  state.foreign = stored.foreign;
  state.settled = stored.settled;
  state.seen = Seen.restore(stored.seen);
  state.runs = new Recent(RECENT_RUNS, stored.runs);
  for (const each of stored.totals) state.totals.set(keyOf(each.group), restoreGroup(each));
  for (const size of ['1h', '24h'] as const)
    for (const { at_ms, groups } of stored.open[size])
      state.open[size].set(at_ms, new Map(groups.map(each => [keyOf(each.group), restoreGroup(each)])));
  state.short = [...stored.short];
  state.last = [...stored.last];
  return state;
}
