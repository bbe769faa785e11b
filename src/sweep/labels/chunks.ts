import { setImmediate as nextTick } from 'node:timers/promises';
import { BlobConflict, type BlobEntry, BlobGone, type Blobs } from '../../core/blobs.ts';

/*
 * What is kept to be joined: predictions and labels, a blob for what one sweep found in one partition, in a folder an hour. A blob is named by the first event that it was read
 * from, so that a sweep that died before it kept its cursor writes the same blob again. An hour that is over is put together into one blob. Entries that stand twice are the same.
 */

export const HOUR_MS = 3_600_000;

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

/** Lines at once: between them whatever else this process does goes on. */
const LINES_AT_ONCE = 500;

/** Does something with each line of a chunk. One that was put together meanwhile by somebody else has none: the next join reads it there. */
export async function eachLine(
  blobs: Blobs,
  { path }: BlobEntry,
  work: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const text = await textOf(blobs, path, signal);
  if (text === undefined) return;
  let many = 0;
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf('\n', start);
    const end = found < 0 ? text.length : found;
    if (end > start) work(text.slice(start, end));
    start = end + 1;
    if (++many % LINES_AT_ONCE === 0) await nextTick(undefined, { signal });
  }
}

async function textOf(blobs: Blobs, path: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await blobs.readText(path, signal, MAX_BYTES)).text;
  } catch (thrown) {
    if (thrown instanceof BlobGone) return undefined;
    throw thrown;
  }
}

const MAX_BYTES = 256 * 1024 * 1024;
/** What is put together is no larger than that, or so: a text that long is read at once. */
const TOGETHER_BYTES = 8 * 1024 * 1024;
/** Of an hour that is not over, so many chunks are put together: reading each is a round trip. */
const MANY = 64;

/** Puts chunks together: those of hours that are over, and those of the present one where they are many. @returns what is there afterwards */
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
    const there = byHour.get(hour);
    if (there === undefined) byHour.set(hour, [chunk]);
    else there.push(chunk);
  }
  let isChanged = false;
  for (const [hour, parts] of byHour) {
    const small = parts.filter(({ bytes }) => bytes < TOGETHER_BYTES / 2);
    const isDue = hour + 2 * HOUR_MS <= nowMs ? small.length > 1 : small.length >= MANY;
    if (!isDue) continue;
    for (const some of inBytes(small)) {
      if (some.length < 2) continue;
      await putTogether(blobs, some, signal);
      isChanged = true;
    }
  }
  return isChanged ? blobs.list(`${kind}/`, signal) : chunks;
}

function inBytes(parts: readonly BlobEntry[]): BlobEntry[][] {
  const groups: BlobEntry[][] = [[]];
  let bytes = 0;
  for (const part of parts) {
    if (bytes > 0 && bytes + part.bytes > TOGETHER_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    (groups.at(-1) as BlobEntry[]).push(part);
    bytes += part.bytes;
  }
  return groups;
}

/** Into the first of them, by the name of a whole: what dies in between leaves lines twice, which are the same. */
async function putTogether(blobs: Blobs, parts: readonly BlobEntry[], signal: AbortSignal): Promise<void> {
  const first = parts[0] as BlobEntry;
  const lines = new Set<string>();
  for (const part of parts) await eachLine(blobs, part, line => lines.add(line), signal);
  const folder = first.path.slice(0, first.path.lastIndexOf('/') + 1);
  const name = first.path.slice(folder.length).replace(/^(whole-)?/, 'whole-');
  const before = parts.find(({ path }) => path === folder + name);
  const condition = before === undefined ? 'absent' : { etag: before.etag };
  try {
    await blobs.writeText(folder + name, [...lines].join('\n'), condition, signal);
  } catch (thrown) {
    if (thrown instanceof BlobConflict) return; // somebody else does it
    throw thrown;
  }
  for (const part of parts) if (part !== before) await remove(blobs, part, signal);
}

/** Another one may have been quicker. */
export async function remove(blobs: Blobs, { path, etag }: BlobEntry, signal: AbortSignal): Promise<void> {
  await blobs.delete(path, etag, signal).catch(thrown => {
    if (!(thrown instanceof BlobConflict || thrown instanceof BlobGone)) throw thrown;
  });
}
