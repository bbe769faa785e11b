import type { EventBatch } from '../src/core/event.ts';
import { readBatch } from '../src/hubs/read-batch.ts';
import { createTelemetry } from '../src/telemetry/telemetry.ts';
import { memoryCache } from './cache.ts';
import { type Candidate, type Comparison, compare, processorTime } from './harness.ts';
import { createBatches, memorySender, openScorer, send } from './ledger-cost.ts';
import { catalogOf, openModel } from './models.ts';
import { openScoring } from './open-scoring.ts';
import { requestBodies } from './requests.ts';

const quiet = { info: () => {}, warn: () => {}, error: () => {} };
const SOURCE = { hub: 'inference-requests', consumerGroup: 'inference-consumer' };

/** The function path with telemetry, cache and ledger, as the app puts them together, beside the same without any of them; and each of them alone. */
export async function measureOverheads(name: string, version: string, batchSize: number): Promise<Comparison> {
  const catalog = catalogOf((await openModel(name, version)).model);
  const bodies = requestBodies(name, version, batchSize);
  const telemetry = createTelemetry({
    connectionString: undefined,
    authentication: undefined,
    tracesPerSecond: 5,
    clock: Date.now,
    log: quiet,
  });
  const signal = new AbortController().signal;
  const candidate = (title: string, score: (batch: EventBatch) => Promise<void>): Candidate => {
    const batches = createBatches(batchSize, '0');
    return {
      name: title,
      async run() {
        await score(readBatch(bodies, batches.next(), SOURCE));
        return batchSize;
      },
    };
  };
  /** Without ledger: score, encode, send. */
  const bare = (title: string, { withTelemetry = false, withCache = false } = {}): Candidate => {
    const scoring = openScoring(catalog, withCache ? memoryCache() : undefined);
    const sender = memorySender();
    return candidate(title, async batch => {
      const receivedAtMs = Date.now();
      const scored = await scoring.score(batch, signal);
      await send(sender, scored, batch, signal);
      if (withTelemetry) telemetry.recordBatch(batch, scored, { receivedAtMs, sentAtMs: Date.now() });
    });
  };
  const observer = { settled: telemetry.recordBatch, ledger: telemetry.recordLedger };
  const whole = openScorer(openScoring(catalog, memoryCache()), memorySender(), observer);
  const ledger = openScorer(openScoring(catalog), memorySender());
  try {
    return await compare(
      [
        bare('none of them'),
        candidate('telemetry, cache and ledger', whole.scoreBatch),
        bare('telemetry', { withTelemetry: true }),
        bare('cache', { withCache: true }),
        candidate('ledger', ledger.scoreBatch),
      ],
      11,
      150,
      processorTime,
    );
  } finally {
    await telemetry.close();
  }
}
