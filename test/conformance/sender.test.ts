import { EventHubConsumerClient } from '@azure/event-hubs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { producerClient } from '../../src/azure/event-hubs.ts';
import { namespaceAddress } from '../../src/azure/namespace-address.ts';
import type { PartitionSender, SendError } from '../../src/core/hub-sender.ts';
import { createAmqpConnection } from '../../src/hubs/amqp-connection.ts';
import { createAmqpSender } from '../../src/hubs/amqp-sender.ts';
import { createSdkSender } from '../../src/hubs/sdk-sender.ts';
import { endingMessages, type MadeEnding } from '../support/ending-messages.ts';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { type Fault, MemoryHub, memorySender } from '../support/memory-hub.ts';

const HUB = 'inference-requests-results';

/** An event as an ordinary consumer reads it. */
interface Read {
  readonly messageId: string | undefined;
  readonly correlationId: string | undefined;
  readonly contentType: string | undefined;
  readonly properties: unknown;
  readonly body: string;
  readonly enqueuedAtMs: number;
}

/** A hub of its own that can be made to fail. */
interface Fragile {
  readonly sender: PartitionSender;
  /** From now on it gives no answer: it has the bytes or not, nobody can tell. */
  fallSilent(): void;
  die(): Promise<void>;
  comeBack(): Promise<void>;
  stop(): Promise<void>;
}

interface Implementation {
  start?(): Promise<void>;
  stop?(): Promise<void>;
  readonly partitions: readonly string[];
  open(): Promise<PartitionSender>;
  /** To a hub that is not there. */
  openNowhere(): Promise<PartitionSender>;
  openFragile(): Promise<Fragile>;
  /** What a run of `work` appends to a partition. */
  readBack(partition: string, work: () => Promise<unknown>): Promise<Read[]>;
}

/** A sender to the local endpoint. */
function endpoint(connect: (connectionString: string) => Promise<PartitionSender>): Implementation {
  let hubs: EventHubs;
  return {
    async start() {
      hubs = await startEventHubs();
    },
    stop: async () => void (await hubs.stop()),
    partitions: ['0', '1', '2', '3'],
    open: () => connect(hubs.connectionString),
    openNowhere: () =>
      connect('Endpoint=sb://localhost:1;SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true;'),
    async openFragile() {
      const own = await startEventHubs();
      return {
        sender: await connect(own.connectionString),
        fallSilent: () => void process.kill(own.process.pid, 'SIGSTOP'),
        die: () => own.kill(),
        comeBack: () => own.restart(),
        stop: async () => void (await own.stop()),
      };
    },
    readBack: (partition, work) => readBack(hubs.connectionString, partition, work),
  };
}

async function readBack(connectionString: string, partition: string, work: () => Promise<unknown>): Promise<Read[]> {
  const consumer = new EventHubConsumerClient('$Default', connectionString, HUB);
  const before = await consumer.getPartitionProperties(partition);
  await work();
  const { lastEnqueuedSequenceNumber: last } = await consumer.getPartitionProperties(partition);
  const read: Read[] = [];
  if (last > before.lastEnqueuedSequenceNumber) {
    await new Promise<void>((resolve, reject) => {
      const subscription = consumer.subscribe(
        partition,
        {
          async processEvents(events) {
            for (const { messageId, correlationId: id, contentType, properties, body, enqueuedTimeUtc } of events) {
              const enqueuedAtMs = enqueuedTimeUtc.getTime();
              const correlationId = id === undefined ? undefined : String(id);
              const about = { messageId: String(messageId), correlationId, contentType, properties };
              read.push({ ...about, body: body.toString(), enqueuedAtMs });
            }
            if (read.length >= last - before.lastEnqueuedSequenceNumber) void subscription.close().then(resolve);
          },
          processError: async error => reject(error),
        },
        {
          startPosition: { sequenceNumber: before.lastEnqueuedSequenceNumber, isInclusive: false },
          maxBatchSize: 500,
          skipParsingBodyAsJson: true,
        },
      );
    });
  }
  await consumer.close();
  return read;
}

const sdk = endpoint(async connectionString =>
  createSdkSender(await producerClient({ kind: 'connection-string', connectionString }, HUB)),
);

const amqp = endpoint(async connectionString => {
  const connection = createAmqpConnection(await namespaceAddress({ kind: 'connection-string', connectionString }));
  const sender = createAmqpSender(connection, { hub: HUB, sendTimeoutMs: 5_000 });
  return {
    send: sender.send,
    async close() {
      await sender.close();
      await connection.close();
    },
  };
});

function inMemory(): Implementation {
  const hub = new MemoryHub(HUB);
  let nowMs = 0;
  const open = (nextFault: () => Fault) =>
    memorySender(hub, {
      batch: Number.POSITIVE_INFINITY,
      nextFault,
      tick: () => ++nowMs,
      alive() {},
      crash() {
        throw new Error('not used');
      },
    });
  return {
    partitions: hub.partitions,
    open: async () => open(() => 'none'),
    openNowhere: async () => open(() => 'absent'),
    async openFragile() {
      let fault: Fault = 'none';
      const dead = new AbortController();
      const sender = open(() => fault);
      return {
        // Whoever waits for an answer when the service dies hears of it.
        sender: {
          ...sender,
          send: (to, list, signal) => sender.send(to, list, AbortSignal.any([signal, dead.signal])),
        },
        fallSilent() {
          fault = 'silence';
        },
        async die() {
          dead.abort();
        },
        async comeBack() {
          fault = 'none';
        },
        stop: async () => {},
      };
    },
    async readBack(_, work) {
      const before = hub.events.length;
      await work();
      return hub.events
        .slice(before)
        .map(({ messageId, correlationId, contentType, properties, body, enqueuedAtMs }) => ({
          messageId,
          correlationId,
          contentType,
          properties,
          body: body.toString(),
          enqueuedAtMs,
        }));
    },
  };
}

