import { JsonScanner } from '../src/codecs/event-json/scan-request.ts';
import { MAX_BATCH_BYTES } from '../src/core/hub-sender.ts';
import { BatchEncoder } from '../src/hubs/encode-message.ts';
import { readBatch } from '../src/hubs/read-batch.ts';
import { writeEndings } from '../src/hubs/write-endings.ts';
import { planEndings } from '../src/ledger/plan-endings.ts';
import { metadataOf } from './function-path.ts';
import { type Candidate, compare, processorTime } from './harness.ts';
import { catalogOf, openModel } from './models.ts';
import { openScoring } from './open-scoring.ts';
import { requestBodies } from './requests.ts';

const SOURCE = { hub: 'inference-requests', consumerGroup: 'inference-consumer' };

/** Where the function path spends its time, step by step, ns an event; JSON.parse of the same bodies for comparison. */
export async function measureSteps(name: string, version: string, batchSize: number) {
  const { model } = await openModel(name, version);
  const bodies = requestBodies(name, version, batchSize);
  const metadata = metadataOf(batchSize);
  const { signal } = new AbortController();
  const batch = readBatch(bodies, metadata, SOURCE);
  const scored = await openScoring(catalogOf(model)).score(batch, signal);
  const [input] = model.signature.inputs;
  const width = model.card.features.length;
  const data = new Float32Array(batchSize * width);
  const scanner = new JsonScanner();
  const encoder = new BatchEncoder(MAX_BATCH_BYTES);
  const standing = { settledThrough: -1, ended: new Map<string, number>(), log: 0 };
  const last = batch.events[batchSize - 1]?.sequenceNumber ?? 0;
  const steps: Readonly<Record<string, () => unknown>> = {
    "the host's batch → events": () => readBatch(bodies, metadata, SOURCE),
    'bodies → tensor': () => {
      batch.events.forEach((event, row) => {
        if (!scanner.scan(event) || !scanner.readNumbers(data, row * width, width))
          throw new Error('not a usual request');
      });
    },
    model: () =>
      model.backend.predict({ [input?.name ?? '']: { type: 'float32', dims: [batchSize, width], data } }, { signal }),
    'outputs → results in AMQP': () => {
      const { results } = planEndings(scored, standing, { partition: '0', lastSequenceNumber: last });
      encoder.reset();
      if (writeEndings(encoder, results, 0) !== batchSize) throw new Error('not every result fits');
    },
    '(JSON.parse of the bodies)': () => {
      for (const body of bodies) JSON.parse(body.toString('utf8'));
    },
  };
  const candidates = Object.entries(steps).map(
    ([name, work]): Candidate => ({
      name,
      async run() {
        await work();
        return batchSize;
      },
    }),
  );
  const { nsPerEvent, rounds } = await compare(candidates, 15, 150, processorTime);
  return { nsPerEvent, rounds };
}
