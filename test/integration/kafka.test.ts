import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventHubConsumerClient, EventHubProducerClient, earliestEventPosition } from '@azure/event-hubs';
import kafkajs, { type EachMessagePayload, type KafkaMessage } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { whenClosed } from '../support/loopback.ts';
import { randomInputs } from '../support/seed.ts';

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;
CompressionCodecs[CompressionTypes.Snappy] = () => ({
  compress: async (encoder: { buffer: Buffer }) => encoder.buffer,
  decompress: async (bytes: Buffer) => bytes,
});

/** Of random requests, and what both answers of signing in take. */
const ROUNDS = 400;
const SIGNED_IN_BYTES = 34 + 24;

const hub = (name: string, partitions = 1) => ({ Name: name, PartitionCount: partitions });
const Entities = [
  hub('mixed'),
  hub('shared', 4),
  hub('killed', 2),
  hub('refused'),
  hub('times'),
  hub('unacknowledged'),
];
const config = { UserConfig: { NamespaceConfig: [{ Type: 'EventHub', Name: 'emulatorNs1', Entities }] } };

let hubs: EventHubs;
beforeAll(async () => {
  hubs = await startEventHubs({ config });
});
afterAll(async () => {
  await hubs.stop();
});

const open: { disconnect(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(client => client.disconnect()));
});

function client(password = hubs.connectionString, retries = 5) {
  return new Kafka({
    brokers: [`127.0.0.1:${hubs.kafkaPort}`],
    sasl: { mechanism: 'plain', username: '$ConnectionString', password },
    ssl: false,
    logLevel: logLevel.NOTHING,
    retry: { retries, initialRetryTime: 100, maxRetryTime: 500 },
  });
}

async function producer(options: { idempotent?: boolean; retries?: number } = {}) {
  const made = client(undefined, options.retries).producer({ idempotent: options.idempotent ?? false });
  open.push(made);
  await made.connect();
  return made;
}

/** What a new member of a group reads from now on. */
async function consume(topic: string, groupId: string, kafka = client()) {
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: 6000,
    heartbeatInterval: 300,
    rebalanceTimeout: 6000,
    maxWaitTimeInMs: 300,
  });
  open.push(consumer);
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const messages: (KafkaMessage & { partition: number })[] = [];
  await consumer.run({
    autoCommitThreshold: 1,
    eachMessage: async ({ message, partition }: EachMessagePayload) => {
      messages.push({ ...message, partition });
    },
  });
  return { consumer, messages };
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 200) throw new Error('has not come about in 20 s');
    await sleep(100);
  }
}

async function readByAmqp(name: string, count: number) {
  const consumer = new EventHubConsumerClient('$Default', hubs.connectionString, name);
  const found: import('@azure/event-hubs').ReceivedEventData[] = [];
  const subscription = consumer.subscribe(
    { processEvents: async events => void found.push(...events), processError: async () => {} },
    { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1 },
  );
  await until(() => found.length >= count);
  await subscription.close();
  await consumer.close();
  return found;
}

