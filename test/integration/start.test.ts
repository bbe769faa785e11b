import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const READY_MS = 60_000;

let folder: string;
let environment: Record<string, string>;
let child: ChildProcess | undefined;
let log = '';

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hubscore-start-'));
  const [amqp, health, kafka, storage, queues, functions] = await freePorts(6);
  environment = {
    LOCAL_DATA_DIR: folder,
    EVENTHUBS_PORT: String(amqp),
    EVENTHUBS_HEALTH_PORT: String(health),
    KAFKA_PORT: String(kafka),
    STORAGE_PORT: String(storage),
    STORAGE_QUEUE_PORT: String(queues),
    FUNCTIONS_PORT: String(functions),
  };
});
afterEach(async () => {
  const running = child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  const left = running ? descendants(child!.pid!) : [];
  for (const pid of left) signal(pid, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

describe('npm start', () => {
  it('shows results without a terminal, and Ctrl-C leaves no process', async () => {
    start(['npm', 'start', '--', '--rate', '100']);
    await said(/^ready sb:\/\/localhost:\d+/m);
    const { EVENTHUBS_PORT: amqp, FUNCTIONS_PORT: functions, KAFKA_PORT: kafka } = environment;
    expect(log).toContain(
      `\nready sb://localhost:${amqp} (Event Hubs), http://localhost:${functions} (HTTP), localhost:${kafka} (Kafka)\n`,
    );
    expect(log).toContain(`live page      http://localhost:${functions}/live\n`);
    await said(/ scored [1-9]\d{2,}/); // several hundred: with dead letters among them
    await said(/dead letters \d\.\d %/);
    const line =
      /^\d\d:\d\d:\d\d {2}in \d+\/s {2}out \d+\/s {2}p50 [\d.,]+ {2}p95 [\d.,]+ {2}p99 [\d.,]+ ms .* lag \d+$/m;
    expect(log).toMatch(line);
    const all = descendants(child!.pid!);
    expect(all.length).toBeGreaterThanOrEqual(4); // start, endpoint, storage, functions
    process.kill(-child!.pid!, 'SIGINT'); // as a terminal does: to the whole group
    expect(await exitCode()).toBe(0);
    expect(log).toContain('stopped;');
    expect(all.filter(isAlive)).toEqual([]);
  }, 120_000);

  it('puts the sample models there and leaves the traffic out where it is told to; SIGTERM ends it', async () => {
    start(['npm', 'start', '--', '--no-demo']);
    await said(/npx hubscore send/);
    const blobs = BlobServiceClient.fromConnectionString(
      `DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=${KEY};BlobEndpoint=http://127.0.0.1:${environment.STORAGE_PORT}/devstoreaccount1;`,
    );
    const names: string[] = [];
    for await (const { name } of blobs.getContainerClient('models').listBlobsFlat()) names.push(name);
    expect(names).toEqual(
      expect.arrayContaining(['diabetes/1.0.0/model.onnx', 'diabetes/1.1.0/model.json', 'topic/1.0.0/model.onnx']),
    );
    expect(existsSync(join(folder, 'hubscore-models'))).toBe(true); // what the functions downloaded
    const all = descendants(child!.pid!);
    child!.kill('SIGTERM'); // npm passes it on
    await exitCode();
    await gone(all);
    expect(log).not.toMatch(/ scored \d/);
  }, 120_000);

  it('takes its parts with it when it is killed', async () => {
    start([process.execPath, 'dist/local/start.js', '--no-demo']);
    await said(/^ready /m);
    const all = descendants(child!.pid!);
    child!.kill('SIGKILL');
    await gone(all);
  });

  it('ends with the last lines of a part that ended', async () => {
    start([process.execPath, 'dist/local/start.js', '--no-demo']);
    await said(/^ready /m);
    const all = descendants(child!.pid!);
    const storage = all.find(pid => commandOf(pid).includes('storage/main'));
    signal(storage!, 'SIGKILL');
    expect(await exitCode()).toBe(1);
    expect(log).toMatch(
      /npm start: storage: ended by SIGKILL; its last lines \(all: .*storage\.log\):\n {4}ready http/,
    );
    expect(all.filter(isAlive)).toEqual([]);
  });

  it('ends at once where a setting is wrong, and names it', async () => {
    environment.REPLAY_CODES = 'unexpected,pa55word';
    start([process.execPath, 'dist/local/start.js']);
    expect(await exitCode()).toBe(1);
    expect(log).toMatch(/^npm start: settings are wrong: REPLAY_CODES takes by comma, any of malformed_payload/m);
    expect(log).not.toContain('pa55word');
    expect(log).not.toMatch(/^ready/m);
  });

  it('names ports in use and a command line that would do', async () => {
    const server = createServer().listen(Number(environment.STORAGE_PORT), '127.0.0.1');
    await once(server, 'listening');
    start([process.execPath, 'dist/local/start.js']);
    expect(await exitCode()).toBe(1);
    server.close();
    expect(log).toMatch(/port \d+ for Blob storage \(STORAGE_PORT\)\n.*\n {2}STORAGE_PORT=\d+ npm start/);
  });
});

const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

function start([command, ...args]: string[]): void {
  log = '';
  child = spawn(command as string, args, {
    cwd: ROOT,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', text => {
      log += text;
    });
  }
}

async function said(pattern: RegExp): Promise<void> {
  const until = Date.now() + READY_MS;
  while (!pattern.test(log)) {
    if (Date.now() > until || child?.exitCode !== null) throw new Error(`waited for ${pattern}:\n${log}`);
    await sleep(50);
  }
}

async function exitCode(): Promise<number | null> {
  if (child!.exitCode === null && child!.signalCode === null) await once(child!, 'close');
  return child!.exitCode;
}

async function gone(pids: readonly number[]): Promise<void> {
  const until = Date.now() + 20_000;
  while (pids.some(isAlive)) {
    if (Date.now() > until) throw new Error(`still there: ${pids.filter(isAlive).map(commandOf).join('; ')}\n${log}`);
    await sleep(50);
  }
}

/** A process and all that it started, by what `ps` says. */
function descendants(root: number): number[] {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(row => row.trim().split(/\s+/).map(Number) as [number, number]);
  const found = [root];
  for (const pid of found) found.push(...rows.filter(([, parent]) => parent === pid).map(([child]) => child));
  return found;
}

function commandOf(pid: number): string {
  try {
    return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

function isAlive(pid: number): boolean {
  return commandOf(pid) !== '' && !/<defunct>/.test(commandOf(pid));
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // already gone
  }
}

/** Ports that nothing listens on, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map(server => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(server => new Promise(closed => server.close(closed))));
  return ports;
}
