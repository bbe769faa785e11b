import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerClient } from '@azure/storage-blob';
import { firesWithinAMinute, type Schedule } from './cron.ts';
import type { Invoke } from './invoke.ts';
import { type HostLog, messageOf } from './log.ts';

const LONGEST_WAIT_MS = 2 ** 31 - 1; // what a Node timer can hold
/** A firing is past due where it comes this much late. */
const PAST_DUE_MS = 1000;

export interface TimerOptions {
  readonly functionName: string;
  readonly schedule: Schedule;
  readonly runOnStartup: boolean;
  /** Keeps when the timer fired last, as the real host does; hosts that share it fire a timer once between them. */
  readonly container: ContainerClient;
  readonly blobName: string;
  readonly invoke: Invoke;
  readonly log: HostLog;
  readonly clock: () => number;
}

interface Status {
  readonly lastMs: number | undefined;
  readonly nextMs: number | undefined;
  readonly etag: string | undefined;
}

/** Calls a function by its schedule until aborted; never throws for what the function does. Resolves when no call runs any more. */
export async function runTimer(options: TimerOptions, signal: AbortSignal): Promise<void> {
  const { schedule, runOnStartup, clock, log, functionName } = options;
  const status = await readStatus(options);
  const missed = status.nextMs !== undefined && status.nextMs + PAST_DUE_MS < clock();
  if (runOnStartup || missed) await fire(options, status, clock(), missed);
  while (!signal.aborted) {
    const dueMs = schedule(clock());
    log('debug', `Function.${functionName}`, `next at ${new Date(dueMs).toISOString()}`);
    while (clock() < dueMs && !signal.aborted) {
      await delay(Math.min(Math.max(dueMs - clock(), 1), LONGEST_WAIT_MS), undefined, { signal }).catch(
        () => undefined,
      );
    }
    if (signal.aborted) return;
    await fire(options, await readStatus(options), dueMs, clock() - dueMs > PAST_DUE_MS).catch(error =>
      log('error', `Function.${functionName}`, `the timer could not fire: ${messageOf(error)}`),
    );
  }
}

async function fire(options: TimerOptions, status: Status, dueMs: number, isPastDue: boolean): Promise<void> {
  const nextMs = options.schedule(Math.max(dueMs, options.clock()));
  if (status.lastMs !== undefined && status.lastMs >= dueMs) return; // another host was first
  if (!(await claim(options, status, dueMs, nextMs))) return;
  // As the real host has it: `Next` is the firing that this one is, and where several come in a minute it keeps no status.
  const ScheduleStatus = firesWithinAMinute(options.schedule, dueMs)
    ? null
    : { Last: offsetTime(status.lastMs), Next: offsetTime(dueMs), LastUpdated: offsetTime(options.clock()) };
  const timer = { Schedule: { AdjustForDST: true }, ScheduleStatus, IsPastDue: isPastDue };
  // invoke logs what goes wrong
  await options.invoke({ input: { json: JSON.stringify(timer) } }).catch(() => undefined);
}

/** A .NET DateTimeOffset in UTC; its first one where there is no time. */
function offsetTime(ms: number | undefined): string {
  return ms === undefined ? '0001-01-01T00:00:00+00:00' : new Date(ms).toISOString().replace(/(\.0+)?Z$/, '+00:00');
}

async function readStatus({ container, blobName }: TimerOptions): Promise<Status> {
  try {
    const { metadata, etag } = await container.getBlobClient(blobName).getProperties();
    const time = (text: string | undefined) => (text ? Date.parse(text) : undefined);
    return { lastMs: time(metadata?.last), nextMs: time(metadata?.next), etag };
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404)
      return { lastMs: undefined, nextMs: undefined, etag: undefined };
    throw error;
  }
}

/** Takes this firing for this host; false where another was faster. */
async function claim(
  { container, blobName }: TimerOptions,
  status: Status,
  dueMs: number,
  nextMs: number,
): Promise<boolean> {
  try {
    await container.getBlockBlobClient(blobName).upload('', 0, {
      metadata: { last: new Date(dueMs).toISOString(), next: new Date(nextMs).toISOString() },
      conditions: status.etag ? { ifMatch: status.etag } : { ifNoneMatch: '*' },
    });
    return true;
  } catch (error) {
    if ([409, 412].includes((error as { statusCode?: number }).statusCode ?? 0)) return false;
    throw error;
  }
}
