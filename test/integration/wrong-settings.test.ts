import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { EventHubProducerClient } from '@azure/event-hubs';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { appFolder } from '../support/app-folder.ts';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { runInstance } from '../support/function-instance.ts';
import { type FunctionsHost, startHost } from '../support/functions-host.ts';
import { temporaryFolder } from '../support/models.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const MODELS = resolve(import.meta.dirname, '../../samples/models');
const PARTITIONS = ['0', '1', '2', '3'];
const EACH = 25;
/** No value may be told: any of them may be a secret in the wrong place. */
const WRONG = {
  MODEL_REFRESH_SECONDS: 'pa55word-1',
  HTTP_AUTH_LEVEL: 'pa55word-2',
  FILL_HOLES_SCHEDULE: 'pa55word-3',
  REPLAY_SCHEDULE: 'pa55word-4',
  REPLAY_CODES: 'unexpected, pa55word-5',
};
const SENTENCE =
  'settings are wrong: MODEL_REFRESH_SECONDS takes a whole number, at least 1; ' +
  'HTTP_AUTH_LEVEL takes `function` or `anonymous`; ' +
  'FILL_HOLES_SCHEDULE takes a schedule of six NCRONTAB fields, such as `0 */5 * * * *`; ' +
  'REPLAY_SCHEDULE takes a schedule of six NCRONTAB fields, such as `0 */5 * * * *`; ' +
  'REPLAY_CODES takes by comma, any of malformed_payload, schema_mismatch, non_finite_feature, unknown_model, ' +
  'model_unavailable, inference_failed, deadline_exceeded, result_too_large, unexpected';

const app = appFolder();
const cache = temporaryFolder();
const emptyFolder = mkdtempSync(join(tmpdir(), 'hubscore-cli-'));
let hubs: EventHubs;
let storage: Storage;

beforeAll(async () => {
  [hubs, storage] = await Promise.all([startEventHubs(), startStorage()]);
  const container = blobs().getContainerClient('models');
  await container.create();
  for (const file of ['model.onnx', 'model.json']) {
    await container.getBlockBlobClient(`topic/1.0.0/${file}`).uploadFile(join(MODELS, 'topic/1.0.0', file));
  }
});
afterAll(async () => {
  await Promise.all([hubs.stop(), storage.stop()]);
  app.remove();
  cache.remove();
  rmSync(emptyFolder, { recursive: true });
});

const blobs = () => BlobServiceClient.fromConnectionString(storage.connectionString);
const environment = () => ({
  EventHubs: hubs.connectionString,
  AzureWebJobsStorage: storage.connectionString,
  ModelStorage: storage.connectionString,
  MODEL_CACHE_DIR: cache.path,
});

/** Of every partition of a hub, how many events it holds. */
async function counts(hub: string): Promise<number[]> {
  const producer = new EventHubProducerClient(hubs.connectionString, hub);
  const found = await Promise.all(PARTITIONS.map(partition => producer.getPartitionProperties(partition)));
  await producer.close();
  return found.map(({ isEmpty, lastEnqueuedSequenceNumber }) => (isEmpty ? 0 : lastEnqueuedSequenceNumber + 1));
}

async function checkpoints(): Promise<string[]> {
  const found: string[] = [];
  const container = blobs().getContainerClient('azure-webjobs-eventhub');
  for await (const { name } of container.listBlobsFlat()) if (name.includes('/checkpoint/')) found.push(name);
  return found;
}

async function get(host: FunctionsHost, path: string, init?: RequestInit) {
  const response = await fetch(`${host.url}${path}`, init);
  return { status: response.status, body: await response.json() };
}

async function hubscore(args: readonly string[], change: Record<string, string> = {}) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const [out, err] = [text(stdout), text(stderr)];
  const code = await run(args, {
    stdin: Readable.from([]),
    stdout,
    stderr,
    environment: { ...environment(), ...change },
    folder: emptyFolder,
    signal: new AbortController().signal,
  });
  stdout.end();
  stderr.end();
  return { code, out: await out, err: await err };
}

