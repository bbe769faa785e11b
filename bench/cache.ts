/** What the result cache costs where no instance ever comes again, and what it saves where 70 % do. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryCache } from '../src/cache/memory-cache.ts';
import type { ResultCache } from '../src/core/cache.ts';
import type { ModelVersion } from '../src/core/model.ts';
import { readBatch } from '../src/hubs/read-batch.ts';
import { parseCard } from '../src/models/card.ts';
import { network } from '../test/support/onnx.ts';
import { createRandom, type SeededRandom } from '../test/support/seeded-random.ts';
import { type Candidate, compare, processorTime, round3 } from './harness.ts';
import { createBatches } from './ledger-cost.ts';
import { catalogOf, type OpenedModel, openFile, openModel } from './models.ts';
import { openScoring } from './open-scoring.ts';
import { sampleFeatures } from './requests.ts';

const BATCH = 256;
const SOURCE = { hub: 'inference-requests', consumerGroup: 'inference-consumer' };
/** What has come so long ago that it is forgotten is new again: the pool of instances is larger than the cache. */
const [CACHE_ENTRIES, POOL_BATCHES] = [2_000, 48];
const OFTEN = 200;

export function memoryCache(maxEntries = CACHE_ENTRIES): ResultCache {
  return createMemoryCache({ maxEntries, maxBytes: 64 * 1024 * 1024, ttlMs: 3_600_000 });
}

/** Nanoseconds of processor time an event, with and without, at both shares of repeats. */
export async function measureCache() {
  const folder = mkdtempSync(join(tmpdir(), 'hubscore-bench-'));
  const file = join(folder, 'network.onnx');
  writeFileSync(file, network());
  try {
    const topic = sampleFeatures('topic', '1.0.0').map(features => (features as { text: string }).text);
    const text = (random: SeededRandom, i: number) => `${topic[random.below(topic.length)]} ${i} ${random.below(1e9)}`;
    const numbers = (random: SeededRandom) => Array.from({ length: 64 }, () => round3(random.below(1e6) / 1e6));
    const opened = await openFile({ name: 'network', version: '1.0.0', file, raw: parseCard('{}', 'model.json') });
    return {
      'topic 1.0.0 (TF-IDF text)': await compareShares(await openModel('topic', '1.0.0'), text),
      'network, 64 features': await compareShares(opened, numbers),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

type Make = (random: SeededRandom, i: number) => unknown;

async function compareShares({ model, backends }: OpenedModel, make: Make) {
  const figures: Record<string, unknown> = {};
  for (const share of [0, 0.7]) {
    const pool = requests(model, make, share);
    const { nsPerEvent, rounds } = await compare(
      [candidate('without cache', model, pool, undefined), candidate('with cache', model, pool, memoryCache())],
      11,
      400,
      processorTime,
    );
    const [without, cached] = [nsPerEvent['without cache'] as number, nsPerEvent['with cache'] as number];
    figures[`${share * 100} % repeats`] = { nsPerEvent, cost: round3(cached / without - 1), rounds };
  }
  await model.backend.close();
  await backends.close();
  return figures;
}

/** Batches of requests, of which a share is one of the few that come often. */
function requests({ name, version }: ModelVersion, make: Make, share: number): Buffer[][] {
  const random = createRandom(7);
  const often = Array.from({ length: OFTEN }, (_, i) => make(random, i));
  let made = 0;
  return Array.from({ length: POOL_BATCHES }, () =>
    Array.from({ length: BATCH }, () => {
      const features = random.below(1000) < share * 1000 ? often[random.below(OFTEN)] : make(random, OFTEN + made);
      return Buffer.from(
        JSON.stringify({ request_id: `request-${made++}`, model: name, model_version: version, features }),
      );
    }),
  );
}

function candidate(
  title: string,
  model: ModelVersion,
  pool: readonly Buffer[][],
  cache: ResultCache | undefined,
): Candidate {
  const scoring = openScoring(catalogOf(model), cache);
  const batches = createBatches(BATCH, '0');
  const signal = new AbortController().signal;
  let turn = 0;
  return {
    name: title,
    async run() {
      const bodies = pool[turn++ % pool.length] as Buffer[];
      const scored = await scoring.score(readBatch(bodies, batches.next(), SOURCE), signal);
      if (scored.arm(0).kind !== 'result') throw new Error(String(scored.body(0)));
      return BATCH;
    },
  };
}
