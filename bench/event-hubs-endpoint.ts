/**
 * CPU per event of the local Event Hubs endpoint beside that of the JS client that talks to it: `node bench/event-hubs-endpoint.ts [events]`.
 * The endpoint's CPU is read from /proc, so Linux only.
 */
import { readFileSync } from 'node:fs';
import { EventHubConsumerClient, EventHubProducerClient, earliestEventPosition } from '@azure/event-hubs';
import { startEventHubs } from '../test/support/event-hubs.ts';
import { cpuMsOf } from './endpoint-cpu.ts';

const HUB = 'inference-requests';
const BODY_BYTES = 183;
const total = Number(process.argv[2] ?? 100_000);

async function measure(what: string, events: number, pid: number, work: () => Promise<void>): Promise<void> {
  const [wall, client, endpoint] = [performance.now(), process.cpuUsage(), cpuMsOf(pid)];
  await work();
  const wallMs = performance.now() - wall;
  const used = process.cpuUsage(client);
  const clientMs = (used.user + used.system) / 1000;
  const endpointMs = cpuMsOf(pid) - endpoint;
  const per = (ms: number) => `${((ms * 1000) / events).toFixed(2)} µs`.padStart(9);
  const rate = Math.round((events * 1000) / wallMs);
  console.log(
    `${what.padEnd(34)} ${String(rate).padStart(7)} events/s   endpoint ${per(endpointMs)}   client ${per(clientMs)} of CPU an event`,
  );
}

async function produce(producer: EventHubProducerClient, events: number, perBatch: number): Promise<void> {
  const body = Buffer.alloc(BODY_BYTES, 'x');
  for (let sent = 0; sent < events; ) {
    const batch = await producer.createBatch();
    while (batch.count < perBatch && sent + batch.count < events && batch.tryAdd({ body }));
    sent += batch.count;
    await producer.sendBatch(batch);
  }
}

async function consume(consumer: EventHubConsumerClient, events: number, maxBatchSize: number): Promise<void> {
  let received = 0;
  await new Promise<void>((done, fail) => {
    const subscription = consumer.subscribe(
      {
        async processEvents(batch) {
          received += batch.length;
          if (received >= events) {
            subscription.close().then(done, fail);
            received = Number.NEGATIVE_INFINITY;
          }
        },
        async processError(error) {
          fail(error);
        },
      },
      { startPosition: earliestEventPosition, maxBatchSize, maxWaitTimeInSeconds: 1 },
    );
  });
}

const hubs = await startEventHubs();
const { pid } = hubs.process;
const producer = new EventHubProducerClient(hubs.connectionString, HUB);
const consumer = new EventHubConsumerClient('$Default', hubs.connectionString, HUB);
try {
  await produce(producer, 2000, 100); // warm up
  await measure('produce, batches of 1 MiB', total, pid, () => produce(producer, total, Number.POSITIVE_INFINITY));
  await measure('produce, batches of 100', total, pid, () => produce(producer, total, 100));
  await measure('produce, one by one', total / 20, pid, () => produce(producer, total / 20, 1));
  const stored = 2000 + total * 2 + total / 20;
  await measure('consume, maxBatchSize 1000', stored, pid, () => consume(consumer, stored, 1000));
  await measure('consume, maxBatchSize 100', stored, pid, () => consume(consumer, stored, 100));
  const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  console.log(`endpoint memory ${Math.round(Number(rss) / 1024)} MiB with ${stored} events stored`);
} finally {
  await producer.close();
  await consumer.close();
  await hubs.stop();
}
