import { setTimeout as delay } from 'node:timers/promises';
import { eventHubsConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import type { HubReader } from '../core/hub-reader.ts';
import { deploymentPath, type ModelStore } from '../models/store.ts';

/** What was seen of the two clocks, by this machine's. Milliseconds since the epoch. */
export interface Glances {
  /** Storage's clock less this machine's. */
  readonly storageAheadMs: number;
  /** This machine's clock before the first look at the hub, and after the second. */
  readonly fromMs: number;
  readonly toMs: number;
  /** When the hub's newest event was enqueued, by the first look and by the second; undefined: there is none. */
  readonly first: number | undefined;
  readonly second: number | undefined;
}

/**
 * How much the broker's clock is ahead of storage's, as far as that is proven: an event cannot have been enqueued later than now, nor, where it came between the
 * two looks, before the first. 0: nothing speaks for a difference.
 */
export function provenDifference({ storageAheadMs, fromMs, toMs, first, second }: Glances): number {
  if (second === undefined) return 0;
  const ahead = second - (toMs + storageAheadMs);
  if (ahead > 0) return ahead;
  const behind = second - (fromMs + storageAheadMs);
  return second !== first && behind < 0 ? behind : 0;
}

const BETWEEN_LOOKS_MS = 500;
const TIMEOUT_MS = 10_000;
/** Storage tells whole seconds. */
const HALF_SECOND_MS = 500;

/** Undefined where one of the two does not say, or cannot be reached: whoever starts a rollout need not have rights on the hubs. */
export async function clockDifference(
  settings: Settings,
  store: Pick<ModelStore, 'readText'>,
  name: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const timed = AbortSignal.timeout(TIMEOUT_MS);
  const there = await store.readText(deploymentPath(name), signal).catch(() => undefined);
  if (there?.answeredAtMs === undefined) return undefined;
  const storageAheadMs = there.answeredAtMs + HALF_SECOND_MS - Date.now();
  try {
    const { openReader } = await import('../app/open-events.ts');
    const reader = openReader(eventHubsConnection(settings), settings.REQUESTS_HUB, settings.RECOVERY_CONSUMER_GROUPS);
    try {
      const fromMs = Date.now();
      const first = await newest(reader, timed);
      await delay(BETWEEN_LOOKS_MS, undefined, { signal });
      const second = await newest(reader, timed);
      return provenDifference({ storageAheadMs, fromMs, toMs: Date.now(), first, second });
    } finally {
      await reader.close();
    }
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

async function newest(reader: HubReader, signal: AbortSignal): Promise<number | undefined> {
  const { partitions } = await reader.describe(signal);
  const ranges = await Promise.all(partitions.map(partition => reader.range(partition, signal)));
  const times = ranges.map(({ lastEnqueuedAtMs }) => lastEnqueuedAtMs).filter(time => time !== undefined);
  return times.length === 0 ? undefined : Math.max(...times);
}
