import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const READY_MS = 180_000;

/** Ports of a stack, as the variables that name them, and a folder for its data. */
export interface Place {
  readonly environment: Readonly<Record<string, string>>;
  remove(): void;
}

export interface Service {
  /** All it wrote so far. */
  said(): string;
  stop(): Promise<void>;
}

/** Free ports and a folder of its own for one local stack. */
export async function freePlace(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'hubscore-pages-'));
  const names = [
    'EVENTHUBS_PORT',
    'EVENTHUBS_HEALTH_PORT',
    'KAFKA_PORT',
    'STORAGE_PORT',
    'STORAGE_QUEUE_PORT',
    'FUNCTIONS_PORT',
  ];
  const servers = await Promise.all(
    names.map(async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map(server => String((server.address() as AddressInfo).port));
  await Promise.all(servers.map(server => new Promise(closed => server.close(closed))));
  return {
    environment: { LOCAL_DATA_DIR: folder, ...Object.fromEntries(names.map((name, i) => [name, ports[i] as string])) },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Runs a command that goes on until it is ended, in a group of its own. @throws Error with what it wrote where it ends, or says no `ready` */
export async function startService(
  command: string,
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Service> {
  const child = spawn('bash', ['-c', `exec ${command}`], { cwd: folder, env: environment, detached: true });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', chunk => {
      text += chunk;
    });
  }
  await new Promise<void>((ready, failed) => {
    const fail = (why: string) => failed(new Error(`${command} ${why}:\n${text}`));
    const timer = setTimeout(fail, READY_MS, 'is not ready');
    child.once('exit', code => fail(`ended with ${code}`));
    child.stdout.on('data', () => {
      if (!/^ready /m.test(text)) return;
      clearTimeout(timer);
      ready();
    });
  }).catch(async thrown => {
    await endGroup(child);
    throw thrown;
  });
  return { said: () => text, stop: () => endGroup(child) };
}

async function endGroup(child: ChildProcess): Promise<void> {
  const signal = (name: NodeJS.Signals) => {
    try {
      process.kill(-(child.pid as number), name);
    } catch {
      // the group is gone
    }
  };
  if (child.exitCode === null && child.signalCode === null) {
    const exit = once(child, 'exit');
    signal('SIGTERM');
    const timer = setTimeout(signal, 20_000, 'SIGKILL');
    await exit;
    clearTimeout(timer);
  }
  signal('SIGKILL');
}
