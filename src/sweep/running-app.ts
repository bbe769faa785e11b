import { BlobGone, type Blobs } from '../core/blobs.ts';
import type { Clock } from '../core/log.ts';

/** One build of the app, and from when to when it ran, ISO 8601. */
export interface RunningApp {
  readonly version: string;
  readonly commit: string;
  readonly first_at: string;
  readonly last_at: string;
}

const FOLDER = 'apps/';
const EVERY_MS = 600_000;
/** Longer than from one note to the next. */
const SLACK_MS = 1_200_000;

/** Notes which build runs, every ten minutes: results do not bear it. */
export function createAppNote({
  blobs,
  version,
  commit,
  clock,
}: {
  readonly blobs: Blobs;
  readonly version: string;
  readonly commit: string;
  readonly clock: Clock;
}) {
  let dueMs = 0;
  return async (signal: AbortSignal): Promise<void> => {
    const nowMs = clock();
    if (nowMs < dueMs) return;
    const path = `${FOLDER}${version}-${commit}.json`;
    const now = new Date(nowMs).toISOString();
    const before = await read(blobs, path, signal);
    const note: RunningApp = { version, commit, first_at: before?.first_at ?? now, last_at: now };
    await blobs.writeText(path, JSON.stringify(note), 'any', signal);
    dueMs = nowMs + EVERY_MS;
  };
}

/** Which builds ran at a time, milliseconds since the epoch; while one takes over from another there are two. */
export async function appsAt(blobs: Blobs, atMs: number, signal: AbortSignal): Promise<readonly RunningApp[]> {
  const found: RunningApp[] = [];
  for (const { path } of await blobs.list(FOLDER, signal)) {
    const app = await read(blobs, path, signal);
    if (app === undefined) continue;
    if (Date.parse(app.first_at) - SLACK_MS <= atMs && atMs <= Date.parse(app.last_at) + SLACK_MS) found.push(app);
  }
  return found;
}

async function read(blobs: Blobs, path: string, signal: AbortSignal): Promise<RunningApp | undefined> {
  try {
    return JSON.parse((await blobs.readText(path, signal)).text) as RunningApp;
  } catch (thrown) {
    if (thrown instanceof BlobGone) return undefined;
    throw thrown;
  }
}
