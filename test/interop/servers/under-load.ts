/**
 * The whole stack with a model at a real MLServer, then at a real `mlflow models serve`, killed and brought back while requests stream: every event ends, in
 * order; the breaker opens, the card's fallback answers and says so, and the server answers again when it returns. Exit status 0: all well.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventHubProducerClient } from '@azure/event-hubs';
import { startAppStack } from '../../support/app-stack.ts';
import { regressor } from '../../support/onnx.ts';
import { DEAD_LETTERS, REQUESTS, RESULTS, readAll } from '../../support/scoring.ts';
import { clear, kill, makeModels, mlflow, mlserver, type Program, remoteCard, started } from './programs.ts';

const PARTITION = '0';
const EVERY_MS = 50;
const PER_SEND = 10;
const WITHIN_MS = 120_000;

interface Result {
  readonly request_id: number;
  readonly prediction: number;
  readonly model_version: string;
  readonly fallback?: boolean;
}

const folder = mkdtempSync(join(tmpdir(), 'hubscore-under-load-'));
try {
  const { rows, kinds } = makeModels();
  await holds('MLServer', 'open-inference', await mlserver(), rows, kinds);
  await holds('MLflow', 'mlflow', await mlflow(), rows, kinds);
} finally {
  clear();
  rmSync(folder, { recursive: true, force: true });
}

async function holds(
  title: string,
  kind: string,
  program: Program,
  rows: readonly (readonly number[])[],
  kinds: readonly number[],
): Promise<void> {
  const host = `127.0.0.1:${program.port}`;
  const server = await started(program);
  const stack = await startAppStack({}, [1, 1, 1], { REMOTE_HOSTS: host, BREAKER_RESET_SECONDS: '1' });
  const { connectionString } = stack.hubs;
  const producer = new EventHubProducerClient(connectionString, REQUESTS);
  const sending = new AbortController();
  let sent = 0;
  const send = async () => {
    while (!sending.signal.aborted) {
      const batch = Array.from({ length: PER_SEND }, () => ({
        body: { request_id: sent, model: 'iris', features: rows[sent++ % rows.length] },
      }));
      await producer.sendBatch(batch, { partitionId: PARTITION });
      await sleep(EVERY_MS);
    }
  };
  const results = async (): Promise<Result[]> =>
    (await readAll(connectionString, RESULTS, PARTITION)).map(({ body }) => JSON.parse(String(body)) as Result);
  const since = async (from: number) => (await results()).filter(({ request_id: id }) => id >= from);
  try {
    await push(stack, kind, program);
    const app = await stack.startHost();
    const metrics = async () => (await fetch(`${app.url}/metrics`)).text();
    const stream = send();
    await until('the server answers', async () => (await since(0)).filter(({ fallback }) => !fallback).length > 200);

    kill(server);
    const killedAt = sent;
    await until(
      'the fallback answers',
      async () => (await since(killedAt)).filter(({ fallback }) => fallback).length > 200,
    );
    await until('the breaker is seen', async () => stateIn(await metrics(), host) > 0);
    assert.match(await metrics(), /^hubscore_fallback_results_total\{model="iris",version="1\.0\.0\+\w+"\} [1-9]/m);
    const told = (await (await fetch(`${app.url}/v2/models/iris`)).json()) as { parameters: { backend: object } };
    assert.partialDeepStrictEqual(told.parameters.backend, { kind, at: host, state: 'away' });

    const again = await started(program);
    const backAt = sent;
    await until(
      'the server answers again',
      async () => (await since(backAt)).filter(({ fallback }) => !fallback).length > 200,
    );
    await until('the breaker is closed', async () => stateIn(await metrics(), host) === 0);
    sending.abort();
    await stream;
    await until('all have ended', async () => (await results()).length >= sent);
    kill(again);

    const all = await results();
    assert.deepEqual(
      all.map(({ request_id: id }) => id),
      all.map((_, i) => i),
      'in order, each once',
    );
    assert.equal((await readAll(connectionString, DEAD_LETTERS, PARTITION)).length, 0);
    for (const { request_id: id, fallback, prediction, model_version: version } of all) {
      assert.ok(version.startsWith(fallback ? '1.0.0+' : '2.0.0+'), `${id}: ${version}`);
      if (!fallback) assert.equal(prediction, kinds[id % rows.length]);
    }
    const { missing, repeated, outOfOrder } = await stack.verify();
    assert.deepEqual({ missing, repeated, outOfOrder }, { missing: 0, repeated: 0, outOfOrder: 0 });
    const stoodIn = all.filter(({ fallback }) => fallback).length;
    console.log(
      `${title}: ${all.length} requests, ${stoodIn} by the fallback while it was away; each once and in order`,
    );
  } finally {
    sending.abort();
    await producer.close();
    await stack.stop();
  }
}

/** The fallback first: an ONNX file of another kind, so that its answers are told apart. */
async function push(stack: Awaited<ReturnType<typeof startAppStack>>, kind: string, program: Program): Promise<void> {
  const old = join(folder, `iris-${kind}/1.0.0`);
  mkdirSync(old, { recursive: true });
  writeFileSync(join(old, 'model.onnx'), regressor([1, 1, 1, 1]));
  const card = { ...remoteCard(kind, program), fallback: { version: '1.0.0' }, cache: false };
  const newer = join(folder, `${kind}.json`);
  writeFileSync(newer, JSON.stringify(card));
  for (const [path, version] of [
    [old, '1.0.0'],
    [newer, '2.0.0'],
  ] as const) {
    const { code, out } = await stack.hubscore('models', 'push', path, '--name', 'iris', '--version', version);
    assert.equal(code, 0, out);
  }
}

function stateIn(metrics: string, host: string): number {
  const line = metrics.split('\n').find(each => each.startsWith(`hubscore_breaker_state{target="${host}"}`));
  return Number(line?.split(' ').at(-1) ?? 0);
}

async function until(what: string, holdsNow: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + WITHIN_MS;
  while (!(await holdsNow())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${WITHIN_MS / 1000} s`);
    await sleep(500);
  }
}
