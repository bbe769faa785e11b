import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { EventHubConsumerClient, EventHubProducerClient, latestEventPosition } from '@azure/event-hubs';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/cli/doctor/check.ts';
import { checkModelStorage } from '../../src/cli/doctor/storage.ts';
import { commandSettings } from '../../src/cli/environment.ts';
import { run } from '../../src/cli/program.ts';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { temporaryFolder } from '../support/models.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const folder = temporaryFolder();
let hubs: EventHubs;
let storage: Storage;
let environment: Record<string, string>;

beforeAll(async () => {
  [hubs, storage] = await Promise.all([startEventHubs(), startStorage()]);
  for (const container of ['models', 'broken', 'empty']) {
    await blobs().getContainerClient(container).create();
  }
  const put = (container: string, path: string, file: string) =>
    blobs().getContainerClient(container).getBlockBlobClient(path).uploadFile(join(ROOT, file));
  await put('models', 'diabetes/1.0.0/model.onnx', 'samples/models/diabetes/1.0.0/model.onnx');
  await put('models', 'topic/1.0.0/model.onnx', 'samples/models/topic/1.0.0/model.onnx');
  await put('broken', 'diabetes/1.0.0/model.onnx', 'samples/models/diabetes/1.0.0/model.onnx');
  await put('broken', 'diabetes/2.0.0/model.onnx', 'test/fixtures/models/bad/not-a-model.onnx');
  await put('broken', 'churn/1.0.0/model.onnx', 'test/fixtures/models/bad/custom-op.onnx');
});
beforeEach(() => {
  cpSync(join(ROOT, 'host.json'), join(folder.path, 'host.json'));
  environment = {
    EventHubs: hubs.connectionString,
    ModelStorage: storage.connectionString,
    AzureWebJobsStorage: storage.connectionString,
  };
});
afterAll(async () => {
  await Promise.all([hubs.stop(), storage.stop()]);
  folder.remove();
});

const blobs = () => BlobServiceClient.fromConnectionString(storage.connectionString);

interface Diagnosis {
  readonly exitCode: number;
  readonly output: string;
}

async function diagnose(args: readonly string[], change: Record<string, string> = {}): Promise<Diagnosis> {
  const stdout = new PassThrough();
  const output = text(stdout);
  const stderr = new PassThrough();
  stderr.resume();
  const exitCode = await run(['doctor', ...args], {
    stdin: new PassThrough(),
    stdout,
    stderr,
    environment: { ...environment, ...change },
    folder: folder.path,
    signal: new AbortController().signal,
  });
  stdout.end();
  return { exitCode, output: await output };
}

/** What is not well, and that the exit status says so. Every such finding has its fix. */
async function troubles(change: Record<string, string>): Promise<(Finding & { check: string })[]> {
  const { exitCode, output } = await diagnose(['--json'], change);
  const all = JSON.parse(output) as (Finding & { check: string })[];
  expect(exitCode).toBe(all.some(({ level }) => level === 'fail') ? 1 : 0);
  const bad = all.filter(({ level }) => level !== 'ok');
  for (const { says, fix } of bad) expect(fix, says).toMatch(/\w{3}/);
  return bad;
}

const fails = (says: RegExp, fix: RegExp) =>
  expect.objectContaining({ level: 'fail', says: expect.stringMatching(says), fix: expect.stringMatching(fix) });

