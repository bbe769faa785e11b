import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import {
  EventHubBufferedProducerClient,
  EventHubConsumerClient,
  EventHubProducerClient,
  type EventPosition,
  earliestEventPosition,
  latestEventPosition,
  type ReceivedEventData,
  type SubscribeOptions,
} from '@azure/event-hubs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { ELSEWHERE, LOOPBACK, whenClosed } from '../support/loopback.ts';
import { randomInputs } from '../support/seed.ts';
import { launch } from '../support/service.ts';

const hub = (name: string, partitions = 1) => ({
  Name: name,
  PartitionCount: partitions,
  ConsumerGroups: [{ Name: 'other' }],
});
const config = {
  UserConfig: {
    NamespaceConfig: [
      {
        Type: 'EventHub',
        Name: 'emulatorNs1',
        Entities: [
          hub('batches', 4),
          hub('positions'),
          hub('large'),
          hub('epochs'),
          hub('idempotent', 2),
          hub('many'),
          hub('rejected'),
          hub('killed', 2),
        ],
      },
    ],
  },
};

let hubs: EventHubs;
beforeAll(async () => {
  hubs = await startEventHubs({ config });
});
afterAll(async () => {
  await hubs.stop();
});

const open: { close(): Promise<void> }[] = [];
const closeLater = <T extends { close(): Promise<void> }>(client: T): T => {
  open.push(client);
  return client;
};
afterEach(async () => {
  await Promise.all(open.splice(0).map(client => client.close()));
});

/** Failures come at once instead of after a minute of retries. */
const impatient = { retryOptions: { maxRetries: 0, timeoutInMs: 10_000 } };
const producerOf = (name: string, connection = hubs.connectionString, options: object = impatient) =>
  closeLater(new EventHubProducerClient(connection, name, options));
const consumerOf = (name: string, group = '$Default') =>
  closeLater(new EventHubConsumerClient(group, hubs.connectionString, name, impatient));

/** The first `count` events or more from a position of every partition. */
async function receive(
  name: string,
  count: number,
  startPosition: EventPosition = earliestEventPosition,
  options: SubscribeOptions = {},
): Promise<ReceivedEventData[]> {
  const consumer = new EventHubConsumerClient('$Default', hubs.connectionString, name, impatient);
  const events: ReceivedEventData[] = [];
  const partitions = await consumer.getPartitionIds();
  try {
    await new Promise<void>((resolve, reject) => {
      for (const partition of partitions)
        consumer.subscribe(
          partition,
          {
            async processEvents(batch) {
              events.push(...batch);
              if (events.length >= count) resolve();
            },
            processError: async error => reject(error),
          },
          { startPosition, maxWaitTimeInSeconds: 0.2, maxBatchSize: 1000, ...options },
        );
    });
  } finally {
    await consumer.close();
  }
  return events;
}

const bodies = (events: ReceivedEventData[]) => events.map(({ body }) => body);