describe('records and events', () => {
  it('are the same, mapped as the service maps them', async () => {
    const amqp = new EventHubProducerClient(hubs.connectionString, 'mixed');
    const properties = { model: 'diabetes', n: 7, isRight: true, none: null as unknown as string };
    const event = { body: Buffer.from('by amqp'), messageId: 'id-1', contentType: 'text/plain', properties };
    await amqp.sendBatch([event], { partitionKey: 'customer-7' });
    await amqp.close();
    const sender = await producer();
    const headers = { trace: Buffer.from([0, 255]), model: 'diabetes' };
    const [sent] = await sender.send({ topic: 'mixed', messages: [{ key: 'k', value: 'by kafka', headers }] });
    expect(sent).toMatchObject({ partition: 0, errorCode: 0, baseOffset: '1' });
    await sender.send({ topic: 'mixed', messages: [{ key: 'k', value: null }], compression: CompressionTypes.GZIP });

    const { messages } = await consume('mixed', 'mapped');
    await until(() => messages.length === 3);
    expect(messages[0]).toMatchObject({ offset: '0', key: null, value: Buffer.from('by amqp') });
    expect(messages[0]?.headers).toEqual({
      'x-opt-partition-key': Buffer.from('\xa1\x0acustomer-7', 'latin1'),
      'message-id': Buffer.from('id-1'),
      'content-type': Buffer.from('text/plain'),
      model: Buffer.from('\xa1\x08diabetes', 'latin1'),
      n: expect.anything(),
      isRight: Buffer.from([0x41]),
      none: null,
    });
    expect(messages[1]).toMatchObject({ offset: '1', key: Buffer.from('k'), value: Buffer.from('by kafka') });
    expect(messages[1]?.headers).toEqual({ trace: Buffer.from([0, 255]), model: Buffer.from('diabetes') });
    expect(messages[2]).toMatchObject({ offset: '2', key: Buffer.from('k'), value: null, headers: {} });

    const events = await readByAmqp('mixed', 3);
    expect(events.map(({ sequenceNumber }) => sequenceNumber)).toEqual([0, 1, 2]);
    expect(events[1]).toMatchObject({
      body: Buffer.from('by kafka'),
      properties: { trace: Buffer.from([0, 255]), model: Buffer.from('diabetes') },
      systemProperties: { 'x-opt-kafka-key': Buffer.from('k') },
    });
    expect(events[1]?.partitionKey).toBeUndefined();
    expect(Number(messages[1]?.timestamp)).toBe(events[1]?.enqueuedTimeUtc.getTime());
  });

  it('come without acknowledgements, too', async () => {
    const sender = await producer();
    for (let i = 0; i < 20; i++)
      await sender.send({ topic: 'unacknowledged', acks: 0, messages: [{ value: String(i) }] });
    const { messages } = await consume('unacknowledged', 'all');
    await until(() => messages.length >= 20);
    expect(messages.map(({ value }) => String(value))).toEqual(Array.from({ length: 20 }, (_, i) => String(i)));
  });

  it('are found by time', async () => {
    const sender = await producer();
    await sender.send({ topic: 'times', messages: [{ value: 'before' }] });
    await sleep(20);
    const between = Date.now();
    await sleep(20);
    await sender.send({ topic: 'times', messages: [{ value: 'after' }, { value: 'later' }] });
    const admin = client().admin();
    open.push(admin);
    expect(await admin.fetchTopicOffsets('times')).toEqual([{ partition: 0, offset: '3', high: '3', low: '0' }]);
    expect(await admin.fetchTopicOffsetsByTimestamp('times', between)).toEqual([{ partition: 0, offset: '1' }]);
    expect(await admin.fetchTopicOffsetsByTimestamp('times', Date.now() + 60_000)).toEqual([
      { partition: 0, offset: '3' },
    ]);
  });
});

describe('a consumer group', () => {
  it('shares the partitions, and goes on where it stood after the endpoint was killed', async () => {
    const sender = await producer();
    const send = (from: number) =>
      sender.send({
        topic: 'shared',
        messages: Array.from({ length: 40 }, (_, i) => ({ value: String(from + i), partition: i % 4 })),
      });
    await send(0);
    const one = await consume('shared', 'pair');
    const two = await consume('shared', 'pair');
    await until(() => one.messages.length + two.messages.length >= 40);
    await send(40);
    await until(() => new Set([...one.messages, ...two.messages].map(({ value }) => String(value))).size === 80);
    await until(() => one.messages.length > 0 && two.messages.length > 0);
    await one.consumer.disconnect();
    await two.consumer.disconnect();
    await hubs.kill();
    await hubs.restart();
    await send(80);
    const three = await consume('shared', 'pair');
    await until(() => three.messages.length >= 40);
    expect(three.messages.map(({ value }) => Number(value)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 40 }, (_, i) => 80 + i),
    );
  }, 60_000);
});

it('has on disk what it acknowledged, once, when it is killed', async () => {
  const sender = await producer({ idempotent: true, retries: 30 });
  const acknowledged = new Set<number>();
  const sends: Promise<unknown>[] = [];
  for (let i = 0; i < 300; i++) {
    const message = { topic: 'killed', acks: -1, messages: [{ value: String(i), partition: i % 2 }] };
    // Killed while it signs in, KafkaJS gives up: what became of those nobody was told.
    const sending = sender.send(message).then(
      () => acknowledged.add(i),
      () => {},
    );
    sends.push(sending);
    if (i === 100 || i === 200) {
      await sends[i - 50];
      await hubs.kill();
      await hubs.restart();
    }
    if (i % 10 === 0) await sleep(1);
  }
  await Promise.all(sends);
  expect(acknowledged.size).toBeGreaterThan(100);
  const { messages } = await consume('killed', 'after');
  const values = () => messages.map(({ value }) => Number(value));
  await until(() => [...acknowledged].every(i => values().includes(i)));
  await sleep(300);
  expect(values().length).toBe(new Set(values()).size);
}, 60_000);