describe('hubscore doctor', { timeout: 180_000 }, () => {
  it('finds a sound installation sound, and leaves nothing behind', async () => {
    const { exitCode, output } = await diagnose([]);
    expect(output).not.toMatch(/^fail/m);
    expect(exitCode).toBe(0);
    expect(output).toContain('hub inference-requests (requests) has 4 partitions');
    expect(output).toMatch(/ok +consumer group inference-consumer of inference-requests can be read/);
    expect(output).toMatch(/ok +results may be sent to inference-requests-results/);
    expect(output).toMatch(/ok +diabetes 1\.0\.0\+[0-9a-f]{8} loads: in-line/);
    expect(output).toMatch(/ok +this machine's clock agrees/);
    expect(output).toMatch(/ok +container batch of batch jobs is not there yet/);
    expect(output).toMatch(/ok +queue batch-chunks can be read and sent to/);
    expect(output).toMatch(/0 failed\n$/);

    for (const hub of ['inference-requests', 'inference-requests-results', 'inference-dead-letter']) {
      const producer = new EventHubProducerClient(hubs.connectionString, hub);
      for (const partition of await producer.getPartitionIds()) {
        expect((await producer.getPartitionProperties(partition)).isEmpty).toBe(true);
      }
      await producer.close();
    }
    const containers = [];
    for await (const { name } of blobs().listContainers()) containers.push(name);
    expect(containers).toEqual(['broken', 'empty', 'models']);
  });

  it('says once that nothing listens at the address', async () => {
    const bad = await troubles({ EventHubs: hubs.connectionString.replace(/:\d+;/, ':9;') });
    expect(bad).toEqual([fails(/namespace cannot be read: .*ECONNREFUSED/, /npm start/)]);
  });

  it('tells a wrong key from a wrong address', async () => {
    const bad = await troubles({ EventHubs: hubs.connectionString.replace('SAS_KEY_VALUE', 'WRONG') });
    expect(bad).toEqual([fails(/namespace cannot be read/, /roles/)]);
  });

  it('names a hub that is not there, and which setting names it', async () => {
    const bad = await troubles({ RESULTS_HUB: 'nowhere', LABELS_HUB: 'no-labels' });
    expect(bad).toContainEqual(fails(/hub nowhere \(results\) is not there/, /4 partitions.*RESULTS_HUB/));
    expect(bad).toContainEqual(expect.objectContaining({ level: 'warn', says: expect.stringMatching(/no-labels/) }));
  });

  it('names a consumer group that is not there', async () => {
    const bad = await troubles({ CONSUMER_GROUP: 'nobody' });
    expect(bad).toEqual([fails(/consumer group nobody of inference-requests is not there/, /CONSUMER_GROUP/)]);
  });

  it('misses every group that the ledger could read by', async () => {
    const bad = await troubles({ RECOVERY_CONSUMER_GROUPS: 'nobody,nothing' });
    const none = fails(
      /none of the consumer groups nobody, nothing of inference-dead-letter/,
      /RECOVERY_CONSUMER_GROUPS/,
    );
    expect(bad).toContainEqual(none);
  });

  it('counts partitions against the requests hub', async () => {
    const bad = await troubles({ RESULTS_HUB: 'inference-labels' });
    expect(bad).toContainEqual(
      fails(/inference-labels \(results\) has 2 partitions, the requests hub 4/, /RESULTS_HUB/),
    );
  });

  it('takes a group that the running app reads for well', async () => {
    const app = new EventHubConsumerClient('inference-consumer', hubs.connectionString, 'inference-requests');
    let reading = () => {};
    const attached = new Promise<void>(resolve => {
      reading = resolve;
    });
    const handlers = { processEvents: async () => reading(), processError: async () => {} };
    const options = { startPosition: latestEventPosition, ownerLevel: 1, maxWaitTimeInSeconds: 1 };
    const subscription = app.subscribe('0', handlers, options);
    await attached;
    const { exitCode, output } = await diagnose([]);
    await subscription.close();
    await app.close();
    expect(output).toContain('inference-consumer of inference-requests is there, and read by others now');
    expect(exitCode).toBe(0);
  });

  it('loads models as the app does, and says which version does not', async () => {
    const bad = await troubles({ MODELS_CONTAINER: 'broken' });
    expect(bad).toContainEqual(fails(/diabetes: production does not load.*2\.0\.0\/model\.onnx/, /deployment\.json/));
    expect(bad).toContainEqual(fails(/churn: .*operator/, /Mend or remove/));
    expect(bad).toHaveLength(2);
  });

  it('sees that there are no models, no container, or not the default one', async () => {
    const empty = await troubles({ MODELS_CONTAINER: 'empty' });
    expect(empty).toMatchObject([{ level: 'warn', says: 'there are no models' }]);
    const absent = await troubles({ MODELS_CONTAINER: 'absent' });
    expect(absent).toContainEqual(fails(/container absent .* is not there/, /models push/));
    const other = await troubles({ DEFAULT_MODEL: 'fraud' });
    expect(other).toEqual([fails(/DEFAULT_MODEL is fraud/, /diabetes, topic/)]);
  });

  it('sees that storage is away', async () => {
    const away = storage.connectionString.replace(/:\d+\//, ':9/');
    const bad = await troubles({ ModelStorage: away, AzureWebJobsStorage: away });
    expect(bad).toContainEqual(fails(/container models at 127\.0\.0\.1:9 cannot be read/, /STORAGE_PORT/));
    expect(bad).toContainEqual(fails(/host storage 127\.0\.0\.1:9 cannot be listed/, /./));
  });

  it('holds this clock against that of the storage service', async () => {
    const settings = commandSettings(environment, folder.path);
    const at = async (offMs: number) => {
      const findings = await checkModelStorage(settings, () => Date.now() + offMs).run(AbortSignal.timeout(10_000));
      return findings.at(-1);
    };
    expect(await at(0)).toMatchObject({ level: 'ok' });
    expect(await at(30_000)).toMatchObject({ level: 'warn', says: expect.stringMatching(/ahead/) });
    expect(await at(-600_000)).toMatchObject({ level: 'fail', says: expect.stringMatching(/behind/) });
  });

  it('holds host.json against the settings', async () => {
    const path = join(folder.path, 'host.json');
    const host = JSON.parse(readFileSync(path, 'utf8'));
    host.functionTimeout = '00:02:00';
    host.extensions.http.routePrefix = 'api';
    host.extensions.queues = undefined;
    Object.assign(host.extensions.eventHubs, { prefetchCount: 10, initialOffsetOptions: { type: 'fromEnd' } });
    writeFileSync(path, JSON.stringify(host));
    const bad = await troubles({});
    expect(bad).toContainEqual(fails(/BATCH_DEADLINE_SECONDS \(240\) is not below functionTimeout \(120 s\)/, /96/));
    expect(bad).toContainEqual(fails(/initialOffsetOptions is fromEnd/, /INITIAL_POSITION/));
    expect(bad).toContainEqual(
      expect.objectContaining({ level: 'warn', says: expect.stringMatching(/takes 24 chunks of batch jobs at once/) }),
    );
    expect(bad).toContainEqual(fails(/routePrefix is "api"/, /routePrefix to ""/));
    expect(bad).toContainEqual(
      expect.objectContaining({ level: 'warn', says: expect.stringMatching(/prefetchCount/) }),
    );
    expect(await troubles({ INITIAL_POSITION: 'batch' })).not.toContainEqual(
      expect.objectContaining({ says: expect.stringMatching(/INITIAL_POSITION is batch/) }),
    );
    host.extensions.eventHubs.initialOffsetOptions.type = 'fromStart';
    host.extensions.eventHubs.maxEventBatchSize = 10;
    writeFileSync(path, JSON.stringify(host));
    const other = await troubles({ INITIAL_POSITION: 'batch' });
    expect(other).toContainEqual(
      expect.objectContaining({ says: expect.stringMatching(/fromStart, INITIAL_POSITION is batch/) }),
    );
    expect(other).toContainEqual(expect.objectContaining({ fix: expect.stringMatching(/maxEventBatchSize to 1000/) }));
    writeFileSync(path, '{');
    expect(await troubles({})).toEqual([fails(/host\.json: /, /host\.json/)]);
  });

  it('names the setting that is wrong', async () => {
    const bad = await troubles({ MODEL_REFRESH_SECONDS: 'soon' });
    expect(bad).toEqual([fails(/: MODEL_REFRESH_SECONDS takes a whole number, at least 1$/, /docs\/settings/)]);
  });

  it.each(['redis://:s3cr#et@cache.example:6379', 'cache.example:6379', 'http://cache.example'])(
    'names REDIS_URL where it is none (%s), and never shows it',
    async url => {
      expect(await troubles({ REDIS_URL: url })).toEqual([fails(/^REDIS_URL is no Redis URL/, /redis\[s\].*%23/)]);
      const { output } = await diagnose([], { REDIS_URL: url });
      expect(output).not.toMatch(/s3cr|cache\.example/);
    },
  );

  it('finds a REDIS_URL that can be read well', async () => {
    const { output } = await diagnose([], { REDIS_URL: 'rediss://:s3cr%23et@cache.example:10000' });
    expect(output).toMatch(/ok +REDIS_URL is a Redis URL\n/);
    expect(output).not.toMatch(/s3cr|cache\.example/);
  });

  it('tries the container, the queues and the templates of batch jobs', async () => {
    const jobs = blobs().getContainerClient('nights');
    await jobs.create();
    const put = (name: string, content: object) => {
      const text = JSON.stringify(content);
      return jobs.getBlockBlobClient(`jobs/templates/${name}.json`).upload(text, text.length);
    };
    await put('good', { model: 'diabetes', input: 'empty/in/*.csv', output: 'empty/out.csv' });
    await put('lost', { model: 'diabetes', input: 'nowhere/in.csv', output: 'models/out.csv' });
    const poison = QueueServiceClient.fromConnectionString(storage.connectionString).getQueueClient(
      'batch-chunks-poison',
    );
    await poison.create();
    await poison.sendMessage('{}');
    const { output } = await diagnose([], { BATCH_CONTAINER: 'nights' });
    expect(output).toMatch(/ok +container nights of batch jobs can be read and written/);
    expect(output).toMatch(/ok +template good: its input can be read, its output written/);
    const bad = await troubles({ BATCH_CONTAINER: 'nights' });
    expect(bad).toContainEqual(fails(/template lost: container nowhere of its input/, /no such container/));
    expect(bad).toContainEqual(fails(/template lost: output "models\/out.csv" is no place/, /another container/));
    expect(bad).toContainEqual(
      expect.objectContaining({ level: 'warn', says: expect.stringMatching(/poison holds 1 chunks/) }),
    );
    expect(bad).toHaveLength(3);
    await Promise.all([jobs.delete(), poison.delete()]);
    const wrong = storage.connectionString.replace(/AccountKey=[^;]*/, `AccountKey=${btoa('another key')}`);
    const shut = await troubles({ BatchStorage: wrong });
    expect(shut).toContainEqual(fails(/container batch of batch jobs/, /Storage Blob Data Contributor/));
  });

  it('misses the storage of the host', async () => {
    const bad = await troubles({ AzureWebJobsStorage: '' });
    expect(bad).toMatchObject([{ level: 'warn', says: expect.stringMatching(/AzureWebJobsStorage/) }]);
  });
});
