import { BlobConflict, BlobGone, type Blobs } from '../core/blobs.ts';

const TURN_MS = 10_000;

/** The turn of the sweep. */
export const SWEEP_TURN = 'sweep';

interface Turn {
  readonly holder: string;
  readonly until_ms: number;
}

/**
 * Claims the turn of reading the hubs for ten seconds: a consumer group has five readers a partition at most, so timer, pages and commands take turns. No lock: what is
 * counted is guarded by the ETag it was read under, so that two who both believe to have it waste their work and spoil nothing.
 * @returns whether it is the holder's
 */
export async function claimTurn(
  blobs: Blobs,
  name: string,
  holder: string,
  nowMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const path = pathOf(name);
  const there = await blobs.readText(path, signal).catch(thrown => {
    if (thrown instanceof BlobGone) return undefined;
    throw thrown;
  });
  const turn = there && (JSON.parse(there.text) as Turn);
  if (turn && turn.holder !== holder && turn.until_ms > nowMs && turn.until_ms <= nowMs + TURN_MS) return false;
  try {
    const text = JSON.stringify({ holder, until_ms: nowMs + TURN_MS } satisfies Turn);
    await blobs.writeText(path, text, there ? { etag: there.etag } : 'absent', signal);
    return true;
  } catch (thrown) {
    if (thrown instanceof BlobConflict) return false;
    throw thrown;
  }
}

const pathOf = (name: string) => `turns/${name}.json`;

/** When a turn was last claimed, milliseconds since the epoch; undefined: never. */
export async function lastTurnAt(blobs: Blobs, name: string, signal: AbortSignal): Promise<number | undefined> {
  try {
    const { text } = await blobs.readText(pathOf(name), signal);
    return (JSON.parse(text) as Turn).until_ms - TURN_MS;
  } catch (thrown) {
    if (thrown instanceof BlobGone) return undefined;
    throw thrown;
  }
}
