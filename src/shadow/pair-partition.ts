import { BlobConflict, type Blobs } from '../core/blobs.ts';
import type { EventBatch } from '../core/event.ts';
import type { HubReader, PartitionRange, StoredEvent } from '../core/hub-reader.ts';
import type { Clock } from '../core/log.ts';
import { readRange } from '../core/read-range.ts';
import { bucketsOf } from '../rollouts/bucket.ts';
import type { Shadow } from '../rollouts/shadow.ts';
import { writePairs } from './pair-lines.ts';
import { addTally, type Pair, pairUp, tallyOf } from './pairs.ts';
import { readSettled } from './settled-results.ts';
import { newState, readState, type ShadowState, statePath } from './shadow-state.ts';
import type { ScoreEvents } from './told.ts';

export interface PairPartitionOptions {
  readonly model: string;
  readonly shadow: Shadow;
  /** Scores by the shadow's version. */
  readonly score: ScoreEvents;
  /** By group `shadow`; nobody else reads by it. */
  readonly requests: HubReader;
  readonly results: HubReader;
  readonly requestsCreatedAtMs: number;
  readonly blobs: Blobs;
  readonly clock: Clock;
  /** No block is begun after that time, milliseconds since the epoch: what was paired is kept. */
  readonly untilMs: number;
}

export interface PartitionPaired {
  readonly pairs: number;
  /** Requests that are there and not done with. */
  readonly behind: number;
}

const TRIES = 3;
/** Results in memory at once. */
const MAX_RESULTS = 20_000;
const MAX_PAIRS = 5_000;
/** A result lies behind its request, but the clocks of two partitions are two. */
const SLACK_MS = 10_000;

/**
 * Pairs what came to a partition since the last time: requests that production has settled, those of the sample. Cursor and counters are one blob, written under its ETag, so each
 * sampled request counts once, whoever does it and however often it is killed.
 */
export async function pairPartition(
  partition: string,
  options: PairPartitionOptions,
  signal: AbortSignal,
): Promise<PartitionPaired> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryPair(partition, options, signal);
    } catch (thrown) {
      if (!(thrown instanceof BlobConflict) || attempt === TRIES) throw thrown;
    }
  }
}

async function tryPair(
  partition: string,
  options: PairPartitionOptions,
  signal: AbortSignal,
): Promise<PartitionPaired> {
  const { model, shadow, requests, results, blobs, clock, untilMs } = options;
  const path = statePath(model, shadow.version, shadow.id, partition);
  const there = await readState(blobs, path, signal);
  const range = await requests.range(partition, signal);
  const isSampled = sampler(requests.hub, partition, shadow);
  const before = stateNow(there?.state, options, range);
  const { cursor } = before;
  if (range.empty || range.last <= cursor) return { pairs: 0, behind: 0 };
  const from = { sequenceNumber: before.results_from };
  const effectiveAtMs = Date.parse(shadow.effective_at);
  const settled = await readSettled(
    results,
    partition,
    {
      from: before.results_from < 0 ? { timeMs: effectiveAtMs - SLACK_MS } : from,
      isWanted: sequenceNumber => sequenceNumber > cursor && isSampled(sequenceNumber),
      ...{ model, atMost: MAX_RESULTS },
    },
    signal,
  );
  const until = Math.min(settled.settledThrough, range.last);
  if (until <= cursor) return { pairs: 0, behind: range.last - cursor };

  const pairs: Pair[] = [];
  let [unpaired, sampled] = [0, 0];
  let newest: StoredEvent | undefined;
  const asked = cursor < 0 ? { timeMs: effectiveAtMs } : { sequenceNumber: cursor + 1 };
  const toRead = { ...range, last: until };
  for await (const block of readRange(requests, partition, asked, signal, toRead)) {
    const events = block.filter(event => event.enqueuedAtMs >= effectiveAtMs && isSampled(event.sequenceNumber));
    const batch: EventBatch = { hub: requests.hub, consumerGroup: 'shadow', partition, events };
    const told = events.length === 0 ? [] : await options.score(batch, signal);
    const found = pairUp(settled.told, told);
    pairs.push(...found.pairs);
    unpaired += found.unpaired;
    sampled += told.length;
    newest = block.at(-1) ?? newest;
    if (pairs.length >= MAX_PAIRS || clock() >= untilMs) break;
  }
  // What was enqueued before the shadow began is done with, too.
  const done = newest?.sequenceNumber ?? until;
  await writePairs(blobs, { model, version: shadow.version }, { partition, from: cursor + 1, to: done }, pairs, signal);
  const after: ShadowState = {
    ...before,
    ...addTally(before, tallyOf(pairs, unpaired)),
    cursor: done,
    cursor_at_ms: newest?.enqueuedAtMs ?? before.cursor_at_ms,
    results_from: settled.resultsFrom(done),
    sampled: before.sampled + sampled,
  };
  await blobs.writeText(path, JSON.stringify(after), there ? { etag: there.etag } : 'absent', signal);
  return { pairs: pairs.length, behind: range.last - done };
}

/** What it goes on from. A hub that was made anew begins at its beginning; what had expired is passed over, and counted. */
function stateNow(
  known: ShadowState | undefined,
  { requestsCreatedAtMs }: PairPartitionOptions,
  { first, last }: PartitionRange,
): ShadowState {
  const isSame = known?.hub_created_at_ms === requestsCreatedAtMs && known.cursor <= last;
  if (known === undefined) return newState(requestsCreatedAtMs, -1, -1);
  if (!isSame) return { ...known, hub_created_at_ms: requestsCreatedAtMs, cursor: -1, results_from: -1 };
  if (known.cursor < 0 || known.cursor + 1 >= first) return known;
  return { ...known, cursor: first - 1, lost: known.lost + first - 1 - known.cursor };
}

/** Which events of a partition are in the sample: by a hash of where they lie, so that whoever looks takes the same. */
export function sampler(hub: string, partition: string, { id, sample }: Shadow): (sequenceNumber: number) => boolean {
  const bucketOf = bucketsOf(id);
  return sequenceNumber => bucketOf(`${hub}/${partition}/${sequenceNumber}`) < sample * 100;
}
