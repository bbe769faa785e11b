import type { Blobs } from '../core/blobs.ts';
import { readJoined, type StoredJoin } from './labels/label-join.ts';
import type { Brief, GroupCounts, PartitionState, ShortWindow } from './partition-state.ts';
import { readState } from './sweep-partition.ts';

/** All that the sweep knows by now, for whoever shows it or judges by it. */
export interface SweptCounts {
  /** By group, each partition by itself: merge what belongs together. */
  readonly groups: readonly GroupCounts[];
  readonly labels: StoredJoin;
  /** `hub/partition` → the last event that was counted. */
  readonly cursors: Readonly<Record<string, number>>;
  /** When the newest of them was enqueued; 0 where there is none. */
  readonly newestAtMs: number;
  readonly short: readonly ShortWindow[];
  /** The newest endings, by hub. */
  readonly last: Readonly<Record<string, readonly Brief[]>>;
  readonly lost: number;
  readonly unsure: number;
}

/** What the sweep knows of one partition. */
export interface SweptPartition {
  readonly hub: string;
  readonly partition: string;
  readonly state: PartitionState;
}

/** @param hubs names of the hubs of results and dead letters. @throws NewerState */
export async function readStates(
  blobs: Blobs,
  hubs: readonly string[],
  signal: AbortSignal,
): Promise<readonly SweptPartition[]> {
  const listed = await Promise.all(hubs.map(async hub => ({ hub, paths: await blobs.list(`state/${hub}/`, signal) })));
  const read = listed.flatMap(({ hub, paths }) =>
    paths.map(async ({ path }) => {
      const partition = path.slice(path.lastIndexOf('/') + 1, -'.json'.length);
      return { hub, partition, state: (await readState(blobs, path, signal))?.state };
    }),
  );
  return (await Promise.all(read)).filter((each): each is SweptPartition => each.state !== undefined);
}

/** @param hubs names of the hubs of results and dead letters. @throws NewerState */
export async function readCounts(blobs: Blobs, hubs: readonly string[], signal: AbortSignal): Promise<SweptCounts> {
  return countsOf(await readStates(blobs, hubs, signal), hubs, await readJoined(blobs, signal));
}

/** All partitions together, and what labels came to. */
export function countsOf(
  states: readonly SweptPartition[],
  hubs: readonly string[],
  labels: SweptCounts['labels'],
): SweptCounts {
  const all = states.map(each => each.state);
  const sum = (of: (state: PartitionState) => number) => all.reduce((total, state) => total + of(state), 0);
  return {
    groups: all.flatMap(state => [...state.totals.values()]),
    labels,
    cursors: Object.fromEntries(states.map(({ hub, partition, state }) => [`${hub}/${partition}`, state.cursor])),
    newestAtMs: Math.max(0, ...all.map(state => state.cursorAtMs)),
    short: all.flatMap(state => state.short),
    last: Object.fromEntries(hubs.map(hub => [hub, newest(states.filter(each => each.hub === hub))])),
    lost: sum(state => state.lost),
    unsure: sum(state => state.unsure),
  };
}

const LAST = 20;

function newest(states: readonly SweptPartition[]): readonly Brief[] {
  const all = states.flatMap(({ state }) => state.last);
  return all.sort((one, other) => (String(one.ended_at) < String(other.ended_at) ? -1 : 1)).slice(-LAST);
}
