import { BlobConflict, type BlobEntry, BlobGone, type Blobs } from '../../core/blobs.ts';
import type { Clock } from '../../core/log.ts';
import { remove } from './chunks.ts';
import { LabelJoiner } from './join.ts';
import type { Joined, ProductionHour } from './tally.ts';

/** What labels say, as it is kept. */
export interface StoredJoin {
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
  let joiner = new LabelJoiner(blobs, windowMs);
  let isNew = true;
  let endedAtMs = 0;
  let tookMs = 0;

  async function join(nowMs: number, signal: AbortSignal): Promise<void> {
    const there = await readJoin(blobs, signal);
    const { settled = {}, unmatched, over = [] } = there?.stored ?? NOTHING;
    // Somebody may have died before this: counted again it must not be.
    for (const chunk of over) await remove(blobs, chunk, signal);
    const joined = await joiner.join({ nowMs, settled, unmatched }, signal);
    const text = JSON.stringify({ at_ms: nowMs, ...joined } satisfies StoredJoin);
    await blobs.writeText(PATH, text, there ? { etag: there.etag } : 'absent', signal);
    for (const chunk of joined.over) await remove(blobs, chunk, signal);
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
      isNew = false;
      try {
        await join(nowMs, signal);
      } catch (thrown) {
        // What was settled is not, then: it is read again.
        joiner = new LabelJoiner(blobs, windowMs);
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
