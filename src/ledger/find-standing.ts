import { ConfigurationError } from '../core/errors.ts';
import type { HubReader, PartitionRange } from '../core/hub-reader.ts';
import type { Log } from '../core/log.ts';
import { reachesMark, readTailEntry, type Standing, standingOf, type TailEntry } from './standing.ts';

export interface LedgerHubs {
  readonly requests: HubReader;
  readonly results: HubReader;
  readonly deadLetters: HubReader;
}

export interface LedgerOptions {
  readonly hubs: LedgerHubs;
  /** Where a partition without any ending begins: with everything the requests hub holds, or with the batch the host gives. */
  readonly initialPosition: 'start' | 'batch';
  readonly log: Log;
}

export interface Found {
  readonly standing: Standing;
  /** What the requests partition holds now. */
  readonly requests: PartitionRange;
  /** Which hubs the endings are in, and when they were made. */
  readonly endings: string;
  /** How many events results and dead letters of the partition had ever had when their tails were read. */
  readonly appended: number;
}

/** Blocks in which a tail is read backwards; one batch's endings usually lie in the first. */
const FIRST_LOOK = 256;

/**
 * Reads how far a requests partition is settled from the tails of its results and dead letters.
 *
 * @param nextSequenceNumber the event that is about to be scored, undefined where none is
 * @throws InfrastructureError where a hub cannot be read; ConfigurationError where the hubs' partitions do not match.
 */
export async function findStanding(
  partition: string,
  nextSequenceNumber: number | undefined,
  { hubs, initialPosition, log }: LedgerOptions,
  signal: AbortSignal,
): Promise<Found> {
  const [{ createdAtMs, endings }, asked, results, deadLetters] = await Promise.all([
    checkPartitions(partition, hubs, signal),
    hubs.requests.range(partition, signal),
    openTail(hubs.results, hubs.requests.hub, partition, signal),
    openTail(hubs.deadLetters, hubs.requests.hub, partition, signal),
  ]);
  const name = `${hubs.requests.hub}/${partition}`;
  const seen = () => [...results.endings, ...deadLetters.endings];
  await Promise.all([results.readBackTo(undefined), deadLetters.readBackTo(undefined)]);
  const newest = seen().reduce((highest, ending) => Math.max(highest, ending.log), -1);
  let life = Math.max(createdAtMs, newest);
  if (newest >= 0 && newest < life) {
    log.warn(
      `${name}: the requests hub was made anew since the last results; what they say of its predecessor is left aside`,
    );
  }
  let standing = standingOf(seen(), life);
  await Promise.all([results.readBackTo(standing), deadLetters.readBackTo(standing)]);
  standing = standingOf(seen(), life);
  // Others go on meanwhile: what came and was settled while the tails were read is there by now.
  const isPast = standing !== undefined && standing.settledThrough > asked.last;
  const requests = isPast ? await hubs.requests.range(partition, signal) : asked;
  if (standing && standing.settledThrough > requests.last) {
    log.warn(
      `${name}: results say it is settled through ${standing.settledThrough}, but it ends at ${requests.last}: ` +
        'its sequence numbers started again, so its events are taken as new',
    );
    life += 1;
    standing = undefined;
  }
  const appended = everAppended(results.range, deadLetters.range);
  if (standing) return { standing, requests, endings, appended };

  const first = nextSequenceNumber ?? requests.last + 1;
  let start = initialPosition === 'start' ? Math.min(requests.first, first) : first;
  if (results.expiredAtMs !== undefined && results.expiredAtMs >= createdAtMs) {
    start = await firstAfter(hubs.requests, partition, requests, results.expiredAtMs, first, signal);
    log.warn(
      `${name}: all its results have expired, the last of ${new Date(results.expiredAtMs).toISOString()}; ` +
        `going on at ${start}, the first request since then. Keep results at least as long as requests`,
    );
  } else if (start < first) {
    log.info(`${name}: no results yet; beginning at ${start}, the first event there is (INITIAL_POSITION)`);
  }
  return { standing: { log: life, settledThrough: start - 1, ended: new Map() }, requests, endings, appended };
}

export function everAppended(results: PartitionRange, deadLetters: PartitionRange): number {
  return results.last + 1 + deadLetters.last + 1;
}

/** The first request that came after the last result that is known of: anything before it was most likely settled. */
async function firstAfter(
  reader: HubReader,
  partition: string,
  range: PartitionRange,
  afterMs: number,
  limit: number,
  signal: AbortSignal,
): Promise<number> {
  if (range.empty || (range.lastEnqueuedAtMs ?? 0) <= afterMs) return limit;
  for await (const block of reader.read(partition, { enqueuedAfterMs: afterMs }, signal)) {
    return Math.min(limit, block[0]?.sequenceNumber ?? limit);
  }
  return limit;
}

/** Partition p's endings go to partition p, so all three hubs need the same partitions. */
async function checkPartitions(partition: string, hubs: LedgerHubs, signal: AbortSignal) {
  const [requests, ...others] = await Promise.all(
    [hubs.requests, hubs.results, hubs.deadLetters].map(async reader => ({
      hub: reader.hub,
      ...(await reader.describe(signal)),
    })),
  );
  if (!requests) throw new Error('no requests hub');
  for (const other of others) {
    // More are no fault: where partitions are added, those of the endings come first.
    if (other.partitions.length < requests.partitions.length || !other.partitions.includes(partition)) {
      throw new ConfigurationError(
        `hub ${other.hub} has ${other.partitions.length} partitions and ${requests.hub} has ${requests.partitions.length}: ` +
          'endings keep the partition of their request; add partitions to it, or make it anew with as many',
      );
    }
  }
  return { ...requests, endings: others.map(({ hub, createdAtMs }) => `${hub}@${createdAtMs}`).join(' ') };
}

/** The endings at the end of a results or dead-letter partition, read backwards as far as needed. */
async function openTail(reader: HubReader, requestsHub: string, partition: string, signal: AbortSignal) {
  const range = await reader.range(partition, signal);
  let endings: TailEntry[] = [];
  let from = range.last + 1;
  let look = FIRST_LOOK;

  const readBack = async (): Promise<void> => {
    const until = from - 1;
    from = Math.max(range.first, from - look);
    look *= 2;
    endings = [...(await readEndings(reader, requestsHub, partition, from, until, signal)), ...endings];
  };
  return {
    range,
    get endings(): readonly TailEntry[] {
      return endings;
    },
    /** When the last event came, where there were events but none is left. */
    expiredAtMs: range.empty ? range.lastEnqueuedAtMs : undefined,
    /** Reads back to the mark; without one, to the first ending there is. */
    async readBackTo(standing: Standing | undefined): Promise<void> {
      while (!range.empty && from > range.first && !reachesMark(endings, standing)) await readBack();
    },
  };
}

async function readEndings(
  reader: HubReader,
  requestsHub: string,
  partition: string,
  from: number,
  until: number,
  signal: AbortSignal,
): Promise<TailEntry[]> {
  const endings: TailEntry[] = [];
  for await (const block of reader.read(partition, { sequenceNumber: from }, signal)) {
    for (const event of block) {
      if (event.sequenceNumber > until) return endings;
      const ending = readTailEntry(event, requestsHub, partition);
      if (ending) endings.push(ending);
      if (event.sequenceNumber === until) return endings;
    }
  }
  return endings;
}