const signal = () => AbortSignal.timeout(20_000);

const ending = (i: number, body: Buffer | string = String(i)): MadeEnding => ({
  sequenceNumber: i,
  body: Buffer.from(body),
  ...(i % 3 === 0 ? { traceparent: `00-${i}` } : {}),
  ...(i % 5 === 0 ? { correlationId: `order ${i} ✓` } : {}),
});
const one = (i: number, body?: Buffer | string) => endingMessages([ending(i, body)]);

describe.each([
  ['sdk', sdk],
  ['amqp', amqp],
  ['in-memory', inMemory()],
])('the %s sender', (_, implementation) => {
  beforeAll(() => implementation.start?.());
  afterAll(() => implementation.stop?.());
  const partition = implementation.partitions.at(-1) as string;

  it('appends messages that a consumer reads as they were', async () => {
    const sender = await implementation.open();
    const messages = endingMessages(
      Array.from({ length: 300 }, (_, i) => ending(i, JSON.stringify({ i, text: 'ä'.repeat(i) }))),
    );
    const read = await implementation.readBack(partition, () => sender.send(partition, messages, signal()));
    expect(read.map(({ enqueuedAtMs, ...event }) => event)).toEqual(
      [...messages].map(({ messageId, correlationId, shared, own, body }) => ({
        messageId,
        correlationId,
        contentType: 'application/json',
        properties: { ...shared, ...own },
        body: body.toString(),
      })),
    );
    await sender.close();
  });

  it('fills batches to the limit and keeps the order over several', async () => {
    const sender = await implementation.open();
    const messages = endingMessages(Array.from({ length: 40 }, (_, i) => ending(i, Buffer.alloc(90_000, i))));
    const read = await implementation.readBack(partition, () => sender.send(partition, messages, signal()));
    expect(read.map(event => event.messageId)).toEqual([...messages].map(item => item.messageId));
    expect(new Set(read.map(event => event.enqueuedAtMs)).size).toBeLessThanOrEqual(4); // 3.6 MB in 1 MiB batches
    await sender.close();
  });

  it('says which message is too large, after those before it', async () => {
    const sender = await implementation.open();
    const messages = endingMessages([ending(0), ending(1, Buffer.alloc(1_048_576)), ending(2)]);
    let thrown: SendError | undefined;
    const sending = () => sender.send(partition, messages, signal()).catch(error => (thrown = error));
    const read = await implementation.readBack(partition, sending);
    expect(thrown).toMatchObject({ name: 'SendError', certainty: 'too-large', confirmed: 1, retryable: false });
    expect(read.map(event => event.messageId)).toEqual(['inference-requests/1/0']);
    await sender.close();
  });

  it('sends nothing of an empty list', async () => {
    const sender = await implementation.open();
    const read = await implementation.readBack(partition, () => sender.send(partition, endingMessages([]), signal()));
    expect(read).toEqual([]);
    await sender.close();
  });

  it('sends to all partitions at once', async () => {
    const sender = await implementation.open();
    const sendTo = (to: string) => sender.send(to, one(0, `to ${to}`), signal());
    const read = await implementation.readBack(partition, () => Promise.all(implementation.partitions.map(sendTo)));
    expect(read.map(event => event.body)).toEqual([`to ${partition}`]);
    await sender.close();
  });

  it('says that nothing was appended where the hub is not there', async () => {
    const sender = await implementation.openNowhere();
    await expect(sender.send('0', one(0), signal())).rejects.toMatchObject({
      name: 'SendError',
      certainty: 'absent',
      confirmed: 0,
      retryable: true,
    });
    await sender.close();
  });

  it('does not know what became of a send when the service dies under it, and goes on once it is back', async () => {
    const { sender, ...service } = await implementation.openFragile();
    await sender.send('0', one(0), signal());
    service.fallSilent();
    const sending = sender.send('0', one(1), AbortSignal.timeout(3_000));
    sending.catch(() => {});
    await new Promise(resolve => setTimeout(resolve, 200));
    await service.die();
    await expect(sending).rejects.toMatchObject({ certainty: 'unknown', confirmed: 0, retryable: true });
    await service.comeBack();
    await sender.send('0', one(1), signal());
    await sender.close();
    await service.stop();
  }, 60_000);

  it('is not sure either when it is told to stop waiting', async () => {
    const { sender, ...service } = await implementation.openFragile();
    await sender.send('0', one(0), signal());
    service.fallSilent();
    const stop = new AbortController();
    const sending = sender.send('0', one(1), stop.signal);
    setTimeout(() => stop.abort(new Error('deadline')), 200);
    await expect(sending).rejects.toMatchObject({ certainty: 'unknown' });
    await service.die();
    await sender.close();
    await service.stop();
  }, 60_000);
});
