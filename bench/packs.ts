import { BatchEncoder } from '../src/hubs/encode-message.ts';
import { readBatch } from '../src/hubs/read-batch.ts';
import { writeEndings } from '../src/hubs/write-endings.ts';
import { planEndings } from '../src/ledger/plan-endings.ts';
import { metadataOf } from './function-path.ts';
import { type Candidate, compare, processorTime } from './harness.ts';
import { catalogOf, openModel } from './models.ts';
import { MAX_BODY_BYTES, openScoring } from './open-scoring.ts';
import { type PackForm, packBodies, requestBodies } from './requests.ts';

/** In a batch, but for single events. */
const ROWS = 10_000;
const { signal } = new AbortController();

/** Nanoseconds a row, from the host's buffers to bytes for the wire: single events, and packs of 10 and 100 rows in each form. */
export async function comparePacks(name: string, version: string) {
  const { model } = await openModel(name, version);
  const features = model.card.features.map(feature => feature.name);
  const candidate = (what: string, bodies: readonly Buffer[], rows: number): Candidate => {
    const scoring = openScoring(catalogOf(model));
    const encoder = new BatchEncoder(MAX_BODY_BYTES);
    const metadata = metadataOf(bodies.length);
    const run = async () => {
      const batch = readBatch(bodies, metadata, { hub: 'inference-requests', consumerGroup: 'inference-consumer' });
      const scored = await scoring.score(batch, signal);
      const standing = { settledThrough: -1, ended: new Map<string, number>(), log: 0 };
      const lastSequenceNumber = batch.events.at(-1)?.sequenceNumber ?? -1;
      const { results } = planEndings(scored, standing, { partition: batch.partition, lastSequenceNumber });
      for (let sent = 0; sent < bodies.length; ) {
        encoder.reset();
        const written = writeEndings(encoder, results, sent);
        if (written === 0) throw new Error('a result does not fit');
        sent += written;
      }
      return rows;
    };
    return { name: what, run };
  };
  const packs = (rows: number, form: PackForm) =>
    candidate(
      `packs of ${rows}, ${form}`,
      packBodies(name, version, { packs: ROWS / rows, rows, form, features }),
      ROWS,
    );
  return compare(
    [
      candidate('single events', requestBodies(name, version, 256), 256),
      packs(10, 'lists'),
      packs(100, 'lists'),
      packs(10, 'table'),
      packs(100, 'table'),
      packs(100, 'objects'),
    ],
    15,
    150,
    processorTime,
  );
}
