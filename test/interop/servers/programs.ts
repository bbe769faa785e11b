import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRemoteLoader } from '../../../src/backends/remote/remote-loader.ts';
import type { ModelVersion } from '../../../src/core/model.ts';
import { parseCard } from '../../../src/models/card.ts';
import { gatherVersion, openVersion } from '../../../src/models/open-version.ts';
import { pythonEnvironment } from '../python-environment.ts';

/** A real MLServer and a real `mlflow models serve` of one scikit-learn model, in a Python of their own under `.local/` (or SERVERS_PYTHON). */

const ROOT = resolve(import.meta.dirname, '../../..');
const STARTS_WITHIN_MS = 180_000;

/** Made at the first use: whoever imports this may want neither server. */
let python: string | undefined;
export function pythonOfServers(): string {
  python ??=
    process.env.SERVERS_PYTHON ??
    pythonEnvironment(join(ROOT, '.local/interop-servers'), [join(import.meta.dirname, 'requirements.txt')]);
  return python;
}
let folder: string | undefined;
function ownFolder(): string {
  folder ??= mkdtempSync(join(tmpdir(), 'hubscore-servers-'));
  return folder;
}
const running = new Set<ChildProcess>();

export interface Expected {
  readonly rows: readonly (readonly number[])[];
  readonly kinds: readonly number[];
}

/** Trains the model, and says what it answers. */
export function makeModels(): Expected {
  const made = execFileSync(pythonOfServers(), [join(import.meta.dirname, 'make_models.py'), ownFolder()], {
    encoding: 'utf8',
  });
  return JSON.parse(made.trim().split('\n').at(-1) ?? '') as Expected;
}

/** Ends what still runs. */
export function clear(): void {
  for (const child of running) process.kill(-(child.pid as number), 'SIGKILL');
  running.clear();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}

export interface Program {
  readonly port: number;
  readonly path: string;
  start(): ChildProcess;
}

/** Of the model, by name and in order. */
export const FEATURES = ['a', 'b', 'c', 'd'];

/** The card of the model at such a server. */
export function remoteCard(kind: string, { port }: Program): object {
  return {
    backend: { kind, url: `http://127.0.0.1:${port}`, model: 'iris', retries: 0, timeout_seconds: 5 },
    features: FEATURES.map(name => ({ name, ...(kind === 'open-inference' && { input: 'x' }) })),
  };
}

/** The model as serving opens it. */
export async function openRemote(kind: string, program: Program): Promise<ModelVersion> {
  const loader = createRemoteLoader({
    hosts: [`127.0.0.1:${program.port}`],
    tokens: {},
    tokenFor: async () => '',
    breaker: { failures: 3, resetMs: 500 },
    log: { info() {}, warn() {}, error() {} },
  });
  const file = { path: 'none', bytes: 0, derive: async () => 'none', has: async () => false };
  const source = {
    ...{ name: 'iris', version: '1.0.0', sha256: '0'.repeat(64), titles: { model: 'card', card: 'card' } },
    raw: parseCard(JSON.stringify(remoteCard(kind, program)), 'card'),
    file: { ...file, gather: async () => ({ file, beside: {} }) },
  };
  return (await openVersion(await gatherVersion(source, [loader]))).version;
}

/** With its workers. */
export function kill(child: ChildProcess): void {
  running.delete(child);
  process.kill(-(child.pid as number), 'SIGKILL');
}

export async function started(program: Program): Promise<ChildProcess> {
  const child = program.start();
  running.add(child);
  const end = Date.now() + STARTS_WITHIN_MS;
  for (;;) {
    const isReady = await fetch(`http://127.0.0.1:${program.port}${program.path}`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return child;
    if (Date.now() > end || child.exitCode !== null) throw new Error(`${program.path}: the server did not start`);
    await sleep(500);
  }
}

function run(args: readonly string[], environment: NodeJS.ProcessEnv = {}): ChildProcess {
  const env = {
    ...process.env,
    PATH: `${dirname(pythonOfServers())}:${process.env.PATH}`,
    PYTHONWARNINGS: 'ignore',
    ...environment,
  };
  return spawn(pythonOfServers(), args, {
    env,
    cwd: ownFolder(),
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

export async function mlserver(): Promise<Program> {
  const [port, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
  const environment = {
    MLSERVER_HTTP_PORT: String(port),
    MLSERVER_GRPC_PORT: String(grpc),
    MLSERVER_METRICS_PORT: String(metrics),
    MLSERVER_HOST: '127.0.0.1',
    MLSERVER_PARALLEL_WORKERS: '0',
  };
  const start = () =>
    run([join(dirname(pythonOfServers()), 'mlserver'), 'start', join(ownFolder(), 'mlserver')], environment);
  return { port, path: '/v2/models/iris/ready', start };
}

export async function mlflow(): Promise<Program> {
  const port = await freePort();
  const args = ['models', 'serve', '-m', join(ownFolder(), 'mlflow'), '--env-manager', 'local', '--host', '127.0.0.1'];
  return { port, path: '/ping', start: () => run(['-m', 'mlflow', ...args, '--port', String(port)]) };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise(done => probe.once('listening', done));
  const { port } = probe.address() as AddressInfo;
  await new Promise(done => probe.close(done));
  return port;
}