describe('refused, and told why:', () => {
  it.each([
    ['an unknown hub', { topic: 'nowhere', messages: [{ value: 'x' }] }, 'does not host this topic-partition'],
    [
      'a batch of 2 MB',
      { topic: 'refused', messages: [{ value: 'x'.repeat(2 ** 21) }] },
      'larger than the max message size',
    ],
    [
      'a gzip that unfolds to 2 MB',
      { topic: 'refused', messages: [{ value: 'x'.repeat(2 ** 21) }], compression: CompressionTypes.GZIP },
      'larger than the max message size',
    ],
  ])('%s', async (_, record, said) => {
    const sender = await producer({ retries: 0 });
    await expect(sender.send(record)).rejects.toThrow(said);
  });

  it('snappy, and the log says so once', async () => {
    const sender = await producer({ retries: 0 });
    const record = { topic: 'refused', messages: [{ value: 'x' }], compression: CompressionTypes.Snappy };
    await expect(sender.send(record)).rejects.toThrow('compression type');
    await expect(sender.send(record)).rejects.toThrow('compression type');
    const said = /compression snappy is not taken by Event Hubs: send none or gzip/g;
    await until(() => said.test(hubs.process.log()));
    expect(hubs.process.log().match(said)).toHaveLength(1);
  });

  it('another key than the local one', async () => {
    const stranger = client(hubs.connectionString.replace('SAS_KEY_VALUE', 'another'), 0).producer();
    open.push(stranger);
    await expect(stranger.connect()).rejects.toThrow("the local connection string's SharedAccessKey is SAS_KEY_VALUE");
  });

  it('a new hub', async () => {
    const admin = client(undefined, 0).admin();
    open.push(admin);
    const failure = await admin.createTopics({ topics: [{ topic: 'made', numPartitions: 2 }] }).catch(error => error);
    expect(failure.errors[0].type).toBe('TOPIC_AUTHORIZATION_FAILED');
  });

  it('requests of a client that writes them wrongly, without a fault here', async () => {
    const random = randomInputs();
    const token = Buffer.from(`\0$ConnectionString\0${hubs.connectionString}`);
    const framed = (key: number, version: number, body: Buffer) => {
      const head = Buffer.from([0, key, 0, version, 0, 0, 0, 1, 0xff, 0xff]);
      const length = Buffer.alloc(4);
      length.writeInt32BE(head.length + body.length);
      return Buffer.concat([length, head, body]);
    };
    const sized = (bytes: Buffer, width: 2 | 4) => {
      const length = Buffer.alloc(width);
      length.writeIntBE(bytes.length, 0, width);
      return Buffer.concat([length, bytes]);
    };
    const signIn = [framed(17, 1, sized(Buffer.from('PLAIN'), 2)), framed(36, 1, sized(token, 4))];
    const parts = [Buffer.from([0, 0, 0, 1]), Buffer.from([0xff, 0xff, 0xff, 0xff]), sized(Buffer.from('refused'), 2)];
    let answers = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const body = Array.from({ length: random.below(20) }, () => random.pick([...parts, random.bytes(1)]));
      const socket = connect(hubs.kafkaPort, '127.0.0.1');
      let bytes = 0;
      socket.on('data', chunk => {
        bytes += chunk.length;
      });
      socket.end(Buffer.concat([...signIn, framed(random.below(25), random.below(9), Buffer.concat(body))]));
      await whenClosed(socket);
      if (bytes > SIGNED_IN_BYTES) answers++;
    }
    expect(answers).toBeGreaterThan(ROUNDS / 10);
    expect(hubs.process.log()).not.toMatch(/^ {4}at /m); // what a peer got wrong has no stack trace
  }, 60_000);

  it('what is not Kafka, and nobody else is hurt', async () => {
    for (const junk of [
      Buffer.alloc(64, 0xff),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.from('000000080003000800000001', 'hex'),
    ]) {
      const socket = connect(hubs.kafkaPort, '127.0.0.1').resume();
      socket.write(junk);
      await whenClosed(socket);
    }
    const sender = await producer();
    await sender.send({ topic: 'refused', messages: [{ value: 'still here' }] });
  });
});

it('takes a bearer token, whosever it is', async () => {
  const kafka = new Kafka({
    brokers: [`127.0.0.1:${hubs.kafkaPort}`],
    sasl: { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: 'a.b.c' }) },
    logLevel: logLevel.NOTHING,
  });
  const admin = kafka.admin();
  open.push(admin);
  await admin.connect();
  expect((await admin.listTopics()).toSorted()).toEqual(Entities.map(({ Name }) => Name).toSorted());
});
