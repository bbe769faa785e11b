import { BlobConflict, type BlobEntry, BlobGone, type Blobs } from '../../core/blobs.ts';

/*
 * What is kept to be joined: predictions and labels, a blob for what one sweep found in one partition, in a folder an hour. A blob is named by the first event that it was read
 * from, so that a sweep that died before it kept its cursor writes the same blob again. An hour that is over is put together into one blob. Entries that stand twice are the same.
 */

const HOUR_MS = 3_600_000;

export type ChunkKind = 'predictions' | 'labels';

const folderOf = (kind: ChunkKind, atMs: number) => `${kind}/${new Date(atMs).toISOString().slice(0, 13)}/`;

/**
 * @param chunk `atMs` is when the first of its events was enqueued
 * @param lines of JSON
 */
export async function writeChunk(
  blobs: Blobs,
  {
    kind,
    partition,
    from,
    atMs,
  }: { readonly kind: ChunkKind; readonly partition: string; readonly from: number; readonly atMs: number },
  lines: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  if (lines.length === 0) return;
  await blobs.writeText(`${folderOf(kind, atMs)}${partition}-${from}.ndjson`, lines.join('\n'), 'any', signal);
}

/** When the hour of a chunk began, by its path. */
export function hourOf(path: string): number {
  return Date.parse(`${path.split('/')[1]}:00:00Z`);
}

export async function readChunk<T>(blobs: Blobs, { path }: BlobEntry, signal: AbortSignal): Promise<readonly T[]> {
  try {
    const { text } = await blobs.readText(path, signal, MAX_BYTES);
    return text.split('\n').map(line => JSON.parse(line) as T);
  } catch (thrown) {
    if (thrown instanceof BlobGone) return []; // put together meanwhile by somebody else: the next join reads it
    throw thrown;
  }
}

const MAX_BYTES = 256 * 1024 * 1024;
/** An hour's blob is no larger than that, or so. */
const TOGETHER_BYTES = 32 * 1024 * 1024;

/** Puts the chunks of hours that are over together. @returns what is there afterwards */
export async function tidy(
  blobs: Blobs,
  kind: ChunkKind,
  nowMs: number,
  signal: AbortSignal,
): Promise<readonly BlobEntry[]> {
  const chunks = await blobs.list(`${kind}/`, signal);
  const byHour = new Map<number, BlobEntry[]>();
  for (const chunk of chunks) {
    const hour = hourOf(chunk.path);
    byHour.set(hour, [...(byHour.get(hour) ?? []), chunk]);
  }
  let isChanged = false;
  for (const [hour, parts] of byHour) {
    const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
    if (parts.length < 2 || hour + 2 * HOUR_MS > nowMs || bytes > TOGETHER_BYTES) continue;
    const lines = new Set<string>();
    for (const part of parts) {
      const { text } = await blobs.readText(part.path, signal, MAX_BYTES);
      for (const line of text.split('\n')) lines.add(line);
    }
    const whole = `${folderOf(kind, hour)}whole.ndjson`;
    const before = parts.find(({ path }) => path === whole);
    await blobs.writeText(whole, [...lines].join('\n'), before ? { etag: before.etag } : 'absent', signal);
    for (const part of parts) if (part !== before) await remove(blobs, part, signal);
    isChanged = true;
  }
  return isChanged ? blobs.list(`${kind}/`, signal) : chunks;
}

/** Another one may have been quicker. */
export async function remove(blobs: Blobs, { path, etag }: BlobEntry, signal: AbortSignal): Promise<void> {
  await blobs.delete(path, etag, signal).catch(thrown => {
    if (!(thrown instanceof BlobConflict || thrown instanceof BlobGone)) throw thrown;
  });
}
