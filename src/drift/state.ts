import { NewerState } from '../sweep/partition-state.ts';
import { addInputs, addRow, type InputCounts, noInputs } from './counts.ts';
import type { Profile } from './profile.ts';

/** The newest layout of the blobs that this app understands. */
export const DRIFT_SCHEMA = 1;
export const HOUR_MS = 3_600_000;

/** What is counted apart: a version, by the profile whose bins it is counted in. */
export interface WatchedVersion {
  readonly model: string;
  readonly version: string;
  /** Tells one profile from another. */
  readonly profile: string;
}

export interface VersionInputs extends WatchedVersion {
  readonly counts: InputCounts;
}

export const watchedKey = ({ model, version, profile }: WatchedVersion) => `${model}\n${version}\n${profile}`;

export interface ClosedHour {
  readonly atMs: number;
  readonly versions: readonly VersionInputs[];
}

/** What is known of one partition of requests up to its cursor. */
export class RequestsState {
  hubCreatedAtMs = 0;
  /** The last event that was looked at; -1 before the first. */
  cursor = -1;
  cursorAtMs = 0;
  /** Events that expired, or were passed over since too many waited. */
  lost = 0;
  readonly open = new Map<number, Map<string, VersionInputs>>();

  add(of: WatchedVersion, rows: readonly (readonly unknown[])[], atMs: number, profile: Profile): void {
    const hourMs = Math.floor(atMs / HOUR_MS) * HOUR_MS;
    const hour = this.open.get(hourMs) ?? new Map<string, VersionInputs>();
    this.open.set(hourMs, hour);
    const found = hour.get(watchedKey(of)) ?? { ...of, counts: noInputs(profile) };
    hour.set(watchedKey(of), found);
    for (const row of rows) addRow(found.counts, row, profile);
  }

  /** Hours that ended by a time, which are open no longer. */
  closeBefore(atMs: number): readonly ClosedHour[] {
    const closed: ClosedHour[] = [];
    for (const [hourMs, versions] of this.open) {
      if (hourMs + HOUR_MS > atMs) continue;
      closed.push({ atMs: hourMs, versions: [...versions.values()] });
      this.open.delete(hourMs);
    }
    return closed;
  }
}

interface StoredHour {
  readonly at_ms: number;
  readonly versions: readonly VersionInputs[];
}

export const storeHour = ({ atMs, versions }: ClosedHour): string => JSON.stringify({ at_ms: atMs, versions });
export const restoreHour = (text: string): readonly VersionInputs[] => (JSON.parse(text) as StoredHour).versions;

/** The same state is the same bytes. */
export function storeRequests(state: RequestsState): string {
  const open = [...state.open].map(([at_ms, versions]) => ({ at_ms, versions: [...versions.values()] }));
  const { hubCreatedAtMs: hub_created_at_ms, cursor, cursorAtMs: cursor_at_ms, lost } = state;
  return JSON.stringify({ schema: DRIFT_SCHEMA, hub_created_at_ms, cursor, cursor_at_ms, lost, open });
}

/** @throws NewerState */
export function restoreRequests(text: string, path: string): RequestsState {
  const stored = JSON.parse(text) as {
    readonly hub_created_at_ms: number;
    readonly cursor: number;
    readonly cursor_at_ms: number;
    readonly lost: number;
    readonly open: readonly StoredHour[];
  };
  checkSchema(stored, path);
  const state = new RequestsState();
  state.hubCreatedAtMs = stored.hub_created_at_ms;
  state.cursor = stored.cursor;
  state.cursorAtMs = stored.cursor_at_ms;
  state.lost = stored.lost;
  for (const { at_ms, versions } of stored.open)
    state.open.set(at_ms, new Map(versions.map(each => [watchedKey(each), each])));
  return state;
}

/** @throws NewerState */
export function checkSchema(stored: object, path: string): void {
  const { schema } = stored as { readonly schema: number };
  if (schema > DRIFT_SCHEMA)
    throw new NewerState(`${path}: schema ${schema} is of a newer hubscore; this one knows ${DRIFT_SCHEMA}`);
}

/** Adds what one partition counted to what others did. */
export function mergeVersions(into: Map<string, VersionInputs>, versions: readonly VersionInputs[]): void {
  for (const each of versions) {
    const before = into.get(watchedKey(each));
    if (before === undefined) into.set(watchedKey(each), each);
    else addInputs(before.counts, each.counts);
  }
}
