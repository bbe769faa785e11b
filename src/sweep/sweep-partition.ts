import { BlobConflict, BlobGone, type Blobs } from '../core/blobs.ts';
import type { HubReader, StoredEvent } from '../core/hub-reader.ts';
import type { Clock } from '../core/log.ts';
import { type EndingKind, Fold, type FoldOptions } from './fold.ts';
import { predictionLine } from './labels/prediction.ts';
import { type ClosedWindow, PartitionState, restoreState, storeGroup, storeState } from './partition-state.ts';

export interface SweepPartitionOptions extends Pick<FoldOptions, 'weightOf'> {
  readonly kind: EndingKind;
  readonly reader: HubReader;
  readonly blobs: Blobs;
  readonly hubCreatedAtMs: number;
  readonly clock: Clock;
  /** No block is begun after that time, milliseconds since the epoch: what was read is kept. */
  readonly untilMs: number;
  /** Told what results predicted, before that is counted for good: it may be told again, of the same events and more, where keeping failed. */
  readonly keepPredictions?: ((from: StoredEvent, lines: readonly string[]) => Promise<void>) | undefined;
}

export interface PartitionSwept {
  readonly partition: string;
  readonly state: PartitionState;
  readonly counted: number;
  /** Events that are there and not counted yet. */
  readonly behind: number;
}

export const statePath = (hub: string, partition: string) => `state/${hub}/${partition}.json`;

/** A silent partition's windows end this long after their time by the clock here. */
const SILENCE_MS = 30_000;
const TRIES = 3;
/** What was read of them stays in memory until it is kept. */
const MAX_EVENTS = 50_000;

/** Counts what came to a partition since the last time. Cursor and counters are one blob, written under its ETag: somebody else's work is never counted on top of ours. */
export async function sweepPartition(
  partition: string,
  options: SweepPartitionOptions,
  signal: AbortSignal,
): Promise<PartitionSwept> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await trySweep(partition, options, signal);
    } catch (thrown) {
      if (!(thrown instanceof BlobConflict) || attempt === TRIES) throw thrown;
    }
  }
}

async function trySweep(
  partition: string,
  options: SweepPartitionOptions,
  signal: AbortSignal,
): Promise<PartitionSwept> {
  const { reader, blobs, kind, clock } = options;
  const path = statePath(reader.hub, partition);
  const there = await readState(blobs, path, signal);
  const state = there?.state ?? new PartitionState();
  const condition = there ? { etag: there.etag } : 'absent';
  const { first, last, empty } = await reader.range(partition, signal);
  if (state.hubCreatedAtMs !== options.hubCreatedAtMs || state.cursor > last) startAnew(state, options.hubCreatedAtMs);
  if (empty || last <= state.cursor) {
    const closed = state.closeBefore(clock() - SILENCE_MS);
    if (closed.length > 0) await keep(state, closed);
    return { partition, state, counted: 0, behind: 0 };
  }
  const from = Math.max(first, state.cursor + 1);
  if (state.cursor >= 0 && first > state.cursor + 1) state.lost += first - state.cursor - 1;
  const lines: string[] = [];
  const toLine: NonNullable<FoldOptions['onResult']> = (...result) => {
    const line = predictionLine(...result);
    if (line !== undefined) lines.push(line);
  };
  const fold = new Fold({
    kind,
    seen: state.seen,
    runs: state.runs,
    weightOf: options.weightOf,
    onResult: options.keepPredictions && toLine,
  });
  let counted = 0;
  let oldest: StoredEvent | undefined;
  let newest: StoredEvent | undefined;
  reading: for await (const block of reader.read(partition, { sequenceNumber: from }, signal)) {
    for (const event of block) {
      if (event.sequenceNumber > last) break reading; // nothing is promised behind it
      fold.add(event);
      oldest ??= event;
      newest = event;
      counted++;
    }
    if (newest === undefined || newest.sequenceNumber >= last || counted >= MAX_EVENTS || clock() >= options.untilMs)
      break;
  }
  if (oldest === undefined || newest === undefined) return { partition, state, counted, behind: last - state.cursor };
  await options.keepPredictions?.(oldest, lines);
  await keep(state, state.take(fold, newest));
  return { partition, state, counted, behind: last - newest.sequenceNumber };

  async function keep(kept: PartitionState, closed: readonly ClosedWindow[]): Promise<void> {
    for (const { size, atMs, groups } of closed) {
      const name = `windows/${reader.hub}/${partition}/${size}/${new Date(atMs).toISOString()}.json`;
      await blobs.writeText(name, JSON.stringify({ at_ms: atMs, size, groups: groups.map(storeGroup) }), 'any', signal);
    }
    await blobs.writeText(path, storeState(kept), condition, signal);
  }
}

/** The hub was made anew: its numbers begin again, what was counted stays. */
function startAnew(state: PartitionState, createdAtMs: number): void {
  const { seen, runs } = new PartitionState();
  Object.assign(state, { hubCreatedAtMs: createdAtMs, cursor: -1, seen, runs });
}

/** @returns undefined where there is none. @throws NewerState */
export async function readState(
  blobs: Blobs,
  path: string,
  signal: AbortSignal,
): Promise<{ readonly state: PartitionState; readonly etag: string } | undefined> {
  try {
    const { text, etag } = await blobs.readText(path, signal);
    return { state: restoreState(text, path), etag };
  } catch (thrown) {
    if (thrown instanceof BlobGone) return undefined;
    throw thrown;
  }
}
