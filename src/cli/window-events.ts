import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { eventHubsConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import { asError } from '../core/errors.ts';
import type { Event, EventBatch } from '../core/event.ts';
import { downloadBelow, isUrl } from './batch/blob-url.ts';
import { withScratch } from './scratch.ts';
import { CommandError, type Terminal } from './terminal.ts';

/** Requests enqueued from a time up to another, milliseconds since the epoch. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

export type Work = (block: EventBatch) => Promise<void>;

/** What may be read beside the app: its own group has the stream. */
const GROUPS = ['shadow', 'monitor', '$Default'];
/** Events that are scored in one go. */
const BLOCK = 1_000;

/**
 * The window from the requests hub, partition by partition; it ends with what is there when a partition's turn comes.
 * @returns when the oldest event was enqueued that a partition still has, where it had some before: what came before is missing
 */
export async function readHubWindow(
  settings: Settings,
  { fromMs, toMs }: Window,
  signal: AbortSignal,
  work: Work,
): Promise<number | undefined> {
  const [{ openReader }, { readRange }] = await Promise.all([
    import('../app/open-events.ts'),
    import('../core/read-range.ts'),
  ]);
  const hub = settings.REQUESTS_HUB;
  const reader = openReader(eventHubsConnection(settings), hub, GROUPS, BLOCK);
  let missingBefore: number | undefined;
  try {
    for (const partition of (await reader.describe(signal)).partitions) {
      const range = await reader.range(partition, signal);
      let isFirst = true;
      for await (const block of readRange(reader, partition, { timeMs: fromMs }, signal, range)) {
        const [oldest] = block;
        if (isFirst && oldest !== undefined && range.first > 0 && oldest.sequenceNumber === range.first)
          missingBefore = Math.max(missingBefore ?? 0, oldest.enqueuedAtMs);
        isFirst = false;
        await work(batchOf(hub, partition, block.filter(inside(fromMs, toMs))));
        if ((block.at(-1)?.enqueuedAtMs ?? 0) >= toMs) break;
      }
    }
  } finally {
    await reader.close();
  }
  return missingBefore;
}

/** A folder, `…/2026/11/21/09/05/00`, or a name such as `2026_11_21_09_05_00`: when Capture began with a file. */
const BEGAN = /(\d{4})[/_-](\d{2})[/_-](\d{2})[/_-](\d{2})[/_-](\d{2})[/_-](\d{2})/;
/** Longer than Capture writes at one file. */
const FILE_MS = 3_600_000;

/**
 * The window from Capture's files: all `.avro` below a folder, or below a URL.
 * @throws CommandError where there is none
 */
export async function readCaptureWindow(
  { folder, signal }: Pick<Terminal, 'folder' | 'signal'>,
  settings: Settings,
  place: string,
  { fromMs, toMs }: Window,
  work: Work,
): Promise<void> {
  const { readCapture } = await import('../batch/capture/read-capture.ts');
  const isWanted = (path: string) => {
    if (!path.endsWith('.avro')) return false;
    const [, year, month, day, hour, minute, second] = BEGAN.exec(path) ?? [];
    if (year === undefined) return true;
    const beganMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
    return Number.isNaN(beganMs) || (beganMs <= toMs && beganMs + FILE_MS >= fromMs);
  };
  const read = (file: string, title: string) =>
    readCapture(file, async events => {
      signal.throwIfAborted();
      await work(batchOf(settings.REQUESTS_HUB, partitionIn(title), events.filter(inside(fromMs, toMs))));
    }).catch(thrown => {
      throw new CommandError(`${title}: ${asError(thrown).message}`, 'It takes what Event Hubs Capture writes.', {
        cause: thrown,
      });
    });
  let many = 0;
  if (isUrl(place)) {
    await withScratch(settings, 'capture', async scratch => {
      many = await downloadBelow(settings, place, scratch, isWanted, signal, read);
    });
  } else {
    const names = await readdir(resolve(folder, place), { recursive: true }).catch(() => [] as string[]);
    for (const name of names.sort()) {
      if (!isWanted(name)) continue;
      many++;
      await read(resolve(folder, place, name), join(place, name));
    }
  }
  if (many === 0)
    throw new CommandError(
      `${place} has no file of Capture of that time`,
      'A folder, or a URL, with .avro files below it is needed.',
    );
}

/** `NAMESPACE/HUB/PARTITION/2026/…` and the like, as Capture names its files unless told otherwise. */
function partitionIn(path: string): string {
  return /(?:^|[/\\])(\d+)[/\\_]\d{4}[/\\_]\d{2}[/\\_]/.exec(path)?.[1] ?? '0';
}

const inside =
  (fromMs: number, toMs: number) =>
  ({ enqueuedAtMs }: Event) =>
    enqueuedAtMs >= fromMs && enqueuedAtMs < toMs;

function batchOf(hub: string, partition: string, events: readonly Event[]): EventBatch {
  return { hub, consumerGroup: GROUPS[0] as string, partition, events };
}
