import { EventHubConsumerClient, type ReceivedEventData } from '@azure/event-hubs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAmqpConnection } from '../../src/events/amqp-connection.ts';
import { createAmqpSender } from '../../src/events/amqp-sender.ts';
import { producerClient } from '../../src/events/event-hubs.ts';
import { namespaceAddress } from '../../src/events/namespace-address.ts';
import { createSdkSender } from '../../src/events/sdk-sender.ts';
import type { OutgoingMessage, PartitionSender, SendError } from '../../src/events/sender.ts';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';

const HUB = 'inference-requests-results';
let hubs: EventHubs;

beforeAll(async () => {
  hubs = await startEventHubs();
});
afterAll(() => hubs.stop());

const IMPLEMENTATIONS: [string, (connectionString: string) => Promise<PartitionSender>][] = [
  [
    'sdk',
    async connectionString =>
      createSdkSender(await producerClient({ kind: 'connection-string', connectionString }, HUB)),
  ],
  [
    'amqp',
    async connectionString => {
      const connection = createAmqpConnection(await namespaceAddress({ kind: 'connection-string', connectionString }));
      const sender = createAmqpSender(connection, { hub: HUB, sendTimeoutMs: 5_000 });
      return {
        send: sender.send,
        async close() {
          await sender.close();
          await connection.close();
        },
      };
    },
  ],
];

const signal = () => AbortSignal.timeout(20_000);

/** What an ordinary consumer reads of the events that a run of `work` appends to a partition. */
async function readBack(partition: string, work: () => Promise<unknown>): Promise<ReceivedEventData[]> {
  const consumer = new EventHubConsumerClient('$Default', hubs.connectionString, HUB);
  const before = await consumer.getPartitionProperties(partition);
  await work();
  const { lastEnqueuedSequenceNumber: last } = await consumer.getPartitionProperties(partition);
  const read: ReceivedEventData[] = [];
  if (last > before.lastEnqueuedSequenceNumber) {
    await new Promise<void>((resolve, reject) => {
      const subscription = consumer.subscribe(
        partition,
        {
          async processEvents(events) {
            read.push(...events);
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

const message = (i: number, body: Buffer, shared: OutgoingMessage['shared'] = SHARED): OutgoingMessage => ({
  messageId: `inference-requests/1/${i}`,
  shared,
  own: {
    source_sequence_number: i,
    settled_through: i - 1,
    ...(i % 3 === 0 ? { traceparent: `00-${i.toString(16).padStart(32, '0')}-b7ad6b7169203331-01` } : {}),
  },
  body,
});
const SHARED = {
  model: 'diabète 🩺',
  model_version: '1.1.0+a1b2c3d4',
  source_partition: '1',
  source_log: 1_795_263_721_545,
};

describe.each(IMPLEMENTATIONS)('the %s sender', (_, open) => {
  it('appends messages that a consumer reads as they were', async () => {
    const sender = await open(hubs.connectionString);
    const messages = Array.from({ length: 300 }, (_, i) =>
      message(i, Buffer.from(JSON.stringify({ i, text: 'ä'.repeat(i) }))),
    );
    const read = await readBack('1', () => sender.send('1', messages, signal()));
    expect(
      read.map(event => ({
        messageId: event.messageId,
        contentType: event.contentType,
        properties: event.properties,
        body: event.body.toString(),
      })),
    ).toEqual(
      messages.map(({ messageId, shared, own, body }) => ({
        messageId,
        contentType: 'application/json',
        properties: { ...shared, ...own },
        body: body.toString(),
      })),
    );
    await sender.close();
  });

  it('fills batches to the limit and keeps the order over several', async () => {
    const sender = await open(hubs.connectionString);
    const messages = Array.from({ length: 40 }, (_, i) => message(i, Buffer.alloc(90_000, i)));
    const read = await readBack('2', () => sender.send('2', messages, signal()));
    expect(read.map(event => event.messageId)).toEqual(messages.map(item => item.messageId));
    expect(new Set(read.map(event => event.enqueuedTimeUtc.getTime())).size).toBeLessThanOrEqual(4); // 3.6 MB in 1 MiB batches
    await sender.close();
  });

  it('says which message is too large, after those before it', async () => {
    const sender = await open(hubs.connectionString);
    const messages = [message(0, Buffer.from('0')), message(1, Buffer.alloc(1_048_576)), message(2, Buffer.from('2'))];
    let thrown: SendError | undefined;
    const read = await readBack('3', () => sender.send('3', messages, signal()).catch(error => (thrown = error)));
    expect(thrown).toMatchObject({ name: 'SendError', certainty: 'too-large', confirmed: 1 });
    expect(read.map(event => event.messageId)).toEqual(['inference-requests/1/0']);
    await sender.close();
  });

  it('sends to several partitions at once', async () => {
    const sender = await open(hubs.connectionString);
    const partitions = ['0', '1', '2', '3'];
    await Promise.all(
      partitions.map(partition => sender.send(partition, [message(0, Buffer.from(partition))], signal())),
    );
    await sender.close();
  });

  it('says that nothing was appended where the hub is not there', async () => {
    const sender = await open(
      'Endpoint=sb://localhost:1;SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true;',
    );
    await expect(sender.send('0', [message(0, Buffer.from('0'))], signal())).rejects.toMatchObject({
      certainty: 'absent',
      confirmed: 0,
    });
    await sender.close();
  });

  it('does not know what became of a send when the service dies under it, and goes on once it is back', async () => {
    const own = await startEventHubs();
    const sender = await open(own.connectionString);
    await sender.send('0', [message(0, Buffer.from('0'))], signal());
    process.kill(own.process.pid, 'SIGSTOP'); // it has the bytes or not: nobody can tell
    const sending = sender.send('0', [message(1, Buffer.from('1'))], AbortSignal.timeout(3_000));
    sending.catch(() => {});
    await new Promise(resolve => setTimeout(resolve, 200));
    await own.kill();
    await expect(sending).rejects.toMatchObject({ certainty: 'unknown', confirmed: 0 });
    await own.restart();
    await sender.send('0', [message(1, Buffer.from('1'))], signal());
    await sender.close();
    await own.stop();
  }, 60_000);

  it('is not sure either when it is told to stop waiting', async () => {
    const own = await startEventHubs();
    const sender = await open(own.connectionString);
    await sender.send('0', [message(0, Buffer.from('0'))], signal());
    process.kill(own.process.pid, 'SIGSTOP');
    const stop = new AbortController();
    const sending = sender.send('0', [message(1, Buffer.from('1'))], stop.signal);
    setTimeout(() => stop.abort(new Error('deadline')), 200);
    await expect(sending).rejects.toMatchObject({ certainty: 'unknown' });
    await own.kill();
    await sender.close();
    await own.stop();
  }, 60_000);
});
