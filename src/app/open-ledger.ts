import type { Guard } from '../apart/guard.ts';
import { createDeadLetterRenderer } from '../codecs/event-json/dead-letter.ts';
import { weigh } from '../codecs/weigh.ts';
import type { Settings } from '../config/settings.ts';
import { InfrastructureError } from '../core/errors.ts';
import { readBatch } from '../hubs/read-batch.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Events } from './open-events.ts';
import { MAX_BODY_BYTES } from './open-scoring.ts';
import type { Lifetime } from './parts.ts';
import type { World } from './world.ts';

export interface Ledger {
  /** Resolves once every event of the host's batch has its endings. @throws Error: the host's retry policy brings the batch again. */
  scoreRequests(bodies: unknown, metadata: unknown, invocation?: string): Promise<void>;
  /** Scores what the host passed over in partitions that have fallen silent since. */
  fillHoles(): Promise<void>;
}

/** What makes endings certain, between the hubs and what scores. */
export function openLedger(
  settings: Settings,
  parts: World & { readonly events: Events; readonly guard: Guard; readonly telemetry: Telemetry },
  lifetime: Lifetime,
): Ledger {
  const { events, guard, telemetry, clock } = parts;
  const source = { hub: settings.REQUESTS_HUB, consumerGroup: settings.CONSUMER_GROUP };
  const scorer = events.createScorer({
    score: guard.score,
    inFlight: guard,
    weigh,
    renderDeadLetter: createDeadLetterRenderer(MAX_BODY_BYTES, clock),
    observer: { settled: telemetry.recordBatch, ledger: telemetry.recordLedger },
    clock,
  });
  lifetime.finish(scorer.drain);
  telemetry.observe({
    breakers: events.breakers,
    throttled: events.throttled,
    partitions: async signal => (await events.requests.describe(signal)).partitions,
    newest: async (partition, signal) => (await events.requests.range(partition, signal)).last,
  });
  return {
    async scoreRequests(bodies, metadata, invocation) {
      const batch = readBatch(bodies, metadata, source);
      const ended = telemetry.recordArrival(batch, invocation);
      try {
        await scorer.scoreBatch(batch);
      } catch (thrown) {
        telemetry.recordFailedBatch(batch, thrown instanceof InfrastructureError ? 'infrastructure' : 'unexpected');
        throw thrown;
      } finally {
        ended();
      }
    },
    fillHoles: async () => void (await scorer.fillSilentPartitions()),
  };
}
