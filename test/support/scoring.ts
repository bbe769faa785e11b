import { EventHubConsumerClient, EventHubProducerClient, type ReceivedEventData } from '@azure/event-hubs';
import { consumerClient } from '../../src/azure/event-hubs.ts';
import { namespaceAddress } from '../../src/azure/namespace-address.ts';
import type { Connection } from '../../src/config/connection.ts';
import type { EventBatch } from '../../src/core/event.ts';
import type { HubReader } from '../../src/core/hub-reader.ts';
import type { PartitionSender } from '../../src/core/hub-sender.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import { createRetry } from '../../src/core/retry-policies.ts';
import { ScoredBatch } from '../../src/core/scored-batch.ts';
import { createAmqpConnection } from '../../src/hubs/amqp-connection.ts';
import { createAmqpSender } from '../../src/hubs/amqp-sender.ts';
import { createSdkReader } from '../../src/hubs/sdk-reader.ts';
import { createAdmission } from '../../src/ledger/admission.ts';
import { createScorer, type Scorer, type ScorerOptions } from '../../src/ledger/scorer.ts';
import { renderDeadLetter } from './ledger-world.ts';

export const REQUESTS = 'inference-requests';
export const RESULTS = 'inference-requests-results';
export const DEAD_LETTERS = 'inference-dead-letter';

/** The events room against a real endpoint, with a scoring that needs no model: a body `bad` ends as a dead letter, any other as a result that echoes it. */
export interface Scoring {
  readonly scorer: Scorer;
  readonly requests: HubReader;
  readonly said: string[];
  close(): Promise<void>;
}

export async function startScoring(
  connectionString: string,
  wrap: (sender: PartitionSender) => PartitionSender = sender => sender,
  options: Partial<ScorerOptions> = {},
): Promise<Scoring> {
  const connection: Connection = { kind: 'connection-string', connectionString };
  const said: string[] = [];
  const say = (message: string) => void said.push(message);
  const log = { info: say, warn: say, error: say };
  const reader = (hub: string) =>
    createSdkReader({
      hub,
      consumerGroups: ['$Default', 'monitor'],
      connect: group => consumerClient(connection, hub, group),
      blockSize: 256,
      idleTimeoutMs: 5_000,
    });
  const hubs = { requests: reader(REQUESTS), results: reader(RESULTS), deadLetters: reader(DEAD_LETTERS) };
  const amqp = createAmqpConnection(await namespaceAddress(connection));
  const results = createAmqpSender(amqp, { hub: RESULTS, sendTimeoutMs: 3_000 });
  const deadLetters = createAmqpSender(amqp, { hub: DEAD_LETTERS, sendTimeoutMs: 3_000 });
  const scorer = createScorer({
    ledger: { hubs, initialPosition: 'start', log },
    consumerGroup: 'inference-consumer',
    score: async batch => ScoredBatch.of(batch, echo(batch)),
    renderDeadLetter,
    senders: { results: wrap(results), deadLetters: wrap(deadLetters) },
    retry: createRetry({ retries: 3, initialDelayMs: 50, maxDelayMs: 500 }),
    refuseWhileAway() {},
    uncertainDelayMs: 100,
    admission: createAdmission(64 * 1024 * 1024),
    weigh: ({ body }) => body.length,
    maxSliceBytes: 16 * 1024 * 1024,
    deadlineMs: 20_000,
    silentAfterMs: 0,
    observer: { settled: () => {}, ledger: () => {} },
    clock: Date.now,
    log,
    ...options,
  });
  return {
    scorer,
    requests: hubs.requests,
    said,
    async close() {
      await scorer.drain();
      await Promise.allSettled([results, deadLetters, ...Object.values(hubs)].map(part => part.close()));
      await amqp.close();
    },
  };
}

function echo({ hub, partition, events }: EventBatch): Outcome[] {
  return events.map(event => {
    const resultId = `${hub}/${partition}/${event.sequenceNumber}`;
    const letter = renderDeadLetter(
      { hub, partition },
      { event, resultId, model: undefined, modelVersion: undefined },
      new Error() as never,
    );
    const bad = event.body.toString('latin1', 0, 3) === 'bad';
    return bad
      ? letter
      : { ...letter, kind: 'result', model: 'echo', modelVersion: '1.0.0', body: event.body, code: undefined };
  });
}

/** Sends bodies to a requests partition. */
export async function sendRequests(
  connectionString: string,
  partition: string,
  bodies: readonly (string | Buffer)[],
): Promise<void> {
  const producer = new EventHubProducerClient(connectionString, REQUESTS);
  let batch = await producer.createBatch({ partitionId: partition });
  for (const body of bodies) {
    if (batch.tryAdd({ body: Buffer.from(body) })) continue;
    await producer.sendBatch(batch);
    batch = await producer.createBatch({ partitionId: partition });
    batch.tryAdd({ body: Buffer.from(body) });
  }
  await producer.sendBatch(batch);
  await producer.close();
}

/** The batch a host would bring, read from the requests hub. */
export async function readRequests(
  reader: HubReader,
  partition: string,
  from: number,
  count: number,
): Promise<EventBatch> {
  const events = [];
  for await (const block of reader.read(partition, { sequenceNumber: from }, AbortSignal.timeout(10_000))) {
    events.push(...block);
    if (events.length >= count) break;
  }
  return { hub: REQUESTS, consumerGroup: 'inference-consumer', partition, events: events.slice(0, count) };
}

/** Everything in one partition of a hub, as an ordinary consumer reads it. */
export async function readAll(connectionString: string, hub: string, partition: string): Promise<ReceivedEventData[]> {
  const consumer = new EventHubConsumerClient('monitor', connectionString, hub);
  const { isEmpty, beginningSequenceNumber, lastEnqueuedSequenceNumber } =
    await consumer.getPartitionProperties(partition);
  const read: ReceivedEventData[] = [];
  if (!isEmpty) {
    await new Promise<void>((resolve, reject) => {
      const subscription = consumer.subscribe(
        partition,
        {
          async processEvents(events) {
            read.push(...events);
            if (read.length > lastEnqueuedSequenceNumber - beginningSequenceNumber)
              void subscription.close().then(resolve);
          },
          processError: async error => reject(error),
        },
        {
          startPosition: { sequenceNumber: beginningSequenceNumber, isInclusive: true },
          maxBatchSize: 1_000,
          skipParsingBodyAsJson: true,
        },
      );
    });
  }
  await consumer.close();
  return read;
}