describe('sending and receiving', () => {
  it('keeps batches, bodies, properties and order, and hashes keys as the service does', async () => {
    const producer = producerOf('batches');
    await producer.sendBatch(
      [
        { body: { a: [1, 'ž'] }, messageId: 'm1', contentType: 'application/json', properties: { model: 'x', n: 1.5 } },
        { body: 'text', correlationId: 'c' },
      ],
      { partitionKey: 'customer-7' },
    );
    const batch = await producer.createBatch({ partitionId: '3' });
    for (let i = 0; i < 500; i++) expect(batch.tryAdd({ body: i })).toBe(true);
    await producer.sendBatch(batch);

    const events = await receive('batches', 502);
    const keyed = events.filter(({ partitionKey }) => partitionKey === 'customer-7');
    expect(keyed.map(({ body, sequenceNumber }) => [body, sequenceNumber])).toEqual([
      [{ a: [1, 'ž'] }, 0],
      ['text', 1],
    ]);
    expect(keyed[0]).toMatchObject({
      messageId: 'm1',
      contentType: 'application/json',
      properties: { model: 'x', n: 1.5 },
    });
    expect(keyed[1]?.correlationId).toBe('c');
    const numbered = events.filter(({ partitionKey }) => partitionKey === undefined);
    expect(bodies(numbered)).toEqual(Array.from({ length: 500 }, (_, i) => i));
    expect(Math.abs(Date.now() - numbered[0]!.enqueuedTimeUtc.getTime())).toBeLessThan(20_000);
    const properties = await Promise.all(['0', '1', '2', '3'].map(id => producer.getPartitionProperties(id)));
    const last = properties.map(({ lastEnqueuedSequenceNumber }) => lastEnqueuedSequenceNumber);
    expect(last, 'customer-7 belongs into partition 2').toEqual([-1, -1, 1, 499]);
    expect(properties.filter(({ isEmpty }) => isEmpty).map(({ lastEnqueuedOffset }) => lastEnqueuedOffset)).toEqual([
      '-1',
      '-1',
    ]);
    expect(await producer.getEventHubProperties()).toMatchObject({
      name: 'batches',
      partitionIds: ['0', '1', '2', '3'],
    });
  });

  it('spreads what has no key over the partitions, a batch each', async () => {
    const producer = producerOf('batches');
    const before = await Promise.all(['0', '1', '2', '3'].map(id => producer.getPartitionProperties(id)));
    for (let i = 0; i < 8; i++) await producer.sendBatch([{ body: i }]);
    const after = await Promise.all(['0', '1', '2', '3'].map(id => producer.getPartitionProperties(id)));
    expect(after.map((p, i) => p.lastEnqueuedSequenceNumber - before[i]!.lastEnqueuedSequenceNumber)).toEqual([
      2, 2, 2, 2,
    ]);
  });

  it('passes events of many frames, byte for byte, and refuses one above the limit', async () => {
    const producer = producerOf('large');
    const random = randomInputs();
    const sizes = [1, 65_000, 65_536, 200_000, 1_048_000];
    const sent = [Buffer.from('7'), ...sizes.map(random.bytes)];
    for (const body of sent) await producer.sendBatch([{ body }]);
    // Bytes that happen to be JSON, such as a digit, the SDK would give as what they say.
    const events = await receive('large', sent.length, earliestEventPosition, { skipParsingBodyAsJson: true });
    expect(events.map(({ body }) => body.length)).toEqual([1, ...sizes]);
    expect(sent.map((bytes, i) => bytes.equals(events[i]?.body))).toEqual(sent.map(() => true));
    await expect(producer.sendBatch([{ body: random.bytes(1_048_576) }])).rejects.toMatchObject({
      code: 'MessageTooLargeError',
    });
    expect((await producer.getPartitionProperties('0')).lastEnqueuedSequenceNumber).toBe(sizes.length);
  });

  it('feeds several receivers more than a session window at once', async () => {
    const producer = producerOf('many');
    for (let sent = 0; sent < 20_000; ) {
      const batch = await producer.createBatch();
      while (sent + batch.count < 20_000 && batch.tryAdd({ body: sent + batch.count }));
      sent += batch.count;
      await producer.sendBatch(batch);
    }
    const all = await Promise.all(
      [1, 2].map(() => receive('many', 20_000, earliestEventPosition, { maxBatchSize: 4000 })),
    );
    for (const events of all) expect(bodies(events)).toEqual(Array.from({ length: 20_000 }, (_, i) => i));
  });

  it('says where the partition stands, with every event', async () => {
    const [event] = await receive(
      'many',
      1,
      { sequenceNumber: 19_990 },
      {
        trackLastEnqueuedEventProperties: true,
      },
    );
    expect(event?.body).toBe(19_991);
    const context = await new Promise<{ sequenceNumber?: number; offset?: string }>((resolve, reject) => {
      consumerOf('many').subscribe(
        '0',
        {
          async processEvents(_, { lastEnqueuedEventProperties }) {
            if (lastEnqueuedEventProperties?.sequenceNumber !== undefined) resolve(lastEnqueuedEventProperties);
          },
          processError: async error => reject(error),
        },
        {
          startPosition: { sequenceNumber: 19_990 },
          trackLastEnqueuedEventProperties: true,
          maxWaitTimeInSeconds: 0.2,
        },
      );
    });
    const properties = await producerOf('many').getPartitionProperties('0');
    expect(context).toMatchObject({ sequenceNumber: 19_999, offset: properties.lastEnqueuedOffset });
  });
});

