import { readBatch } from '../src/hubs/read-batch.ts';
import { makeEvent } from '../test/chaos/requests.ts';
import { createRandom } from '../test/support/seeded-random.ts';
import { createBatches, memorySender, openScorer } from './ledger-cost.ts';
import { catalogOf, openModel } from './models.ts';
import { openScoring } from './open-scoring.ts';

const BATCH = 256;
const PARTITIONS = 32;
const LOTS = 64;
const MIB = 1024 * 1024;

export interface MemoryCourse {
  /** Resident memory, MiB, after every tenth of the events. */
  readonly residentMiB: readonly number[];
  /** The last over that at a fifth of the way, when everything has been used once. */
  readonly growth: number;
}

/**
 * Scores events one after another in one process, from the host's batches to bytes for the wire, and looks at its memory: 32
 * partitions, one request in a hundred poison, one event in a hundred with several requests.
 */
export async function watchMemory(events: number): Promise<MemoryCourse> {
  const { model } = await openModel('diabetes', '1.1.0');
  const scorer = openScorer(openScoring(catalogOf(model)), memorySender());
  const random = createRandom(1);
  const lots = Array.from({ length: LOTS }, () => Array.from({ length: BATCH }, (_, i) => makeEvent(i, random).body));
  const partitions = Array.from({ length: PARTITIONS }, (_, i) => createBatches(BATCH, String(i)));
  const residentMiB: number[] = [];
  for (let scored = 0; scored < events; scored += BATCH) {
    const turn = scored / BATCH;
    const bodies = lots[turn % LOTS]!;
    const metadata = partitions[turn % PARTITIONS]!.next();
    await scorer.scoreBatch(
      readBatch(bodies, metadata, { hub: 'inference-requests', consumerGroup: 'inference-consumer' }),
    );
    if (scored + BATCH >= ((residentMiB.length + 1) * events) / 10)
      residentMiB.push(Math.round(process.memoryUsage.rss() / MIB));
  }
  return { residentMiB, growth: Number(((residentMiB[9] as number) / (residentMiB[1] as number)).toFixed(3)) };
}
