/**
 * Models at a real MLServer and a real `mlflow models serve`: answered as Python answers them, away while the server is killed, and there again. Makes a Python of its own under `.local/`.
 * Exit status 0: all well.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRemoteLoader } from '../../../src/backends/remote/remote-loader.ts';
import { RequestError } from '../../../src/core/errors.ts';
import type { Tensor } from '../../../src/core/tensor.ts';
import { parseCard } from '../../../src/models/card.ts';
import { gatherVersion, openVersion } from '../../../src/models/open-version.ts';
import { pythonEnvironment } from '../python-environment.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const STARTS_WITHIN_MS = 180_000;
const FEATURES = ['a', 'b', 'c', 'd'];

const python =
  process.env.SERVERS_PYTHON ??
  pythonEnvironment(join(ROOT, '.local/interop-servers'), [join(import.meta.dirname, 'requirements.txt')]);
const folder = mkdtempSync(join(tmpdir(), 'hubscore-servers-'));
const running = new Set<ChildProcess>();
const quiet = { info() {}, warn() {}, error() {} };

interface Expected {
  readonly rows: readonly (readonly number[])[];
  readonly kinds: readonly number[];
}

try {
  const made = execFileSync(python, [join(import.meta.dirname, 'make_models.py'), folder], { encoding: 'utf8' });
  const expected = JSON.parse(made.trim().split('\n').at(-1) ?? '') as Expected;
  await holds('MLServer', expected, 'open-inference', await mlserver());
  await holds('MLflow', expected, 'mlflow', await mlflow());
} finally {
  for (const child of running) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}

interface Program {
  readonly port: number;
  readonly path: string;
  start(): ChildProcess;
}

async function holds(title: string, { rows, kinds }: Expected, kind: string, program: Program): Promise<void> {
  const server = await started(program);
  const host = `127.0.0.1:${program.port}`;
  const loader = createRemoteLoader({
    hosts: [host],
    tokens: {},
    tokenFor: async () => '',
    breaker: { failures: 3, resetMs: 500 },
    log: quiet,
  });
  const card = {
    backend: { kind, url: `http://${host}`, model: 'iris', retries: 0 },
    features: FEATURES.map(name => ({ name, ...(kind === 'open-inference' && { input: 'x' }) })),
  };
  const file = { path: 'none', bytes: 0, derive: async () => 'none', has: async () => false };
  const source = {
    ...{ name: 'iris', version: '1.0.0', sha256: '0'.repeat(64), titles: { model: 'card', card: 'card' } },
    raw: parseCard(JSON.stringify(card), 'card'),
    file: { ...file, gather: async () => ({ file, beside: {} }) },
  };
  const { version } = await openVersion(await gatherVersion(source, [loader]));
  const { backend, signature } = version;
  const column = (i: number): Tensor => ({
    type: 'float64',
    dims: [rows.length, 1],
    data: Float64Array.from(rows, row => row[i] as number),
  });
  const table: Tensor = { type: 'float64', dims: [rows.length, 4], data: Float64Array.from(rows.flat()) };
  const inputs =
    signature.inputs.length === 1
      ? { [signature.inputs[0]?.name ?? '']: table }
      : Object.fromEntries(FEATURES.map((name, i) => [name, column(i)]));
  const ask = async () =>
    Array.from(Object.values(await backend.predict(inputs))[0]?.data as ArrayLike<number>, Number);

  assert.deepEqual(await ask(), kinds);
  kill(server);
  for (let time = 0; time < 4; time++) {
    const told = await backend.predict(inputs).then(
      () => undefined,
      thrown => thrown,
    );
    assert.ok(told instanceof RequestError && told.code === 'model_unavailable', `while away: ${told}`);
  }
  assert.equal(backend.status?.state, 'away');
  const again = await started(program);
  assert.deepEqual(await ask(), kinds);
  assert.equal(backend.status?.state, 'up');
  console.log(`${title}: ${rows.length} rows as Python answers them; killed and brought back`);
  await backend.close();
  kill(again);
}

/** With its workers. */
function kill(child: ChildProcess): void {
  running.delete(child);
  process.kill(-(child.pid as number), 'SIGKILL');
}

async function started(program: Program): Promise<ChildProcess> {
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
  const env = { ...process.env, PATH: `${dirname(python)}:${process.env.PATH}`, ...environment };
  return spawn(python, args, { env, cwd: folder, detached: true, stdio: ['ignore', 'ignore', 'inherit'] });
}

async function mlserver(): Promise<Program> {
  const [port, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
  const environment = {
    MLSERVER_HTTP_PORT: String(port),
    MLSERVER_GRPC_PORT: String(grpc),
    MLSERVER_METRICS_PORT: String(metrics),
    MLSERVER_HOST: '127.0.0.1',
    MLSERVER_PARALLEL_WORKERS: '0',
  };
  const start = () => run([join(dirname(python), 'mlserver'), 'start', join(folder, 'mlserver')], environment);
  return { port, path: '/v2/models/iris/ready', start };
}

async function mlflow(): Promise<Program> {
  const port = await freePort();
  const args = ['models', 'serve', '-m', join(folder, 'mlflow'), '--env-manager', 'local', '--host', '127.0.0.1'];
  return { port, path: '/ping', start: () => run(['-m', 'mlflow', ...args, '--port', String(port)]) };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise(done => probe.once('listening', done));
  const { port } = probe.address() as AddressInfo;
  await new Promise(done => probe.close(done));
  return port;
}
