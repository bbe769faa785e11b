import { setTimeout as sleep } from 'node:timers/promises';
import type { EventData, EventHubProducerClient } from '@azure/event-hubs';
import { inChunks } from './in-chunks.ts';
import { type PackedLines, packLines } from './pack-lines.ts';
import { partitionOfKey } from './partition-of-key.ts';
import { type BadLine, type LineOptions, type RequestLine, readRequestLine } from './request-line.ts';

const CHUNK = 1000;
const MAX_CHUNK = 100_000;
const CHUNK_WAIT_MS = 100;
/** Groups under way at once; the events of one key are never in two of them. */
const CONCURRENCY = 16;

export interface SendOptions extends LineOptions {
  /** Lines a second; absent: as fast as the hub takes them. */
  readonly rate?: number | undefined;
  /** Application properties of every event. */
  readonly properties?: Readonly<Record<string, string>> | undefined;
  /** What the answer to a row takes at most, by the model that its request names; absent: what is usual. */
  readonly answerBytes?: ((model: string | undefined, version: string | undefined) => Promise<number>) | undefined;
  /** Ends it early; what was sent by then is reported. */
  readonly signal: AbortSignal;
  /** Told of every line that is not sent. */
  readonly onBadLine: (bad: BadLine) => void;
}

export interface SendReport {
  readonly bad: number;
  /** Lines that were sent. */
  readonly lines: number;
  /** Events. */
  readonly byPartition: ReadonlyMap<string, number>;
}

/** Events that go to the hub together: those of one partition key, or keyless ones for one partition. */
interface Group {
  readonly target: { partitionKey: string } | { partitionId: string };
  readonly partition: string;
  readonly lines: RequestLine[];
}

/**
 * Sends every line as one event, in the order of the lines for each partition key; lines without a key are spread evenly
 * over the partitions.
 * @throws what the SDK throws where the hub cannot be reached.
 */
export async function sendRequests(
  producer: EventHubProducerClient,
  lines: AsyncIterable<Uint8Array>,
  options: SendOptions,
): Promise<SendReport> {
  const partitions = await producer.getPartitionIds({ abortSignal: options.signal });
  const byPartition = new Map(partitions.map(id => [id, 0]));
  const startedAt = performance.now();
  // Packs are filled from one chunk, wherever its lines go.
  const chunk = Math.min(MAX_CHUNK, CHUNK * (options.pack ?? 1));
  const chunkSize = options.rate ? Math.min(chunk, Math.ceil(options.rate / 10)) : chunk;
  let lineNumber = 0;
  let keyless = 0;
  let read = 0;
  let bad = 0;
  let sentLines = 0;
  const refuse = (line: BadLine) => {
    bad++;
    options.onBadLine(line);
  };

  for await (const some of inChunks(lines, chunkSize, CHUNK_WAIT_MS)) {
    const groups = new Map<string, Group>();
    for (const bytes of some) {
      const line = readRequestLine(bytes, ++lineNumber, options);
      if (!line) continue;
      if ('reason' in line) {
        refuse(line);
        continue;
      }
      const key = line.partitionKey;
      const turn = key === undefined ? keyless++ % partitions.length : partitionOfKey(key, partitions.length);
      const partition = partitions[turn] as string;
      const target = key === undefined ? { partitionId: partition } : { partitionKey: key };
      const name = key === undefined ? `partition ${partition}` : `key ${key}`;
      const group = groups.get(name);
      if (group) group.lines.push(line);
      else groups.set(name, { target, partition, lines: [line] });
    }
    await forEach([...groups.values()], CONCURRENCY, async group => {
      await sendGroup(producer, group, options, refuse, (events, ofLines) => {
        byPartition.set(group.partition, (byPartition.get(group.partition) ?? 0) + events);
        sentLines += ofLines;
      });
    });
    read += some.length;
    if (options.rate) {
      const aheadMs = startedAt + (read * 1000) / options.rate - performance.now();
      if (aheadMs > 0) await sleep(aheadMs, undefined, { signal: options.signal });
    }
    if (options.signal.aborted) break;
  }
  return { bad, lines: sentLines, byPartition };
}

async function sendGroup(
  producer: EventHubProducerClient,
  group: Group,
  options: SendOptions,
  refuse: (line: BadLine) => void,
  sent: (events: number, lines: number) => void,
): Promise<void> {
  const abortSignal = options.signal;
  const newBatch = () => producer.createBatch({ ...group.target, abortSignal });
  let batch = await newBatch();
  let lines = 0;
  const flush = async () => {
    await producer.sendBatch(batch, { abortSignal });
    sent(batch.count, lines);
    lines = 0;
  };
  const events = options.pack === undefined ? group.lines.map(alone) : await packed(group.lines, options.pack, options);
  for (const { body, lines: of } of events) {
    const event: EventData = { body, contentType: 'application/json' };
    if (options.properties) event.properties = { ...options.properties };
    let added = batch.tryAdd(event);
    if (!added && batch.count > 0) {
      await flush();
      batch = await newBatch();
      added = batch.tryAdd(event);
    }
    if (added) {
      lines += of.length;
      continue;
    }
    const size = `${body.length.toLocaleString('en')} bytes`;
    const most = `an event takes at most ${batch.maxSizeInBytes.toLocaleString('en')} with its headers`;
    for (const { lineNumber } of of)
      refuse({ lineNumber, reason: `${size}, and ${most}; split it into several requests` });
  }
  if (batch.count > 0) await flush();
}

async function packed(
  lines: readonly RequestLine[],
  most: number,
  { answerBytes }: SendOptions,
): Promise<readonly PackedLines[]> {
  if (answerBytes === undefined) return packLines(lines, most);
  const sizes = new Map<string, number>();
  for (const { row } of lines) {
    if (row === undefined || sizes.has(row.rest)) continue;
    const { model, model_version: version } = JSON.parse(row.rest) as { model?: unknown; model_version?: unknown };
    sizes.set(row.rest, await answerBytes(nameIn(model), nameIn(version)));
  }
  return packLines(lines, most, rest => sizes.get(rest) as number);
}

const nameIn = (value: unknown) => (typeof value === 'string' ? value : undefined);

function alone(line: RequestLine): PackedLines {
  return { lines: [line], body: line.body };
}

async function forEach<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < items.length) await work(items[next++] as T);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, lane));
}
