import { BlobConflict, BlobGone, type Blobs } from '../../core/blobs.ts';
import type { Clock } from '../../core/log.ts';
import { type Joined, joinLabels } from './join.ts';

/** What labels say, as it is kept. */
export interface StoredJoin {
  readonly at_ms: number;
  readonly joined: Joined;
  readonly waiting: number;
  readonly unmatched: number;
}

const PATH = 'labels-joined.json';
const NOTHING: StoredJoin = { at_ms: 0, joined: {}, waiting: 0, unmatched: 0 };
/** All labels are joined anew each time, so it may take this share of the time and no more. */
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
  let isNew = true;
  let endedAtMs = 0;
  let tookMs = 0;
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
      const there = await readJoin(blobs, signal);
      const { unmatched } = there?.stored ?? NOTHING;
      const joined = await joinLabels({ blobs, nowMs, windowMs, unmatched }, signal);
      const text = JSON.stringify({ at_ms: nowMs, ...joined } satisfies StoredJoin);
      try {
        await blobs.writeText(PATH, text, there ? { etag: there.etag } : 'absent', signal);
      } catch (thrown) {
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
