import { BlobConflict, type BlobEntry, BlobGone, type Blobs } from '../../core/blobs.ts';
import type { Clock } from '../../core/log.ts';
import { STATE_SCHEMA } from '../partition-state.ts';
import { remove } from './chunks.ts';
import { LabelJoiner } from './join.ts';
import type { Joined, ProductionHour } from './tally.ts';

/** What labels say, as it is kept. */
export interface StoredJoin {
  /** Absent in what the first app kept. */
  readonly schema?: number;
  readonly at_ms: number;
  readonly joined: Joined;
  /** Absent in what an older app kept, as are the others that may be. */
  readonly production?: readonly ProductionHour[];
  readonly settled?: Joined;
  /** What is counted for good, and to be taken away. */
  readonly over?: readonly BlobEntry[];
  readonly waiting: number;
  readonly unmatched: number;
}

const PATH = 'labels-joined.json';
const NOTHING: StoredJoin = { at_ms: 0, joined: {}, waiting: 0, unmatched: 0 };
/** A process that begins has all to read, and does so by and by: rollouts are judged meanwhile. */
const BUDGET_MS = 5_000;
/** It may take this share of the time and no more. */
const SHARE = 0.1;
/** Also where nothing is new: what waited long enough is over. */
const AT_LEAST_EVERY_MS = 3_600_000;

/** Joins labels and predictions where there is something new, no more often than it can be afforded. */
export function createLabelJoin({
  blobs,
  windowMs,
  clock,
}: {
  readonly blobs: Blobs;
  readonly windowMs: number;
  readonly clock: Clock;
}) {
  const joiner = new LabelJoiner({ blobs, windowMs, clock });
  let isNew = true;
  let endedAtMs = 0;
  let tookMs = 0;

  /** @returns whether there was time for all */
  async function join(nowMs: number, signal: AbortSignal): Promise<boolean> {
    const there = await readJoin(blobs, signal);
    const { schema = 1, settled = {}, unmatched, over = [] } = there?.stored ?? NOTHING;
    if (schema > STATE_SCHEMA) return true; // a newer app's is left alone
    // Somebody may have died before this: counted again it must not be.
    for (const chunk of over) await remove(blobs, chunk, signal);
    const joined = await joiner.join({ settled, unmatched, untilMs: nowMs + BUDGET_MS }, signal);
    if (joined === undefined) return false;
    const text = JSON.stringify({ schema: STATE_SCHEMA, at_ms: nowMs, ...joined } satisfies StoredJoin);
    await blobs.writeText(PATH, text, there ? { etag: there.etag } : 'absent', signal);
    for (const chunk of joined.over) await remove(blobs, chunk, signal);
    return true;
  }

  return {
    /** There is something new. */
    note(): void {
      isNew = true;
    },
    async run(signal: AbortSignal): Promise<void> {
      const nowMs = clock();
      const sinceMs = nowMs - endedAtMs;
      if (sinceMs < tookMs / SHARE || (!isNew && sinceMs < AT_LEAST_EVERY_MS)) return;
      try {
        isNew = !(await join(nowMs, signal));
      } catch (thrown) {
        isNew = true;
        if (!(thrown instanceof BlobConflict)) throw thrown; // somebody else's join is as good
      }
      endedAtMs = clock();
      tookMs = endedAtMs - nowMs;
    },
  };
}

async function readJoin(
  blobs: Blobs,
  signal: AbortSignal,
): Promise<{ readonly stored: StoredJoin; readonly etag: string } | undefined> {
  try {
    const { text, etag } = await blobs.readText(PATH, signal);
    return { stored: JSON.parse(text) as StoredJoin, etag };
  } catch (thrown) {
    if (thrown instanceof BlobGone) return undefined;
    throw thrown;
  }
}

/** What labels say by now. */
export async function readJoined(blobs: Blobs, signal: AbortSignal): Promise<StoredJoin> {
  return (await readJoin(blobs, signal))?.stored ?? NOTHING;
}
