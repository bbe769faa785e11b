import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { createDecoder } from '../../codecs/decoder.ts';
import { createDeadLetterRenderer } from '../../codecs/event-json/dead-letter.ts';
import type { Catalog } from '../../core/catalog.ts';
import type { Event, EventBatch } from '../../core/event.ts';
import { MAX_BATCH_BYTES } from '../../core/hub-sender.ts';
import type { Loader } from '../../core/loader.ts';
import type { ModelVersion } from '../../core/model.ts';
import type { Route } from '../../core/routing.ts';
import type { ScoredBatch } from '../../core/scored-batch.ts';
import { BatchEncoder } from '../../hubs/encode-message.ts';
import { writeEndings } from '../../hubs/write-endings.ts';
import { planEndings } from '../../ledger/plan-endings.ts';
import type { RawCard } from '../../models/card.ts';
import { type ModelFiles, openModelFiles } from '../../models/open-files.ts';
import { createScoring, type Scoring } from '../../scoring/scoring.ts';
import type { Way } from './choose.ts';

/** A model opened in one way, behind the scoring that serves it. */
export interface Trial {
  /** What batches of this size took, one after the other, for about `forMs`; at least three. */
  timeBatches(size: number, forMs: number): Promise<readonly BatchTime[]>;
  /** The same with several batches under way, each stream its own partition. */
  timeStreams(size: number, streams: number, forMs: number): Promise<StreamTimes>;
  /** Scores each of the requests once. */
  check(): Promise<Checked>;
  close(): Promise<void>;
}

export interface BatchTime {
  readonly tookMs: number;
  /** Of it in the model. */
  readonly modelMs: number;
}

export interface StreamTimes {
  readonly perSecond: number;
  readonly batchMs: readonly number[];
  readonly timersLateMs: number;
}

export interface Checked {
  readonly results: number;
  /** Requests that ended as dead letters, and the first one's reason. */
  readonly refused: number;
  readonly reason: string | undefined;
  readonly meanResultBytes: number;
}

const LEAST_BATCHES = 3;
const MAX_BODY_BYTES = MAX_BATCH_BYTES - 16_384;
const QUIET = { info() {}, warn() {}, error() {} };

/** @param bodies requests, used in turn; @param maxBatch rows of a slice, at most */
export async function openTrial(
  files: ModelFiles,
  card: RawCard,
  way: Way,
  maxBatch: number | undefined,
  bodies: readonly Buffer[],
  loaders: readonly Loader[],
): Promise<Trial> {
  const raw: RawCard = {
    ...card,
    runtime: {
      providers: card.runtime?.providers,
      ...card.runtime,
      placement: way.placement,
      intra_op_threads: way.threads,
    },
    batching: {
      max_length: card.batching?.max_length,
      ...card.batching,
      max_batch_size: maxBatch,
      max_queue_delay_ms: undefined,
    },
  };
  const { version, close } = await openModelFiles(files, raw, loaders);
  const scoring = createScoring({
    decoder: createDecoder(),
    renderDeadLetter: createDeadLetterRenderer(MAX_BODY_BYTES, Date.now),
    catalog: catalogOf(version),
    clock: Date.now,
    requestTimeoutMs: undefined,
    maxBodyBytes: MAX_BODY_BYTES,
    log: QUIET,
  });
  return { ...measuresOf(scoring, bodies), close };
}

function measuresOf(scoring: Scoring, bodies: readonly Buffer[]): Omit<Trial, 'close'> {
  const signal = new AbortController().signal;
  const encoder = new BatchEncoder(MAX_BATCH_BYTES);
  async function timed(batch: EventBatch): Promise<BatchTime> {
    const start = performance.now();
    const scored = await scoring.score(batch, signal);
    encodeEndings(encoder, scored, batch);
    const tookMs = performance.now() - start;
    await turn(); // as the host lets the loop turn between batches
    return { tookMs, modelMs: scored.slices.reduce((sum, { computeMs }) => sum + computeMs, 0) };
  }
  async function timeFor(batches: readonly EventBatch[], forMs: number): Promise<BatchTime[]> {
    const times: BatchTime[] = [];
    for (const start = performance.now(); times.length < LEAST_BATCHES || performance.now() - start < forMs; ) {
      times.push(await timed(batches[times.length % batches.length] as EventBatch));
    }
    return times;
  }
  return {
    async timeBatches(size, forMs) {
      const batches = batchesOf(bodies, size, 0);
      await timed(batches[0] as EventBatch);
      return timeFor(batches, forMs);
    },
    async timeStreams(size, streams, forMs) {
      const partitions = Array.from({ length: streams }, (_, i) => batchesOf(bodies, size, i));
      await Promise.all(partitions.map(([first]) => timed(first as EventBatch)));
      const delays = monitorEventLoopDelay({ resolution: 1 });
      delays.enable();
      const start = performance.now();
      const times = (await Promise.all(partitions.map(batches => timeFor(batches, forMs)))).flat();
      const tookMs = performance.now() - start;
      delays.disable();
      return {
        perSecond: (times.length * size * 1000) / tookMs,
        batchMs: times.map(time => time.tookMs),
        timersLateMs: Math.max(0, delays.percentile(99) / 1e6 - 1),
      };
    },
    async check() {
      const outcomes = (await scoring.score(batchOf(bodies, bodies.length, 0, 0), signal)).outcomes();
      const letters = outcomes.filter(({ kind }) => kind === 'dead-letter');
      const results = outcomes.filter(({ kind }) => kind === 'result');
      const bytes = results.reduce((sum, { body }) => sum + body.length, 0);
      const [letter] = letters;
      return {
        results: results.length,
        refused: letters.length,
        reason: letter && (JSON.parse(letter.body.toString('utf8')) as { error: { message: string } }).error.message,
        meanResultBytes: bytes / Math.max(1, results.length),
      };
    },
  };
}

/** As far as a send goes without a network: the bytes of its messages. */
function encodeEndings(encoder: BatchEncoder, scored: ScoredBatch, { partition, events }: EventBatch): void {
  const standing = { settledThrough: -1, ended: new Map<string, number>(), log: 0 };
  const batch = { partition, lastSequenceNumber: events.length - 1 };
  const plan = planEndings(scored, standing, batch);
  for (const messages of [plan.deadLetters, plan.results]) {
    for (let from = 0; from < messages.length; ) {
      encoder.reset();
      from += Math.max(1, writeEndings(encoder, messages, from));
    }
  }
}

/** As many batches as it takes to use every request once: the same few rows again and again flatter a model (a forest six times). */
function batchesOf(bodies: readonly Buffer[], size: number, partition: number): EventBatch[] {
  const count = Math.ceil(bodies.length / size);
  return Array.from({ length: count }, (_, i) => batchOf(bodies, size, partition, (i + partition) * size));
}

function batchOf(bodies: readonly Buffer[], size: number, partition: number, from: number): EventBatch {
  const nowMs = Date.now();
  const events = Array.from({ length: size }, (_, i): Event => {
    const body = bodies[(from + i) % bodies.length] as Buffer;
    return {
      body,
      sequenceNumber: i,
      enqueuedAtMs: nowMs,
      partitionKey: undefined,
      contentType: 'application/json',
      contentEncoding: undefined,
      properties: {},
    };
  });
  return { hub: 'inference-requests', consumerGroup: 'inference-consumer', partition: String(partition), events };
}

/** Answers everything with one version. */
function catalogOf(version: ModelVersion): Catalog {
  const route: Route = { version, requestedVersion: undefined, fallback: false, variant: undefined };
  return { routing: () => ({ route }), fallbackFor: async () => undefined, list: async () => [] };
}