describe('start positions', () => {
  it('are all understood', async () => {
    const producer = producerOf('positions');
    for (let i = 0; i < 10; i++) {
      await producer.sendBatch([{ body: i }]);
      await new Promise(resolve => setTimeout(resolve, 3)); // so that each has a time of its own
    }
    const all = await receive('positions', 10);
    const [fifth, sixth] = [all[5]!, all[6]!];
    const from = async (position: EventPosition, count: number) =>
      bodies(await receive('positions', count, position)).slice(0, count);
    expect(await from({ sequenceNumber: 5 }, 4)).toEqual([6, 7, 8, 9]);
    expect(await from({ sequenceNumber: 5, isInclusive: true }, 5)).toEqual([5, 6, 7, 8, 9]);
    expect(await from({ offset: fifth.offset }, 4)).toEqual([6, 7, 8, 9]);
    expect(await from({ offset: fifth.offset, isInclusive: true }, 5)).toEqual([5, 6, 7, 8, 9]);
    expect(await from({ enqueuedOn: fifth.enqueuedTimeUtc }, 4)).toEqual([6, 7, 8, 9]);
    expect(await from({ enqueuedOn: sixth.enqueuedTimeUtc.getTime() - 1 }, 4)).toEqual([6, 7, 8, 9]);
    // When the receiver is there cannot be seen from outside: events are sent until one arrives.
    let arrived: unknown[] | undefined;
    const latest = receive('positions', 1, latestEventPosition).then(events => {
      arrived = bodies(events);
    });
    while (!arrived) await producer.sendBatch([{ body: 'newest' }]);
    await latest;
    expect(new Set(arrived)).toEqual(new Set(['newest']));
  });

  it('behind the end are refused', async () => {
    const refused = receive('positions', 1, { sequenceNumber: 5000 });
    await expect(refused).rejects.toMatchObject({ code: 'ArgumentError', message: expect.stringContaining('5000') });
  });
});

describe('several receivers of a partition', () => {
  /** Subscribes and tells the first error it gets. */
  const reader = (ownerLevel?: number) => {
    const consumer = consumerOf('epochs');
    let error: Promise<Error & { code?: string }>;
    const started = new Promise<void>(resolve => {
      error = new Promise(fail => {
        consumer.subscribe(
          '0',
          { processEvents: async () => resolve(), processError: async problem => fail(problem) },
          {
            startPosition: earliestEventPosition,
            maxWaitTimeInSeconds: 0.05,
            ...(ownerLevel === undefined ? {} : { ownerLevel }),
          },
        );
      });
    });
    return { started, error: error! };
  };
  const stolen = { code: 'ReceiverDisconnectedError' };

  it('lose it to a higher or equal epoch, and cannot take it with a lower one', async () => {
    const plain = reader();
    await plain.started;
    const one = reader(1);
    expect(await plain.error).toMatchObject(stolen);
    await one.started;
    const again = reader(1);
    expect(await one.error).toMatchObject(stolen);
    await again.started;
    const two = reader(2);
    expect(await again.error).toMatchObject(stolen);
    await two.started;
    expect(await reader(1).error).toMatchObject(stolen);
    expect(await reader().error).toMatchObject(stolen);
  });

  it('are five at most where none has an epoch', async () => {
    const readers = Array.from({ length: 5 }, () => reader());
    await Promise.all(readers.map(({ started }) => started));
    expect(await reader().error).toMatchObject({ code: 'QuotaExceededError' });
  });
});

