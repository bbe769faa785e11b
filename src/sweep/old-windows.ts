import type { Blobs } from '../core/blobs.ts';
import { asError } from '../core/errors.ts';
import type { Clock, Log } from '../core/log.ts';
import { remove } from './labels/chunks.ts';

const EVERY_MS = 3_600_000;

/** `shadow/<model>/<version>/pairs/<hour>/…` */
const PAIRS = /^shadow\/[^/]+\/[^/]+\/(?:pairs|flips)\/([^/]+)\//;

/** Takes away windows, and pairs of shadows, that ended longer ago than they are kept, once an hour. Never throws: the next hour comes. */
export function createOldWindows({
  blobs,
  keptMs,
  clock,
  log,
}: {
  readonly blobs: Blobs;
  readonly keptMs: number;
  readonly clock: Clock;
  readonly log: Log;
}) {
  let dueMs = 0;
  return async (signal: AbortSignal): Promise<void> => {
    if (clock() < dueMs) return;
    dueMs = clock() + EVERY_MS;
    try {
      for (const window of await blobs.list('windows/', signal)) {
        // windows/<hub>/<partition>/<size>/<when it began>.json
        const beganMs = Date.parse(window.path.slice(window.path.lastIndexOf('/') + 1, -'.json'.length));
        if (beganMs + keptMs < clock()) await remove(blobs, window, signal);
      }
      for (const lines of await blobs.list('shadow/', signal)) {
        const [, hour] = PAIRS.exec(lines.path) ?? [];
        if (Date.parse(`${hour}:00:00Z`) + EVERY_MS + keptMs < clock()) await remove(blobs, lines, signal);
      }
    } catch (thrown) {
      log.warn(`old windows stay for now: ${asError(thrown).message}`);
    }
  };
}
