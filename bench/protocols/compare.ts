/** Kafka beside AMQP on the same endpoint: throughput both ways, and how long one event takes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startEventHubs } from '../../test/support/event-hubs.ts';
import { cpuMsOf } from '../endpoint-cpu.ts';
import { median, quantile, round3 } from '../harness.ts';
import { requestBodies } from '../requests.ts';
import { amqpSide } from './amqp-side.ts';
import { kafkaSide } from './kafka-side.ts';
import type { Drained, Side } from './side.ts';

const [PARTITIONS, BATCH, ROUNDS] = [4, 250, 9];
const [EVENTS, SINGLES] = [100_000, 200];
const [INTO, BY_AMQP, BY_KAFKA, ONE] = ['produced', 'written-by-amqp', 'written-by-kafka', 'one-by-one'] as const;
const PATIENCE_MS = 10_000;

const Entities = [INTO, BY_AMQP, BY_KAFKA, ONE].map(Name => ({ Name, PartitionCount: PARTITIONS }));
const config = { UserConfig: { NamespaceConfig: [{ Type: 'EventHub', Name: 'emulatorNs1', Entities }] } };

export async function compareProtocols() {
  const eventHubs = await startEventHubs({ config });
  const { pid } = eventHubs.process;
  const sides = [
    amqpSide(eventHubs.connectionString),
    await kafkaSide(eventHubs.kafkaPort, eventHubs.connectionString),
  ];
  const [amqp, kafka] = sides as [Side, Side];
  const bodies = requestBodies('diabetes', '1.0.0', BATCH);
  const produce = async (side: Side, hub: string, events: number): Promise<Drained> => {
    const begin = performance.now();
    for (let sent = 0; sent < events; sent += PARTITIONS * BATCH) await side.produce(hub, PARTITIONS, bodies);
    return { events, ms: performance.now() - begin };
  };
  const rates = (work: (side: Side) => Promise<Drained>) => inTurns(sides, pid, work);
  try {
    await produce(amqp, BY_AMQP, EVENTS);
    await produce(kafka, BY_KAFKA, EVENTS);
    return {
      [`produce, ${BATCH} events to each of ${PARTITIONS} partitions at once`]: await rates(side =>
        produce(side, INTO, EVENTS),
      ),
      'consume what AMQP sent': await rates(side => side.drain(BY_AMQP, EVENTS)),
      'consume what Kafka sent': await rates(side => side.drain(BY_KAFKA, EVENTS)),
      'one event, sent to acknowledged, ms': await latencies(sides, async () => async (side, body) => {
        await side.produce(ONE, 1, [body]);
      }),
      'one event, sent to received, ms': await latencies(sides, sentToReceived),
    };
  } finally {
    for (const side of sides) await side.close();
    await eventHubs.stop();
  }
}

/** Events a second, and the endpoint's own processor time: over all rounds, since it is counted in steps of ten milliseconds. The first round warms up. */
async function inTurns(sides: readonly Side[], pid: number, work: (side: Side) => Promise<Drained>) {
  const rates = new Map(sides.map(({ name }) => [name, [] as number[]]));
  const used = new Map(sides.map(({ name }) => [name, { cpuMs: 0, events: 0 }]));
  for (let round = -1; round < ROUNDS; round++) {
    for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
      const before = cpuMsOf(pid);
      const { events, ms } = await work(side);
      if (round < 0) continue;
      rates.get(side.name)?.push((events * 1000) / ms);
      const total = used.get(side.name);
      if (total) used.set(side.name, { cpuMs: total.cpuMs + cpuMsOf(pid) - before, events: total.events + events });
    }
  }
  const cpu = [...used].map(([name, { cpuMs, events }]) => [name, [(cpuMs * 1000) / events]] as const);
  return {
    'events/s': medians([...rates], Math.round),
    'Kafka, times as fast': ratio([...rates]),
    'endpoint, µs of CPU an event': medians(cpu, round3),
    'Kafka, of that': ratio(cpu),
    rounds: ROUNDS,
  };
}

/** One at a time, a round of each side in turn: quantiles over all, their ratios round by round. */
async function latencies(
  sides: readonly Side[],
  prepare: (sides: readonly Side[]) => Promise<(side: Side, body: Buffer) => Promise<void>>,
) {
  const send = await prepare(sides);
  const rounds = new Map(sides.map(({ name }) => [name, [] as number[][]]));
  for (let round = -1; round < ROUNDS; round++) {
    for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
      const times: number[] = [];
      for (let i = 0; i < SINGLES; i++) {
        const begin = performance.now();
        await send(side, Buffer.from(`${side.name} ${round} ${i}`));
        times.push(performance.now() - begin);
      }
      if (round >= 0) rounds.get(side.name)?.push(times);
    }
  }
  const at = (q: number) => [...rounds].map(([name, all]) => [name, all.map(times => quantile(times, q))] as const);
  const all = [...rounds].map(([name, times]) => [name, times.flat()] as const);
  const quantiles = Object.fromEntries(
    all.map(([name, times]) => [name, { p50: round3(quantile(times, 0.5)), p99: round3(quantile(times, 0.99)) }]),
  );
  return { ...quantiles, 'Kafka, of that': { p50: ratio(at(0.5)), p99: ratio(at(0.99)) }, rounds: ROUNDS };
}

/** Each side hears what it has sent itself; what the other sends passes by. */
async function sentToReceived(sides: readonly Side[]) {
  const waiting = new Map<string, () => void>();
  for (const side of sides) await side.listen(ONE, body => waiting.get(`${side.name}: ${body}`)?.());
  await sleep(1000); // both stand at the end by then
  return async (side: Side, body: Buffer) => {
    const key = `${side.name}: ${body}`;
    const received = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${key} has not come`)), PATIENCE_MS);
      waiting.set(key, () => {
        clearTimeout(timer);
        resolve();
      });
    });
    await side.produce(ONE, 1, [body]);
    await received;
    waiting.delete(key);
  };
}

type Samples = readonly (readonly [name: string, values: readonly number[]])[];

function medians(samples: Samples, round: (value: number) => number): Record<string, number> {
  return Object.fromEntries(samples.map(([name, values]) => [name, round(median(values))]));
}

/** The second's value over the first's: the median of the rounds' own. */
function ratio([[, reference] = ['', []], [, values] = ['', []]]: Samples): number {
  return round3(median(values.map((value, round) => value / (reference[round] as number))));
}
