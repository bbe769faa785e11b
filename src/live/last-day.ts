import { BlobGone, type Blobs } from '../core/blobs.ts';
import { someAtOnce } from '../core/some-at-once.ts';
import { type GroupCounts, LONG_WINDOWS, restoreGroup, type StoredGroup } from '../sweep/partition-state.ts';
import type { SweptPartition } from '../sweep/read-counts.ts';

export const HOUR_MS = LONG_WINDOWS['1h'];
const HOURS = 24;
const AT_ONCE = 16;

/** What was counted of one partition in one hour, by the broker's clock. */
export interface SweptHour {
  readonly atMs: number;
  readonly groups: readonly GroupCounts[];
}

/** Reads the hours that the last day touches: those that are closed from their blobs, each but once, and those that are open from the states. */
export type ReadLastDay = (
  states: readonly SweptPartition[],
  nowMs: number,
  signal: AbortSignal,
) => Promise<readonly SweptHour[]>;

/** The first hour of the last day: what came a day ago is in it. */
export const firstHourOf = (nowMs: number) => hourOf(nowMs) - HOURS * HOUR_MS;
export const hourOf = (ms: number) => Math.floor(ms / HOUR_MS) * HOUR_MS;

/** @param blobs the container of what the app keeps for itself */
export function createLastDay(blobs: Blobs): ReadLastDay {
  const closed = new Map<string, SweptHour>();
  /** Path → the cursor up to which there was no such window; infinity: there will be none. */
  const absent = new Map<string, number>();

  async function readHour(path: string, atMs: number, signal: AbortSignal): Promise<SweptHour | undefined> {
    try {
      const { text } = await blobs.readText(path, signal);
      const { groups } = JSON.parse(text) as { readonly groups: readonly StoredGroup[] };
      return { atMs, groups: groups.map(restoreGroup) };
    } catch (thrown) {
      if (thrown instanceof BlobGone) return undefined;
      throw thrown;
    }
  }

  function forgetBefore(firstMs: number): void {
    for (const kept of [closed, absent]) for (const path of kept.keys()) if (timeOf(path) < firstMs) kept.delete(path);
  }

  return async (states, nowMs, signal) => {
    const firstMs = firstHourOf(nowMs);
    forgetBefore(firstMs);
    const hours: SweptHour[] = [];
    const wanted: { readonly path: string; readonly atMs: number; readonly state: SweptPartition['state'] }[] = [];
    for (const { hub, partition, state } of states) {
      const began = Math.min(...[...state.totals.values()].map(({ counts }) => counts.firstAtMs));
      for (let atMs = Math.max(firstMs, hourOf(began)); atMs <= state.cursorAtMs; atMs += HOUR_MS) {
        const path = `windows/${hub}/${partition}/1h/${new Date(atMs).toISOString()}.json`;
        const open = state.open['1h'].get(atMs);
        const known = closed.get(path);
        if (open !== undefined) hours.push({ atMs, groups: [...open.values()] });
        else if (known !== undefined) hours.push(known);
        else if ((absent.get(path) ?? -1) < state.cursor) wanted.push({ path, atMs, state });
      }
    }
    await someAtOnce(wanted, AT_ONCE, async ({ path, atMs, state }) => {
      const hour = await readHour(path, atMs, signal);
      if (hour === undefined) {
        // A sweep that was away may still come to an hour that is not over by its cursor, and write its window without having shown it as open.
        absent.set(path, atMs + HOUR_MS <= state.cursorAtMs ? Number.POSITIVE_INFINITY : state.cursor);
        return;
      }
      closed.set(path, hour);
      hours.push(hour);
    });
    return hours;
  };
}

const timeOf = (path: string) => Date.parse(path.slice(path.lastIndexOf('/') + 1, -'.json'.length));
