import { EventHubProducerClient } from '@azure/event-hubs';
import { MAX_BATCH_BYTES } from '../src/core/hub-sender.ts';
import type { ModelVersion } from '../src/core/model.ts';
import { BatchEncoder } from '../src/hubs/encode-message.ts';
import { readBatch } from '../src/hubs/read-batch.ts';
import { writeEndings } from '../src/hubs/write-endings.ts';
import { planEndings } from '../src/ledger/plan-endings.ts';
import { startEventHubs } from '../test/support/event-hubs.ts';
import { createLightFloor, createSdkFloor } from './floor.ts';
import { type Candidate, type Comparison, compare, processorTime } from './harness.ts';
import { catalogOf, openModel } from './models.ts';
import { openScoring } from './open-scoring.ts';
import { requestBodies, sampleFeatures, sampleModel } from './requests.ts';

const PARTITION = '0';
/** As long as those of a partition that has been at work for a while. */
const FIRST_SEQUENCE_NUMBER = 1_000_000;

/** What the host gives beside the bodies, as the real worker words it. */
export function metadataOf(count: number, first = FIRST_SEQUENCE_NUMBER): unknown {
  const each = <T>(make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
  const enqueued = new Date().toISOString();
  return {
    partitionContext: {
      partitionId: PARTITION,
      consumerGroup: 'inference-consumer',
      eventHubName: 'inference-requests',
    },
    sequenceNumberArray: each(i => first + i),
    enqueuedTimeUtcArray: each(() => enqueued.slice(0, -1)),
    propertiesArray: each(() => ({})),
    systemPropertiesArray: each(i => ({
      'x-opt-sequence-number': first + i,
      'x-opt-offset': String(i * 256),
      'x-opt-enqueued-time': enqueued,
      'x-opt-partition-key': 'key',
      sequenceNumber: first + i,
      enqueuedTimeUtc: enqueued,
      partitionKey: 'key',
      offset: i * 256,
    })),
  };
}

/** Everything a batch costs inside the function, from the host's buffers to bytes for the wire; no network. */
export function createFunctionPath(model: ModelVersion) {
  const scoring = openScoring(catalogOf(model));
  const encoder = new BatchEncoder(MAX_BATCH_BYTES);
  const signal = new AbortController().signal;
  return async function score(bodies: readonly Buffer[], metadata: unknown): Promise<Buffer> {
    const batch = readBatch(bodies, metadata, { hub: 'inference-requests', consumerGroup: 'inference-consumer' });
    const scored = await scoring.score(batch, signal);
    const standing = { settledThrough: -1, ended: new Map<string, number>(), log: 0 };
    const ends = { partition: PARTITION, lastSequenceNumber: FIRST_SEQUENCE_NUMBER + bodies.length - 1 };
    encoder.reset();
    if (writeEndings(encoder, planEndings(scored, standing, ends).results, 0) !== bodies.length)
      throw new Error('not every request has its result in the batch');
    return encoder.bytes();
  };
}

/**
 * Function path beside the straightforward path of the SDK and beside the floor, on the same machine in the same run; and requests that are
 * off the fast road's narrow shape.
 */
export async function compareFunctionPath(name: string, version: string, batchSize: number): Promise<Comparison> {
  const bodies = requestBodies(name, version, batchSize);
  const unusual = bodies.map(body => Buffer.from(body.toString('utf8').replace('{', '{"priority":2,')));
  const metadata = metadataOf(batchSize);
  const width = (sampleFeatures(name, version)[0] as number[]).length;
  const eventHubs = await startEventHubs(); // only to let the SDK open a batch
  const producer = new EventHubProducerClient(eventHubs.connectionString, 'inference-requests-results');
  const straightforward = await createSdkFloor(sampleModel(name, version), width, () =>
    producer.createBatch({ partitionId: PARTITION }),
  );
  const { model } = await openModel(name, version);
  const light = createLightFloor(model, width);
  const ours = createFunctionPath(model);
  const work = [await light(bodies), await ours(bodies, metadata)].map(({ length }) => length / batchSize) as [
    number,
    number,
  ];
  if (Math.abs(work[0] - work[1]) > 8)
    throw new Error(`the floor writes ${work[0]} bytes an event, hubscore ${work[1]}`);
  const candidate = (name: string, run: () => Promise<unknown>): Candidate => ({
    name,
    run: () => run().then(() => batchSize),
  });
  const floor = candidate('floor', () => light(bodies));
  // The usual requests by themselves first, as most hubs bring them: what others teach the engine would be counted against them.
  const usual = await compare([floor, candidate('hubscore', () => ours(bodies, metadata))], 15, 150, processorTime);
  const others = await compare(
    [
      floor,
      candidate('hubscore, unusual requests', () => ours(unusual, metadata)),
      candidate('straightforward SDK loop', () => straightforward(bodies)),
    ],
    15,
    150,
    processorTime,
  );
  await producer.close();
  await eventHubs.stop();
  return {
    nsPerEvent: { ...usual.nsPerEvent, ...others.nsPerEvent, ...usual.nsPerEvent },
    speed: { ...usual.speed, ...others.speed },
    rounds: usual.rounds,
  };
}
