import type { Event } from '../core/event.ts';
import { readRange } from '../core/read-range.ts';
import type { LedgerHubs } from './find-standing.ts';
import { readTailEntry } from './standing.ts';
import { type EndingKind, type Fault, Tally } from './tally.ts';

export type { Fault } from './tally.ts';

export interface VerifyOptions {
  readonly hubs: LedgerHubs;
  /** Requests enqueued from this time on, milliseconds since the epoch; absent: all there are. */
  readonly fromMs?: number | undefined;
  /** Requests enqueued before this time; absent: all there are. Those still being scored count as missing. */
  readonly toMs?: number | undefined;
  /** The records that an event carries, as scoring would decode it, at least 1: whether each is passed over. */
  readRecords(event: Event): readonly boolean[] | Promise<readonly boolean[]>;
  /** Told after every block. */
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined;
  /** Ids named of each kind of fault. */
  readonly maxListed: number;
}

export interface VerifyProgress {
  readonly partition: string;
  readonly requests: number;
  readonly endings: number;
}

/** What was found in one partition. Sound where requests = results + deadLetters + skipped and the three faults are 0. */
export interface PartitionVerdict {
  readonly partition: string;
  readonly events: number;
  readonly requests: number;
  /** Requests with a result, with a dead letter; repeats left out. */
  readonly results: number;
  readonly deadLetters: number;
  /** Records that the card of the model passes over: no requests, and without an ending. */
  readonly skipped: number;
  readonly missing: Fault;
  /** Endings beyond the first of a request, whatever kinds they are. */
  readonly repeated: Fault;
  /** Of those, the ones of another kind than the request's first: a result and a dead letter. */
  readonly otherwise: Fault;
  /** First endings that stand behind one of a later request in the same hub. */
  readonly outOfOrder: Fault;
}

/** Walks requests, results and dead letters of every partition and holds them against each other. @throws InfrastructureError. */
export async function verify(options: VerifyOptions, signal: AbortSignal): Promise<PartitionVerdict[]> {
  const { createdAtMs, partitions } = await options.hubs.requests.describe(signal);
  return Promise.all(partitions.map(partition => verifyPartition(partition, createdAtMs, options, signal)));
}

async function verifyPartition(
  partition: string,
  createdAtMs: number,
  { hubs, fromMs, toMs, readRecords, onProgress, maxListed }: VerifyOptions,
  signal: AbortSignal,
): Promise<PartitionVerdict> {
  const name = `${hubs.requests.hub}/${partition}`;
  const tally = new Tally(name, maxListed);
  let endings = 0;
  const report = () => onProgress?.({ partition, requests: tally.requests, endings });

  const requests = stepper(readRange(hubs.requests, partition, { timeMs: fromMs }, signal), async event => {
    if (toMs !== undefined && event.enqueuedAtMs >= toMs) return undefined;
    tally.expect(event.sequenceNumber, await readRecords(event));
    return event.sequenceNumber;
  });
  const endingsOf = (kind: EndingKind) =>
    stepper(readRange(hubs[kind], partition, { timeMs: fromMs }, signal), event => {
      endings++;
      const entry = readTailEntry(event, hubs.requests.hub, partition);
      // An ending of an earlier hub of the same name has the same id as one of this hub.
      if (!entry || entry.log < createdAtMs) return undefined;
      tally.end(kind, entry.sequenceNumber, indexIn(entry.resultId, name));
      return entry.sequenceNumber;
    });
  const others = [endingsOf('results'), endingsOf('deadLetters')];

  // In step, so that what is complete can be forgotten: a page of requests, then the endings up to it.
  while (await requests.advance(tally.nextPage())) {
    report();
    for (const other of others) await other.advance(tally.nextPage());
    report();
    tally.forgetComplete();
  }
  for (const other of others) await other.advance(Number.POSITIVE_INFINITY);
  report();
  return { partition, ...tally.verdict() };
}

/** Reads on until an event's number reaches `until`; false once there is nothing more. */
function stepper<T>(
  blocks: AsyncGenerator<readonly T[]>,
  take: (event: T) => number | undefined | Promise<number | undefined>,
) {
  let reached = -1;
  let over = false;
  return {
    async advance(until: number): Promise<boolean> {
      while (!over && reached < until) {
        const { value, done } = await blocks.next();
        over = done === true;
        for (const event of value ?? []) reached = Math.max(reached, (await take(event)) ?? -1);
      }
      return !over;
    },
  };
}

/** Undefined for `hub/partition/sequence number`, i for `hub/partition/sequence number/i`. */
function indexIn(resultId: string, name: string): number | undefined {
  const [, index] = resultId.slice(name.length + 1).split('/');
  return index === undefined ? undefined : Number(index);
}
