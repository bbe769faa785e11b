import type { StoredEvent } from '../src/core/hub-reader.ts';
import { Fold } from '../src/sweep/fold.ts';
import { predictionLine } from '../src/sweep/labels/prediction.ts';
import { PartitionState, restoreState, storeState } from '../src/sweep/partition-state.ts';

const EVENTS = 100_000;
const RUN = 64;

/** Results as the app writes them, those of two arms in turn within a batch, read as the SDK gives them. */
export function results(): StoredEvent[] {
  const arms = [
    { variant: 'production', version: '1.1.0' },
    { variant: 'candidate', version: '1.2.0' },
  ] as const;
  return Array.from({ length: EVENTS }, (_, i) => {
    const bucket = (i * 7_919) % 10_000;
    const { variant, version } = arms[bucket < 500 ? 1 : 0];
    const scoredAtMs = Date.UTC(2026, 10, 21, 9) + Math.floor(i / RUN) * 5;
    const enqueued = new Date(scoredAtMs - 11).toISOString();
    const chance = ((i * 31) % 100) / 100;
    const body =
      `{"request_id":"req_${i}","result_id":"inference-requests/2/${i}","model":"churn","model_version":"${version}","variant":"${variant}",` +
      `"prediction":${i % 2},"probabilities":{"0":${1 - chance},"1":${chance}},"confidence":${Math.max(chance, 1 - chance)},` +
      `"enqueued_at":"${enqueued}","timestamp":"${new Date(scoredAtMs).toISOString()}","latency_ms":11,"model_ms":0.4}`;
    return {
      body: Buffer.from(body),
      sequenceNumber: i,
      enqueuedAtMs: scoredAtMs,
      partitionKey: undefined,
      contentType: 'application/json',
      contentEncoding: undefined,
      messageId: `inference-requests/2/${i}`,
      properties: {
        ...{ model: 'churn', model_version: version, variant, rollout: 'ro_1', revision: 3, bucket },
        ...{ source_partition: '2', source_sequence_number: i, settled_through: i },
      },
    };
  });
}

/** CPU of folding, µs a result: receiving and AMQP decoding aside. */
export async function measureFold(rounds = 15): Promise<Readonly<Record<string, number>>> {
  const events = results();
  const costs: number[] = [];
  let bytes = 0;
  let keepMs = 0;
  for (let round = 0; round < rounds; round++) {
    const state = new PartitionState();
    const before = process.cpuUsage();
    const fold = new Fold({ kind: 'results', seen: state.seen, runs: state.runs, weightOf: () => 5 });
    for (const event of events) fold.add(event);
    const { user, system } = process.cpuUsage(before);
    costs.push((user + system) / EVENTS);
    const kept = performance.now();
    state.take(fold, events.at(-1) as StoredEvent);
    const text = storeState(state);
    restoreState(text, 'bench');
    keepMs = performance.now() - kept;
    bytes = text.length;
  }
  const group = { model: 'churn', version: '1.2.0', variant: 'candidate', rollout: 'ro_1', weight: 5 };
  const lines: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    let length = 0;
    for (const event of events) length += predictionLine(event, group, event.enqueuedAtMs)?.length ?? 0;
    const { user, system } = process.cpuUsage(before);
    lines.push((user + system) / EVENTS);
    if (length === 0) throw new Error('no lines');
  }
  lines.sort((one, other) => one - other);
  costs.sort((one, other) => one - other);
  return {
    'fold, µs CPU a result, median': costs[Math.floor(costs.length / 2)] as number,
    'fold, µs CPU a result, least': costs[0] as number,
    'a line for labels, µs CPU a result of a rollout, median': lines[Math.floor(lines.length / 2)] as number,
    'state of a partition, bytes': bytes,
    'keeping it, ms': keepMs,
  };
}

if (import.meta.main) console.log(await measureFold());
