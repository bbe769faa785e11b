import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventHubProducerClient } from '@azure/event-hubs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { consumerClient } from '../../src/azure/event-hubs.ts';
import { InfrastructureError } from '../../src/core/errors.ts';
import type { HubReader, Position, StoredEvent } from '../../src/core/hub-reader.ts';
import { readRange } from '../../src/core/read-range.ts';
import { createSdkReader } from '../../src/hubs/sdk-reader.ts';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { MemoryHub, memoryReader } from '../support/memory-hub.ts';

interface Message {
  readonly body: Buffer;
  readonly messageId: string;
  readonly properties: Readonly<Record<string, string | number>>;
}

/** One hub that nobody else uses, and what happens to its first partition. */
interface Stage {
  readonly reader: HubReader;
  readonly partition: string;
  /** Another one of the same hub. */
  openAnother(): HubReader;
  /** All at one time, which is later than that of those before. */
  append(messages: readonly Message[]): Promise<void>;
  /** Drops the oldest events. */
  expireSome(): Promise<void>;
  expireAll(): Promise<void>;
  whileAway(work: () => Promise<void>): Promise<void>;
}

interface Implementation {
  start?(): Promise<void>;
  stop?(): Promise<void>;
  open(): Promise<Stage>;
}

/** The SDK, on the local endpoint; every hub is used once. */
function sdk(): Implementation {
  const dataDir = mkdtempSync(join(tmpdir(), 'hubscore-reader-'));
  const unused = Array.from({ length: 10 }, (_, i) => `hub-${i}`);
  const entities = unused.map(Name => ({ Name, PartitionCount: 2, ConsumerGroups: [{ Name: 'other' }] }));
  const config = { UserConfig: { NamespaceConfig: [{ Type: 'EventHub', Name: 'emulatorNs1', Entities: entities }] } };
  const start = (environment: Record<string, string> = {}) =>
    startEventHubs({ config, dataDir, environment: { EVENTHUBS_SEGMENT_MB: '0.001', ...environment } });
  let hubs: EventHubs;
  /** Set to drop what the tests that follow put there. */
  let isForgetful = false;
  const closing: (() => Promise<void>)[] = [];

  /** Retention is looked after at every start. */
  async function restartWith(environment: Record<string, string>): Promise<void> {
    await hubs.stop();
    hubs = await start(environment);
  }

  return {
    async start() {
      hubs = await start();
    },
    async stop() {
      for (const close of closing) await close();
      await hubs.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
    async open() {
      const hub = unused.shift() as string;
      if (isForgetful) await restartWith({});
      isForgetful = false;
      const connection = () => ({ kind: 'connection-string', connectionString: hubs.connectionString }) as const;
      const open = () => {
        const reader = createSdkReader({
          hub,
          consumerGroups: ['$Default', 'other'],
          connect: group => consumerClient(connection(), hub, group),
          blockSize: 7,
          idleTimeoutMs: 3_000,
        });
        closing.push(() => reader.close());
        return reader;
      };
      let reader = open();
      const expire = async (environment: Record<string, string>) => {
        await reader.close();
        await restartWith(environment);
        isForgetful = true;
        reader = open(); // the port is another one
      };
      return {
        get reader() {
          return reader;
        },
        partition: '0',
        openAnother: open,
        async append(messages) {
          const producer = new EventHubProducerClient(hubs.connectionString, hub);
          const events = messages.map(message => ({ ...message, contentType: 'application/json' }));
          await producer.sendBatch(events, { partitionId: '0' });
          await producer.close();
          await new Promise(resolve => setTimeout(resolve, 2));
        },
        expireSome: () => expire({ EVENTHUBS_RETENTION_MB: '0.003' }),
        expireAll: () => expire({ EVENTHUBS_RETENTION_HOURS: '1e-9' }),
        async whileAway(work) {
          await hubs.kill();
          await work();
          await hubs.restart();
        },
      };
    },
  };
}

const inMemory: Implementation = {
  async open() {
    const hub = new MemoryHub('hub', Date.now());
    let nowMs = Date.now();
    let away = false;
    const alive = () => {
      if (away) throw new InfrastructureError(`${hub.name} is away`);
    };
    return {
      reader: memoryReader(hub, alive),
      partition: '0',
      openAnother: () => memoryReader(hub, alive),
      async append(messages) {
        nowMs += 1;
        for (const message of messages) hub.append(message, nowMs);
      },
      expireSome: async () => hub.expire(hub.first + 3),
      expireAll: async () => hub.expire(hub.next),
      async whileAway(work) {
        away = true;
        await work();
        away = false;
      },
    };
  },
};

const signal = AbortSignal.timeout(120_000);
const AWAY = { name: 'InfrastructureError', retryable: true };

const messages = (from: number, count: number): Message[] =>
  Array.from({ length: count }, (_, i) => ({
    body: Buffer.from(JSON.stringify({ i: from + i, text: 'ä'.repeat(150) })),
    messageId: `requests/0/${from + i}`,
    properties: { model: 'diabète 🩺', settled_through: from + i - 1 },
  }));

/** Reads until so many events have come; no block may be empty. */
async function read({ reader, partition }: Stage, from: Position, count: number): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const block of reader.read(partition, from, signal)) {
    expect(block.length).toBeGreaterThan(0);
    events.push(...block);
    if (events.length >= count) break;
  }
  return events;
}

