import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { median, round3 } from '../harness.ts';
import { openStream } from '../stream.ts';
import { virtualEnvironment } from './venv.ts';

const HUBS: readonly (readonly [name: string, partitions: number, ...groups: string[]])[] = [
  ['inference-requests', 4, 'inference-consumer', 'monitor'],
  ['inference-requests-results', 4, 'monitor'],
  ['inference-dead-letter', 4, 'monitor', 'replay'],
  ['inference-labels', 2, 'monitor'],
  ['peer-requests', 1],
  ['peer-results', 1],
];
const Entities = HUBS.map(([Name, PartitionCount, ...groups]) => ({
  Name,
  PartitionCount,
  ConsumerGroups: groups.map(Name => ({ Name })),
}));
const CONFIG = {
  UserConfig: {
    NamespaceConfig: [{ Type: 'EventHub', Name: 'emulatorNs1', Entities }],
    LoggingConfig: { Type: 'Console' },
  },
};

/**
 * Events a second through the same local endpoint, in turns: hubscore in its local host with everything it does (ledger, properties,
 * four partitions), and Python services on one partition each, the form in which their client is fastest here.
 */
export async function comparePeersThroughEndpoint(rounds = 9) {
  const stream = await openStream('diabetes', '1.0.0', { hubs: CONFIG });
  const python = join(virtualEnvironment('python'), 'python');
  const script = join(import.meta.dirname, 'through_endpoint.py');
  async function peer(kind: 'usual' | 'batched', events: number): Promise<number> {
    const env = { ...process.env, EVENTHUBS: stream.eventHubs.connectionString };
    const { stdout } = await promisify(execFile)(python, [script, kind, String(events)], { env });
    const { events: scored, eventsPerSecond } = JSON.parse(stdout) as { events: number; eventsPerSecond: number };
    if (scored < events) throw new Error(`the ${kind} Python service scored ${scored} of ${events} events`);
    return eventsPerSecond;
  }
  const turns: Record<string, () => Promise<number>> = {
    hubscore: () => stream.drain(50_000),
    'Python, one by one': () => peer('usual', 1_000),
    'Python, batched': () => peer('batched', 10_000),
  };
  const samples: Record<string, number[]> = { hubscore: [], 'Python, one by one': [], 'Python, batched': [] };
  try {
    for (let round = 0; round < rounds; round++) {
      const order = Object.keys(turns);
      for (const name of round % 2 === 0 ? order : order.reverse()) samples[name]?.push(await turns[name]!());
    }
  } finally {
    await stream.close();
  }
  const ours = samples.hubscore ?? [];
  const over = (peer: string) => round3(median((samples[peer] ?? []).map((rate, i) => (ours[i] as number) / rate)));
  return {
    eventsPerSecond: Object.fromEntries(
      Object.entries(samples).map(([name, rates]) => [name, Math.round(median(rates))]),
    ),
    'hubscore, times as fast': {
      'Python, one by one': over('Python, one by one'),
      'Python, batched': over('Python, batched'),
    },
    rounds,
  };
}
