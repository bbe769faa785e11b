import { EventHubProducerClient } from '@azure/event-hubs';
import { openReader } from '../src/app/open-events.ts';
import type { HubReader, StoredEvent } from '../src/core/hub-reader.ts';
import { Fold } from '../src/sweep/fold.ts';
import { predictionLine } from '../src/sweep/labels/prediction.ts';
import { PartitionState, restoreState, storeState } from '../src/sweep/partition-state.ts';
import { createSweep } from '../src/sweep/sweep.ts';
import { startEventHubs } from '../test/support/event-hubs.ts';
import { memoryBlobs } from '../test/support/memory-blobs.ts';

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

const HUBS = ['inference-requests-results', 'inference-dead-letter', 'inference-labels'] as const;
const PARTITIONS = 4;

/** What one timer can carry: results a second that a sweep takes in from the endpoint, receiving and AMQP decoding included. The endpoint shares the machine. */
export async function measureSweep(many = EVENTS) {
  const entity = (Name: string) => ({ Name, PartitionCount: PARTITIONS, ConsumerGroups: [{ Name: 'monitor' }] });
  const Entities = HUBS.map(entity);
  const config = { UserConfig: { NamespaceConfig: [{ Type: 'EventHub', Name: 'emulatorNs1', Entities }] } };
  const hubs = await startEventHubs({ config });
  const producer = new EventHubProducerClient(hubs.connectionString, HUBS[0]);
  const connection = { kind: 'connection-string', connectionString: hubs.connectionString } as const;
  const [one, two, three] = HUBS.map(hub => openReader(connection, hub, ['monitor'], BLOCK)) as [
    HubReader,
    HubReader,
    HubReader,
  ];
  try {
    const all = results().slice(0, many);
    await Promise.all(Array.from({ length: PARTITIONS }, (_, p) => fill(producer, String(p), all)));
    const log = { info() {}, warn: console.warn, error: console.error };
    const options = { labelWindowMs: 7 * DAY_MS, windowsKeptMs: 90 * DAY_MS, clock: Date.now, log };
    const readers = { results: one, deadLetters: two, labels: three };
    const weights = async () => () => 5;
    const sweep = createSweep({ hubs: readers, blobs: memoryBlobs(), weights, holder: 'bench', ...options });
    const [cpu, start] = [process.cpuUsage(), performance.now()];
    let counted = 0;
    for (let behind = 1; behind > 0; ) {
      const report = await sweep.run(AbortSignal.timeout(120_000));
      if (report === undefined) throw new Error('the turn is another’s');
      counted += report.counted;
      behind = Object.values(report.behind).reduce((sum, events) => sum + events, 0);
    }
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    return {
      results: counted,
      'results a second while it reads': Math.round(counted / seconds),
      'results a second, seven of every fifteen seconds': Math.round((counted / seconds) * (7 / 15)),
      'µs CPU a result, all in all': (user + system) / counted,
    };
  } finally {
    await Promise.allSettled([producer.close(), one.close(), two.close(), three.close()]);
    await hubs.stop();
  }
}

/** As the app has it. */
const BLOCK = 100;
const DAY_MS = 86_400_000;

async function fill(
  producer: EventHubProducerClient,
  partitionId: string,
  events: readonly StoredEvent[],
): Promise<void> {
  let batch = await producer.createBatch({ partitionId });
  for (let i = Number(partitionId); i < events.length; i += PARTITIONS) {
    const { body, messageId, properties } = events[i] as StoredEvent;
    const event = { body, messageId: messageId ?? '', properties: { ...properties } };
    if (batch.tryAdd(event)) continue;
    await producer.sendBatch(batch);
    batch = await producer.createBatch({ partitionId });
    batch.tryAdd(event);
  }
  await producer.sendBatch(batch);
}

if (import.meta.main) console.log(await measureFold(), await measureSweep());