describe('what the service refuses', () => {
  it('has its conditions', async () => {
    const unknown = producerOf('no-such-hub');
    const notFound = { code: 'MessagingEntityNotFoundError', message: expect.stringContaining('no-such-hub') };
    await expect(unknown.sendBatch([{ body: 1 }])).rejects.toMatchObject(notFound);
    await expect(unknown.getEventHubProperties()).rejects.toMatchObject(notFound);
    const producer = producerOf('rejected');
    const outOfRange = { code: 'ArgumentOutOfRangeError' };
    await expect(producer.sendBatch([{ body: 1 }], { partitionId: '7' })).rejects.toMatchObject(outOfRange);
    await expect(producer.getPartitionProperties('7')).rejects.toMatchObject(outOfRange);
    const noGroup = new Promise<Error>(resolve => {
      consumerOf('rejected', 'no-such-group').subscribe('0', {
        processEvents: async () => {},
        processError: async error => resolve(error),
      });
    });
    expect(await noGroup).toMatchObject({ code: 'MessagingEntityNotFoundError' });
    const wrongKey = producerOf('rejected', hubs.connectionString.replace('SAS_KEY_VALUE', 'another'));
    await expect(wrongKey.sendBatch([{ body: 1 }])).rejects.toMatchObject({ code: 'UnauthorizedError' });
  });
});

describe('producers of the SDK', () => {
  it('buffered ones get everything in', async () => {
    const failures: unknown[] = [];
    const producer = new EventHubBufferedProducerClient(hubs.connectionString, 'idempotent', {
      ...impatient,
      maxWaitTimeInMs: 20,
      onSendEventsErrorHandler: async context => void failures.push(context.error),
    });
    for (let i = 0; i < 300; i++) await producer.enqueueEvent({ body: i });
    await producer.close();
    expect(failures).toEqual([]);
    const events = await receive('idempotent', 300);
    expect(bodies(events).sort((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, i) => i));
  });

  it('idempotent ones do not store a batch twice that is sent again, and miss none', async () => {
    interface Publishing {
      lastPublishedSequenceNumber: number;
    }
    const producer = producerOf('idempotent');
    // The SDK keeps idempotence behind the buffered producer; this is the switch that one sets.
    (producer as unknown as { _enableIdempotentRetries: boolean })._enableIdempotentRetries = true;
    const last = async () => (await producer.getPartitionProperties('1')).lastEnqueuedSequenceNumber;
    const before = await last();
    await producer.sendBatch([{ body: 'a' }, { body: 'b' }], { partitionId: '1' });
    expect(await last()).toBe(before + 2);
    const senders = (producer as unknown as { _sendersMap: Map<string, { _localPublishingProperties: Publishing }> })
      ._sendersMap;
    const publishing = senders.get('1')!._localPublishingProperties;
    publishing.lastPublishedSequenceNumber -= 2; // as though the acknowledgement had been lost
    await producer.sendBatch([{ body: 'a' }, { body: 'b' }], { partitionId: '1' });
    expect(await last()).toBe(before + 2);
    publishing.lastPublishedSequenceNumber += 5; // as though two batches before had never come
    await expect(producer.sendBatch([{ body: 'c' }], { partitionId: '1' })).rejects.toMatchObject({
      code: 'SequenceOutOfOrderError',
    });
  });
});