describe('settings that are wrong', () => {
  it('hold the partitions and say why, by every way; once they are right nothing is lost', async () => {
    const producer = new EventHubProducerClient(hubs.connectionString, 'inference-requests');
    for (const partitionId of PARTITIONS) {
      const requests = Array.from({ length: EACH }, (_, i) => ({
        body: { request_id: `${partitionId}-${i}`, model: 'topic', features: ['My invoice is wrong'] },
      }));
      await producer.sendBatch(requests, { partitionId });
    }
    await producer.close();

    const wrong = await startHost({ appDir: app.path, env: { ...environment(), ...WRONG } });
    const failures = () =>
      wrong
        .log()
        .split('\n')
        .filter(line => /Function\.score-requests: .*failed/.test(line) && line.includes(SENTENCE));
    // The first try of every partition, and a retry of each.
    await expect.poll(() => failures().length, { timeout: 20_000 }).toBeGreaterThanOrEqual(2 * PARTITIONS.length);
    expect(wrong.log()).toContain(`the start failed: ${SENTENCE}`);
    expect(await get(wrong, '/v2/health/live')).toEqual({ status: 200, body: { live: true } });
    expect(await get(wrong, '/v2/health/ready')).toEqual({ status: 503, body: { ready: false } });
    for (const path of ['/v2', '/v2/models/topic', '/v2/models/topic/ready', '/metrics']) {
      expect(await get(wrong, path), path).toEqual({ status: 503, body: { error: SENTENCE } });
    }
    const infer = await get(wrong, '/v2/models/topic/infer', { method: 'POST', body: '{}' });
    expect(infer).toEqual({ status: 503, body: { error: SENTENCE } });
    expect(wrong.log()).toContain(`GET /v2/health/ready: 503 ${SENTENCE}`);
    expect(await wrong.stop()).toBe(0);
    expect(wrong.log()).not.toContain('pa55word');
    expect(await checkpoints()).toEqual([]);
    expect(await counts('inference-requests-results')).toEqual([0, 0, 0, 0]);

    const right = await startHost({ appDir: app.path, env: environment() });
    await expect
      .poll(() => counts('inference-requests-results'), { timeout: 20_000 })
      .toEqual(PARTITIONS.map(() => EACH));
    expect(await get(right, '/v2/health/ready')).toEqual({ status: 200, body: { ready: true } });
    expect(await right.stop()).toBe(0);
    expect(await counts('inference-dead-letter')).toEqual([0, 0, 0, 0]);
    const verdict = await hubscore(['verify']);
    expect(verdict.code, verdict.out).toBe(0);
  }, 60_000);

  it('leave every function registered, with keys asked for', async () => {
    const [all, { functions }] = await Promise.all([
      runInstance(environment()),
      runInstance({ ...environment(), ...WRONG }),
    ]);
    expect(functions).toEqual(all.functions);
    const levels = Object.entries(functions).flatMap(([name, { bindings }]) =>
      Object.values(bindings).flatMap(({ authLevel }) => (authLevel ? [`${name} ${authLevel}`] : [])),
    );
    expect(levels.filter(level => level.endsWith('anonymous'))).toEqual([
      'live-asset anonymous',
      'v2-live anonymous',
      'v2-ready anonymous',
    ]);
    expect(levels.filter(level => level.endsWith('function')).length).toBe(18);
  });

  it.each([
    'send -',
    'tail',
    'models list',
    'models show topic',
    `models push ${MODELS}`,
    'replay --dry-run',
    'verify',
    'load',
    'tune topic',
  ])('end `hubscore %s` at once, with the same sentence', async command => {
    const { code, out, err } = await hubscore(command.split(' '), WRONG);
    expect({ code, out, err }).toEqual({ code: 1, out: '', err: `error: ${SENTENCE}\n` });
  });

  it('are told by `hubscore doctor`', async () => {
    const { code, out } = await hubscore(['doctor', '--json'], WRONG);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toContainEqual({
      check: 'settings',
      level: 'fail',
      says: `settings cannot be used: ${SENTENCE}`,
      fix: expect.stringContaining('docs/settings.md'),
    });
    expect(out).not.toContain('pa55word');
  });
});
