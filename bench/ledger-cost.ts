import { createDeadLetterRenderer } from '../src/codecs/event-json/dead-letter.ts';
import type { EventBatch } from '../src/core/event.ts';
import type { HubReader } from '../src/core/hub-reader.ts';
import { MAX_BATCH_BYTES, type PartitionSender } from '../src/core/hub-sender.ts';
import { createRetry } from '../src/core/retry-policies.ts';
import type { ScoredBatch } from '../src/core/scored-batch.ts';
import { BatchEncoder } from '../src/hubs/encode-message.ts';
import { readBatch } from '../src/hubs/read-batch.ts';
import { writeEndings } from '../src/hubs/write-endings.ts';
import { createAdmission } from '../src/ledger/admission.ts';
import type { ScoringObserver } from '../src/ledger/partition-scorer.ts';
import { planEndings } from '../src/ledger/plan-endings.ts';
import { createScorer, type Scorer } from '../src/ledger/scorer.ts';
import type { Scoring } from '../src/scoring/scoring.ts';
import { metadataOf } from './function-path.ts';
import { type Candidate, type Comparison, compare, processorTime, round3 } from './harness.ts';
import { catalogOf, openModel } from './models.ts';
import { MAX_BODY_BYTES, openScoring } from './open-scoring.ts';
import { requestBodies } from './requests.ts';

const quiet = { info: () => {}, warn: () => {}, error: () => {} };
/** More than are used here. */
const PARTITIONS = Array.from({ length: 32 }, (_, i) => String(i));
const MIB = 1024 * 1024;
const SOURCE = { hub: 'inference-requests', consumerGroup: 'inference-consumer' };

/** What the host tells of the batches of one partition, one after the other. */
export interface Batches {
  /** With the sequence numbers that follow those of the time before; the same object each time. */
  next(): unknown;
}

interface Metadata {
  readonly partitionContext: { partitionId: string };
  readonly sequenceNumberArray: number[];
  readonly systemPropertiesArray: { 'x-opt-sequence-number': number; sequenceNumber: number }[];
}

export function createBatches(count: number, partition: string): Batches {
  const metadata = metadataOf(count) as Metadata;
  metadata.partitionContext.partitionId = partition;
  let next = 0;
  return {
    next() {
      for (let i = 0; i < count; i++) {
        const properties = metadata.systemPropertiesArray[i]!;
        metadata.sequenceNumberArray[i] = next;
        properties.sequenceNumber = next;
        properties['x-opt-sequence-number'] = next;
        next++;
      }
      return metadata;
    },
  };
}

/** Encodes as the real sender does, and sends nowhere. */
export function memorySender(): PartitionSender {
  const encoder = new BatchEncoder(MAX_BATCH_BYTES);
  return {
    async send(_partition, messages) {
      for (let sent = 0; sent < messages.length; ) {
        encoder.reset();
        sent += writeEndings(encoder, messages, sent);
      }
    },
    async close() {},
  };
}

/** A hub in which nothing is yet. */
function emptyHub(hub: string): HubReader {
  return {
    hub,
    describe: async () => ({ createdAtMs: 0, partitions: PARTITIONS }),
    range: async () => ({ first: 0, last: -1, lastEnqueuedAtMs: undefined, empty: true }),
    read: () => {
      throw new Error(`nothing is to be read from ${hub}`);
    },
    async close() {},
  };
}

const NOBODY: ScoringObserver = { settled: () => {}, ledger: () => {} };

/** The events room as the app builds it, between hubs that are not there. */
export function openScorer(scoring: Scoring, sender: PartitionSender, observer = NOBODY): Scorer {
  return createScorer({
    ledger: {
      hubs: { requests: emptyHub(SOURCE.hub), results: emptyHub('results'), deadLetters: emptyHub('dead letters') },
      initialPosition: 'start',
      log: quiet,
    },
    consumerGroup: SOURCE.consumerGroup,
    score: scoring.score,
    renderDeadLetter: createDeadLetterRenderer(MAX_BODY_BYTES, Date.now),
    senders: { results: sender, deadLetters: sender },
    refuseWhileAway() {},
    retry: createRetry({ retries: 4, initialDelayMs: 200, maxDelayMs: 5_000 }),
    uncertainDelayMs: 1_000,
    admission: createAdmission(64 * MIB),
    weigh: ({ body }) => body.length,
    maxSliceBytes: 16 * MIB,
    deadlineMs: 240_000,
    silentAfterMs: 360_000,
    observer,
    clock: Date.now,
    log: quiet,
  });
}

/** What is sent of a scored batch where nothing is there already. */
export function send(
  sender: PartitionSender,
  scored: ScoredBatch,
  batch: EventBatch,
  signal: AbortSignal,
): Promise<void> {
  const { partition, events } = batch;
  const lastSequenceNumber = events[events.length - 1]?.sequenceNumber ?? -1;
  const standing = { settledThrough: -1, ended: new Map<string, number>(), log: 0 };
  return sender.send(partition, planEndings(scored, standing, { partition, lastSequenceNumber }).results, signal);
}

export interface LedgerCost {
  /** Processor time of the function path in memory, without and with. */
  readonly comparison: Comparison;
  readonly ledgerNsPerEvent: number;
  /** Of the time that the whole stream takes for an event: what the ledger costs of its throughput. */
  readonly shareOfStream: number;
}

/**
 * The whole of what stands between the host's batch and the bytes for the wire, with the ledger and everything that goes with it
 * (lanes, deadline, admission, breaker, retries, marks), beside the same without: score, encode, send. Over a real connection the
 * difference is lost in the noise, so it is held against what the stream was measured to do.
 *
 * @param eventsPerSecond of the stream, all processes together on this machine
 */
export async function measureLedger(
  name: string,
  version: string,
  batchSize: number,
  eventsPerSecond: number,
): Promise<LedgerCost> {
  const scoring = openScoring(catalogOf((await openModel(name, version)).model));
  const bodies = requestBodies(name, version, batchSize);
  const signal = new AbortController().signal;
  const oneByOne = (candidate: string, score: (batch: EventBatch) => Promise<void>): Candidate => {
    const batches = createBatches(batchSize, '0');
    return {
      name: candidate,
      async run() {
        await score(readBatch(bodies, batches.next(), SOURCE));
        return batchSize;
      },
    };
  };

  const sender = memorySender();
  const without = oneByOne('without ledger', async batch => {
    await send(sender, await scoring.score(batch, signal), batch, signal);
  });
  const scorer = openScorer(scoring, memorySender());
  const comparison = await compare([without, oneByOne('with ledger', scorer.scoreBatch)], 41, 150, processorTime);
  const { 'without ledger': bare = 0, 'with ledger': kept = 0 } = comparison.nsPerEvent;
  const ledgerNsPerEvent = kept - bare;
  return { comparison, ledgerNsPerEvent, shareOfStream: round3((ledgerNsPerEvent * eventsPerSecond) / 1e9) };
}