const numbers = (events: readonly StoredEvent[]) => events.map(event => event.sequenceNumber);
const upTo = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

async function all(blocks: AsyncIterable<readonly StoredEvent[]>): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const block of blocks) events.push(...block);
  return events;
}

describe.each([
  ['by the SDK', sdk()],
  ['in memory', inMemory],
])('a hub read %s', (_, implementation) => {
  beforeAll(() => implementation.start?.());
  afterAll(() => implementation.stop?.());

  it('says when it was made, always the same, and which partitions it has', async () => {
    const { reader, partition } = await implementation.open();
    const described = await reader.describe(signal);
    expect(described.partitions).toContain(partition);
    expect(Math.abs(described.createdAtMs - Date.now())).toBeLessThan(600_000);
    expect(await reader.describe(signal)).toEqual(described);
  });

  it('holds nothing before anything came', async () => {
    const stage = await implementation.open();
    expect(await stage.reader.range(stage.partition, signal)).toEqual({
      first: 0,
      last: -1,
      lastEnqueuedAtMs: undefined,
      empty: true,
    });
    expect(await all(readRange(stage.reader, stage.partition, {}, signal))).toEqual([]);
  });

  it('gives events as they were sent, in order, from anywhere on', async () => {
    const stage = await implementation.open();
    const sent = [...messages(0, 20), ...messages(20, 20)];
    await stage.append(sent.slice(0, 20));
    await stage.append(sent.slice(20));
    const events = await read(stage, { sequenceNumber: 0 }, 40);
    expect(events.map(({ enqueuedAtMs, system, ...event }) => event)).toEqual(
      sent.map(({ body, messageId, properties }, i) => ({
        body,
        messageId,
        properties,
        sequenceNumber: i,
        partitionKey: undefined,
        contentType: 'application/json',
        contentEncoding: undefined,
      })),
    );
    expect(await stage.reader.range(stage.partition, signal)).toEqual({
      first: 0,
      last: 39,
      lastEnqueuedAtMs: events[39]?.enqueuedAtMs,
      empty: false,
    });
    expect(numbers(await read(stage, { sequenceNumber: 17 }, 23))).toEqual(upTo(17, 39));
    const before = events[19]?.enqueuedAtMs as number;
    expect(events[20]?.enqueuedAtMs).toBeGreaterThan(before);
    expect(numbers(await read(stage, { enqueuedAfterMs: before }, 20))).toEqual(upTo(20, 39));
    expect(numbers(await read(stage, { enqueuedAfterMs: before - 1 }, 40))).toEqual(upTo(0, 39));
  });

  it('gives everything up to what was its last event, and from a time on', async () => {
    const stage = await implementation.open();
    await stage.append(messages(0, 10));
    await stage.append(messages(10, 10));
    const events = await all(readRange(stage.reader, stage.partition, {}, signal));
    expect(numbers(events)).toEqual(upTo(0, 19));
    const from = (timeMs: number) => all(readRange(stage.reader, stage.partition, { timeMs }, signal));
    const late = events[10]?.enqueuedAtMs as number;
    expect(numbers(await from(late))).toEqual(upTo(10, 19));
    expect(await from(late + 1)).toEqual([]);
    const behind = { sequenceNumber: 20 };
    expect(await all(readRange(stage.reader, stage.partition, behind, signal))).toEqual([]);
  });

  it('may be left in the middle, and be read by several readers at once, but a partition once by each', async () => {
    const stage = await implementation.open();
    await stage.append(messages(0, 30));
    const [first] = await read(stage, { sequenceNumber: 4 }, 1);
    expect(first?.sequenceNumber).toBe(4);
    const other = { ...stage, reader: stage.openAnother() };
    for await (const block of stage.reader.read(stage.partition, { sequenceNumber: 0 }, signal)) {
      expect(block[0]?.sequenceNumber).toBe(0);
      expect(numbers(await read(other, { sequenceNumber: 25 }, 5))).toEqual(upTo(25, 29));
      await expect(read(stage, { sequenceNumber: 25 }, 5)).rejects.toMatchObject(AWAY);
      break;
    }
    expect(numbers(await read(stage, { sequenceNumber: 25 }, 5))).toEqual(upTo(25, 29));
  });

  it('does not wait for ever for what nobody sent, nor for a partition that is not there', async () => {
    const stage = await implementation.open();
    await stage.append(messages(0, 3));
    await expect(read(stage, { sequenceNumber: 3 }, 1)).rejects.toMatchObject(AWAY);
    await expect(read(stage, { sequenceNumber: 0 }, 4)).rejects.toMatchObject(AWAY);
    await expect(stage.reader.range('17', signal)).rejects.toMatchObject(AWAY);
    await expect(
      read({ ...stage, reader: stage.reader, partition: '17' }, { sequenceNumber: 0 }, 1),
    ).rejects.toMatchObject(AWAY);
  });

  it('ends when it is told to', async () => {
    const stage = await implementation.open();
    await stage.append(messages(0, 30));
    const stop = new AbortController();
    const reading = async () => {
      for await (const _ of stage.reader.read(stage.partition, { sequenceNumber: 0 }, stop.signal)) stop.abort();
    };
    await expect(reading()).rejects.toThrow();
    await expect(stage.reader.describe(stop.signal)).rejects.toThrow();
    await expect(stage.reader.range(stage.partition, stop.signal)).rejects.toThrow();
  });

  it('knows what has expired', async () => {
    const stage = await implementation.open();
    for (let i = 0; i < 20; i++) await stage.append(messages(i, 1));
    const { lastEnqueuedAtMs } = await stage.reader.range(stage.partition, signal);
    await stage.expireSome();
    const some = await stage.reader.range(stage.partition, signal);
    expect(some).toEqual({ first: expect.any(Number), last: 19, lastEnqueuedAtMs, empty: false });
    expect(some.first).toBeGreaterThan(0);
    expect(numbers(await read(stage, { sequenceNumber: 0 }, 20 - some.first))).toEqual(upTo(some.first, 19));
    await stage.expireAll();
    const none = await stage.reader.range(stage.partition, signal);
    expect(none).toEqual({ first: expect.any(Number), last: 19, lastEnqueuedAtMs, empty: true });
    await stage.append(messages(20, 1));
    expect(await stage.reader.range(stage.partition, signal)).toMatchObject({ first: 20, last: 20, empty: false });
    expect(numbers(await read(stage, { sequenceNumber: 0 }, 1))).toEqual([20]);
  });

  it('says that it is away, and is read again later', async () => {
    const stage = await implementation.open();
    await stage.append(messages(0, 3));
    await stage.whileAway(async () => {
      await expect(stage.reader.describe(signal)).rejects.toMatchObject(AWAY);
      await expect(stage.reader.range(stage.partition, signal)).rejects.toMatchObject(AWAY);
      await expect(read(stage, { sequenceNumber: 0 }, 1)).rejects.toMatchObject(AWAY);
    });
    expect(numbers(await read(stage, { sequenceNumber: 0 }, 3))).toEqual([0, 1, 2]);
  });
});
