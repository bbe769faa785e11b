import type { Blobs } from '../../core/blobs.ts';
import type { HubReader } from '../../core/hub-reader.ts';
import type { Log } from '../../core/log.ts';
import { findStanding, type LedgerHubs } from '../../ledger/find-standing.ts';
import { createPassedOverMarks, markedThrough, type PassedOverMarks } from '../../ledger/passed-over-marks.ts';
import { Latencies } from '../load/latencies.ts';

const HOUR_MS = 3_600_000;
/** Endings at the end of a partition by which its times are judged. */
const RECENT = 500;
const QUIET: Log = { info() {}, warn() {}, error() {} };

export interface PartitionStatus {
  readonly id: string;
  /** Events of the requests partition without an ending. */
  readonly lag: number;
  /** ISO, UTC; absent where there never was one. */
  readonly last_ending?: string;
  /** From enqueued to the result's being in its hub, ms, of the last results; absent where there are none. */
  readonly p50_ms?: number;
  readonly p95_ms?: number;
}

export interface DeadLetterCount {
  readonly code: string;
  readonly model?: string;
  readonly count: number;
  readonly see: string;
}

/** How far each partition is settled and how long its endings took. @throws what readers throw */
export async function lookAtPartitions(
  hubs: LedgerHubs,
  monitor: Blobs,
  signal: AbortSignal,
): Promise<PartitionStatus[]> {
  const marks = createPassedOverMarks(monitor, QUIET);
  const { partitions } = await hubs.requests.describe(signal);
  return Promise.all(partitions.map(id => lookAtPartition(id, hubs, marks, signal)));
}

async function lookAtPartition(
  id: string,
  hubs: LedgerHubs,
  marks: PassedOverMarks,
  signal: AbortSignal,
): Promise<PartitionStatus> {
  const { standing, requests, endings } = await findStanding(
    id,
    undefined,
    { hubs, initialPosition: 'start', log: QUIET },
    signal,
  );
  const [results, deadLetters] = [await hubs.results.range(id, signal), await hubs.deadLetters.range(id, signal)];
  const passed = markedThrough(await marks.read(hubs.requests.hub, id), standing.log, endings);
  const lastMs = Math.max(results.lastEnqueuedAtMs ?? 0, deadLetters.lastEnqueuedAtMs ?? 0);
  const times = new Latencies();
  const from = Math.max(results.first, results.last + 1 - RECENT);
  for await (const event of upTo(hubs.results, id, { sequenceNumber: from }, results.last, signal)) {
    const enqueuedMs = Date.parse(String(fieldsOf(event.body).enqueued_at));
    if (enqueuedMs > 0) times.add(event.enqueuedAtMs - enqueuedMs);
  }
  return {
    id,
    lag: Math.max(0, requests.last - Math.max(standing.settledThrough, passed)),
    ...(lastMs > 0 && { last_ending: new Date(lastMs).toISOString() }),
    ...(times.count > 0 && { p50_ms: times.percentile(50), p95_ms: times.percentile(95) }),
  };
}

/** Dead letters of the last hour by code and model, most frequent first. @throws what readers throw */
export async function countDeadLetters(hub: HubReader, nowMs: number, signal: AbortSignal): Promise<DeadLetterCount[]> {
  const counts = new Map<string, DeadLetterCount>();
  const { partitions } = await hub.describe(signal);
  for (const id of partitions) {
    const { last, lastEnqueuedAtMs = 0 } = await hub.range(id, signal);
    if (lastEnqueuedAtMs <= nowMs - HOUR_MS) continue;
    for await (const { body } of upTo(hub, id, { enqueuedAfterMs: nowMs - HOUR_MS }, last, signal)) {
      const { error, model } = fieldsOf(body);
      if (typeof error?.code !== 'string') continue;
      const key = JSON.stringify([error.code, model]);
      const before = counts.get(key) ?? { code: error.code, model, count: 0, see: `docs/operate.md#${error.code}` };
      counts.set(key, { ...before, count: before.count + 1 });
    }
  }
  return [...counts.values()].sort((one, other) => other.count - one.count);
}

async function* upTo(
  hub: HubReader,
  partition: string,
  from: Parameters<HubReader['read']>[1],
  last: number,
  signal: AbortSignal,
) {
  if ('sequenceNumber' in from && from.sequenceNumber > last) return;
  for await (const block of hub.read(partition, from, signal)) {
    for (const event of block) if (event.sequenceNumber <= last) yield event;
    if ((block.at(-1)?.sequenceNumber ?? last) >= last) return;
  }
}

interface Fields {
  readonly enqueued_at?: unknown;
  readonly model?: string;
  readonly error?: { readonly code?: unknown };
}

/** Of an ending's body; nothing where somebody else wrote it. */
function fieldsOf(body: Buffer): Fields {
  try {
    const read: unknown = JSON.parse(body.toString());
    return typeof read === 'object' && read !== null ? read : {};
  } catch {
    return {};
  }
}
