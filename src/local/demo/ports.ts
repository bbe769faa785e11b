import { createServer } from 'node:net';
import { StartError } from './start-error.ts';

/** A port of the local stack and the environment variable that moves it. */
export interface StackPort {
  readonly setting: string;
  readonly purpose: string;
  readonly port: number;
}

const PORTS = [
  { setting: 'EVENTHUBS_PORT', purpose: 'the Event Hubs endpoint', usual: 5672 },
  { setting: 'EVENTHUBS_HEALTH_PORT', purpose: 'its health page', usual: 5300 },
  { setting: 'KAFKA_PORT', purpose: 'its Kafka side', usual: 9092 },
  { setting: 'STORAGE_PORT', purpose: 'Blob storage', usual: 10000 },
  { setting: 'STORAGE_QUEUE_PORT', purpose: 'its queues', usual: 10001 },
  { setting: 'FUNCTIONS_PORT', purpose: 'the functions', usual: 7071 },
];

/** @throws StartError naming the variable that holds no port. */
export function readPorts(environment: Readonly<Record<string, string | undefined>>): StackPort[] {
  return PORTS.map(({ setting, purpose, usual }) => {
    const port = Number(environment[setting] || usual);
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
      throw new StartError(`${setting}=${environment[setting]} is no port: a whole number from 1 to 65535 is needed`);
    }
    return { setting, purpose, port };
  });
}

/** What to say where ports are taken, with a command line that would do; undefined where all are free. */
export async function explainUsedPorts(ports: readonly StackPort[]): Promise<string | undefined> {
  const used: StackPort[] = [];
  for (const port of ports) if (!(await isFree(port.port))) used.push(port);
  if (used.length === 0) return undefined;
  const taken = new Set(ports.map(({ port }) => port));
  const instead: string[] = [];
  for (const { setting, port } of used) {
    let other = port + 1;
    while (other < 65535 && (taken.has(other) || !(await isFree(other)))) other++;
    taken.add(other);
    instead.push(`${setting}=${other}`);
  }
  const lines = used.map(({ port, purpose, setting }) => `  port ${port} for ${purpose} (${setting})`);
  return [
    'something else listens already on',
    ...lines,
    'Another `npm start`? End it there with Ctrl-C; or take other ports:',
    `  ${instead.join(' ')} npm start`,
  ].join('\n');
}

function isFree(port: number): Promise<boolean> {
  return new Promise(answer => {
    const probe = createServer().once('error', () => answer(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => answer(true)));
  });
}