describe('the process', () => {
  it('listens for this machine alone, by IPv4 and IPv6', async () => {
    for (const host of LOOPBACK) expect((await fetch(`http://${host}:${hubs.healthPort}/health`)).status).toBe(200);
    for (const port of [hubs.port, hubs.healthPort])
      await expect(fetch(`http://${ELSEWHERE}:${port}/health`)).rejects.toMatchObject({
        cause: { code: 'ECONNREFUSED' },
      });
  });

  it('answers GET /health and speaks AMQP over WebSockets there', async () => {
    const response = await fetch(`http://localhost:${hubs.healthPort}/health`);
    expect(await response.json()).toEqual({ status: 'healthy', message: 'Service is healthy.' });
    class PlainWebSocket extends WebSocket {
      constructor(url: string, protocols?: string | string[]) {
        super(url.replace('wss:', 'ws:'), protocols);
      }
    }
    const connection = hubs.connectionString.replace(/:\d+;/, `:${hubs.healthPort};`);
    const producer = producerOf('large', connection, { ...impatient, webSocketOptions: { webSocket: PlainWebSocket } });
    expect((await producer.getEventHubProperties()).name).toBe('large');
    await producer.sendBatch([{ body: 'by WebSocket' }]);
  });

  it('loses nothing it acknowledged when it is killed, and goes on counting', async () => {
    const acknowledged: string[] = [];
    let failed = false;
    const produce = async (name: string) => {
      const producer = producerOf('killed', hubs.connectionString, {
        retryOptions: { maxRetries: 0, timeoutInMs: 2000 },
      });
      for (let i = 0; !failed; i++) {
        const batch = Array.from({ length: 20 }, (_, j) => `${name}-${i}-${j}`);
        try {
          await producer.sendBatch(
            batch.map(body => ({ body })),
            { partitionKey: name },
          );
          acknowledged.push(...batch);
        } catch {
          failed = true;
        }
      }
    };
    const producers = ['a', 'b', 'c', 'd'].map(produce);
    await expect.poll(() => acknowledged.length, { timeout: 10_000 }).toBeGreaterThan(2000);
    await hubs.kill();
    await Promise.all(producers);
    await hubs.restart();
    const properties = producerOf('killed');
    const counts = await Promise.all(
      ['0', '1'].map(async id => (await properties.getPartitionProperties(id)).lastEnqueuedSequenceNumber + 1),
    );
    const events = await receive('killed', counts[0]! + counts[1]!);
    const stored = new Set(bodies(events));
    expect(acknowledged.filter(body => !stored.has(body))).toEqual([]);
    expect(stored.size, 'nothing twice').toBe(events.length);
    expect(events.length % 20, 'every batch whole').toBe(0);
    await properties.sendBatch([{ body: 'after' }], { partitionId: '0' });
    expect((await properties.getPartitionProperties('0')).lastEnqueuedSequenceNumber).toBe(counts[0]);
  });

  it('tells a client that speaks TLS what its connection string lacks, and serves on', async () => {
    const socket = connect(hubs.port, 'localhost');
    socket.write(Buffer.from('16030100c8010000c40303', 'hex'));
    socket.resume();
    await whenClosed(socket);
    expect(hubs.process.log()).toContain(
      'event hubs: a client speaks TLS: its connection string lacks UseDevelopmentEmulator=true\n',
    );
    const producer = closeLater(new EventHubProducerClient(hubs.connectionString, 'large'));
    expect(await producer.getPartitionIds()).toEqual(['0']);
  });

  it('says what is wrong and what to do where it cannot start', async () => {
    const start = async (environment: Record<string, string>, args: string[] = []) => {
      const { child, log } = launch('src/local/event-hubs/main.ts', environment, undefined, args);
      const code = await new Promise(resolve => child.once('close', resolve));
      return { code, log: log() };
    };
    const elsewhere = {
      LOCAL_DATA_DIR: join(hubs.dataDir, 'elsewhere'),
      EVENTHUBS_PORT: '0',
      EVENTHUBS_HEALTH_PORT: '0',
      KAFKA_PORT: '0',
    };
    expect(await start({ ...elsewhere, EVENTHUBS_PORT: String(hubs.port) })).toEqual({
      code: 1,
      log: expect.stringContaining(`port ${hubs.port} is in use`),
    });
    expect(await start({ ...elsewhere, KAFKA_PORT: String(hubs.kafkaPort) })).toEqual({
      code: 1,
      log: expect.stringContaining(`port ${hubs.kafkaPort} is in use: end the program that has it, or set KAFKA_PORT`),
    });
    expect(await start({ ...elsewhere, LOCAL_DATA_DIR: hubs.dataDir })).toEqual({
      code: 1,
      log: expect.stringContaining('in use by another Event Hubs endpoint'),
    });
    const path = join(hubs.dataDir, 'Other.json');
    writeFileSync(path, JSON.stringify({ UserConfig: {} }));
    expect(await start(elsewhere, ['--config', path])).toEqual({
      code: 1,
      log: expect.stringContaining('UserConfig.NamespaceConfig'),
    });
  });

  it('ends with 0 on SIGTERM, and refuses other partition counts for its data', async () => {
    const first = await startEventHubs({ dataDir: join(hubs.dataDir, 'elsewhere') });
    expect(await first.stop()).toBe(0);
    const other = {
      UserConfig: { NamespaceConfig: [{ Type: 'EventHub', Name: 'n', Entities: [hub('inference-labels', 3)] }] },
    };
    const second = startEventHubs({ dataDir: join(hubs.dataDir, 'elsewhere'), config: other });
    await expect(second).rejects.toThrow('inference-labels has 2 partitions on disk and 3 in the configuration');
  });
});
