import { json } from 'node:stream/consumers';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import type { ModelSummary } from '../../src/core/catalog.ts';
import { FaultLog } from '../../src/core/fault-log.ts';
import '../../src/telemetry/azure-monitor.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { batch, deadLetter, event, result, scored, slice } from '../unit/telemetry/scored.ts';
import { createRandom } from './seeded-random.ts';

/** Some minutes of traffic, by a clock of their own: what is exported is what they would have given. */
export interface Traffic {
  readonly minutes: number;
  readonly requestsPerSecond: number;
  /** How many of a thousand end as dead letters. */
  readonly deadLettersPerMille?: number;
  /** How many of the producers give a sampled traceparent: one of so many; 0 none. */
  readonly tracedOneOf?: number;
  /** Batches that throw, a second. */
  readonly failingBatchesPerSecond?: number;
  readonly tracesPerSecond: number;
  readonly liveMetrics?: boolean;
  /** Faults of ours, once the package is there. */
  readonly faults?: number;
}

const PARTITIONS = 4;
/** The real host waits 20 ms to fill a batch, and awaits its checkpoint. */
const BATCHES_PER_SECOND_AT_MOST = 40 * PARTITIONS;
const VERSION = '1.1.0+a1b2c3d4';

async function main(traffic: Traffic): Promise<void> {
  if (traffic.liveMetrics) await import('../../src/telemetry/application-insights.ts'); // so that it is soon there
  const { requestsPerSecond, deadLettersPerMille = 0, tracedOneOf = 0, failingBatchesPerSecond = 0 } = traffic;
  const random = createRandom(18);
  let nowMs = Date.now() - traffic.minutes * 60_000;
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const log = { info() {}, warn: say, error: say };
  const telemetry = createTelemetry({
    connectionString: process.env.APPLICATIONINSIGHTS_CONNECTION_STRING,
    authentication: undefined,
    tracesPerSecond: traffic.tracesPerSecond,
    liveMetrics: traffic.liveMetrics ?? false,
    clock: () => nowMs,
    log,
  });
  telemetry.observe({
    newest: async () => 1_000_000,
    breakers: () => ({ results: 'closed', 'dead-letters': 'closed', storage: 'closed' }),
    models: async () => [{ name: 'diabetes', loaded: [VERSION] } as unknown as ModelSummary],
    partitions: async () => ['0', '1', '2', '3'],
  });
  telemetry.recordModelLoad({ model: 'diabetes', version: VERSION, durationMs: 60, failed: false });
  const batchesPerSecond = Math.min(requestsPerSecond, BATCHES_PER_SECOND_AT_MOST);
  let sequence = 0;
  for (let second = 0; second < 60 * traffic.minutes; second++) {
    for (let i = 0; i < batchesPerSecond; i++) {
      nowMs += 1000 / batchesPerSecond;
      const count = Math.round(requestsPerSecond / batchesPerSecond);
      const events = Array.from({ length: count }, () => {
        const id = (++sequence).toString(16).padStart(32, 'a');
        const traced = tracedOneOf > 0 && sequence % tracedOneOf === 0;
        return event(
          sequence,
          Math.floor(nowMs - 2 - random.next() ** 2 * 30),
          traced ? { traceparent: `00-${id}-00f067aa0ba902b7-01` } : {},
        );
      });
      const outcomes = events.map(one =>
        (one.sequenceNumber * 7919) % 1000 < deadLettersPerMille
          ? deadLetter(one, 'schema_mismatch', 'diabetes', VERSION)
          : result(one, nowMs + 1 - one.enqueuedAtMs, 'diabetes', VERSION),
      );
      const one = batch(events, String(i % PARTITIONS));
      const end = telemetry.recordArrival(one);
      if (i < failingBatchesPerSecond) telemetry.recordFailedBatch(one, 'infrastructure');
      else {
        const timing = { receivedAtMs: Math.floor(nowMs), sentAtMs: Math.floor(nowMs) + 3 };
        telemetry.recordBatch(...scored(one, outcomes, [slice(count, 0.05 + random.next() * 0.3)]), timing);
      }
      end();
      if (second === 0 && i === 0) for (let turns = 0; turns < 5; turns++) await sleep(100); // what exports is there
    }
    if (batchesPerSecond === 0) nowMs += 1000;
    await turn();
  }
  const faults = new FaultLog(log, Date.now);
  for (let i = 0; i < (traffic.faults ?? 0); i++) faults.tell(`inference-requests/0/${i}`, new TypeError('of ours'));
  await telemetry.close();
}

await main((await json(process.stdin)) as Traffic);
