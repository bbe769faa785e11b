/**
 * Imports from a real `mlflow server`, and follows its alias: one model with its weights in the file, one with external data. Makes a Python of its own under `.local/`.
 * Environment: STORAGE_CONNECTION. Exit status 0: all well.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BlobServiceClient } from '@azure/storage-blob';
import { pythonEnvironment } from '../python-environment.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const NAME = 'interop-mlflow';
const STARTS_WITHIN_MS = 120_000;

const python =
  process.env.MLFLOW_PYTHON ??
  pythonEnvironment(join(ROOT, '.local/interop-mlflow'), [join(import.meta.dirname, 'requirements.txt')]);
const folder = mkdtempSync(join(tmpdir(), 'hubscore-mlflow-'));
const url = `http://127.0.0.1:${await freePort()}`;
const storage = process.env.STORAGE_CONNECTION ?? '';
const environment = { ...process.env, ModelStorage: storage, MLFLOW_TRACKING_URI: url, NO_COLOR: '1' };
const server = startServer();
try {
  await ready();
  execFileSync(python, [join(import.meta.dirname, 'log_models.py'), 'log'], { env: environment, stdio: 'inherit' });

  const imported = hubscore('models', 'import', `mlflow:/${NAME}@champion`);
  assert.equal(imported.version, '1.0.0');
  assert.equal(imported.production.after, '1.0.0');
  const card = JSON.parse(await blob('1.0.0/model.json'));
  assert.deepEqual([card.metrics, card.hyperparameters], [{ r2: 0.6 }, { weight: '1' }]);
  assert.match(card.mlflow.run_id, /^[0-9a-f]{32}$/);

  execFileSync(python, [join(import.meta.dirname, 'log_models.py'), 'alias', '2'], {
    env: environment,
    stdio: 'inherit',
  });
  const { rollout, aliases } = hubscore('models', 'follow', `mlflow:/${NAME}@champion`, '--once', '--weight', '10');
  assert.deepEqual([rollout.candidate, rollout.baseline, rollout.weight], ['2.0.0', '1.0.0', 10]);
  assert.equal(aliases.production, '1.0.0', 'an alias that moved made a version production by itself');
  const external = Object.keys(JSON.parse(await blob('2.0.0/model.json')).files);
  assert.equal(external.length, 1, `weights beside the file: ${external}`);

  const tried = hubscore(
    'models',
    'try',
    NAME,
    JSON.stringify({ features: [Array(1024).fill(1)] }),
    '--version',
    '2.0.0',
  );
  assert.deepEqual(tried.records[0].result.predictions?.[0].prediction ?? tried.records[0].result.prediction, 2048);
  console.log(`imported from ${url}: ${NAME} 1.0.0, and 2.0.0 with ${external}, of which a canary runs`);
} finally {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}

function startServer(): ChildProcess {
  const { port } = new URL(url);
  const store = [
    '--backend-store-uri',
    `sqlite:///${join(folder, 'mlflow.db')}`,
    '--artifacts-destination',
    join(folder, 'artifacts'),
  ];
  return spawn(python, ['-m', 'mlflow', 'server', '--host', '127.0.0.1', '--port', port, '--workers', '1', ...store], {
    env: environment,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

async function ready(): Promise<void> {
  const end = Date.now() + STARTS_WITHIN_MS;
  while (
    !(await fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (Date.now() > end || server.exitCode !== null) throw new Error('mlflow server did not start');
    await sleep(500);
  }
}

function hubscore(...args: readonly string[]) {
  const script = join(ROOT, 'src/cli/hubscore.ts');
  const out = execFileSync(process.execPath, [script, ...args, '--json'], {
    cwd: folder,
    env: environment,
    encoding: 'utf8',
  });
  return JSON.parse(out);
}

async function blob(path: string): Promise<string> {
  const models = BlobServiceClient.fromConnectionString(storage).getContainerClient('models');
  return (await models.getBlobClient(`${NAME}/${path}`).downloadToBuffer()).toString();
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise(done => probe.once('listening', done));
  const { port } = probe.address() as AddressInfo;
  await new Promise(done => probe.close(done));
  return port;
}
