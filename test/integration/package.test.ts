import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import {
  type EventData,
  EventHubConsumerClient,
  EventHubProducerClient,
  earliestEventPosition,
} from '@azure/event-hubs';
import { BlobServiceClient } from '@azure/storage-blob';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uploadModels } from '../../scripts/azure/upload-models.ts';
import { makePackage } from '../../scripts/package.ts';
import { textOf, thisProcess } from '../../src/processes/process-name.ts';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { type FunctionsHost, startHost } from '../support/functions-host.ts';
import { startIngestion } from '../support/ingestion.ts';
import { node22 } from '../support/node-22.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const MB = 2 ** 20;

const target = mkdtempSync(join(tmpdir(), 'hubscore-package-'));
const unpacked = join(target, 'unpacked');
let zipBytes: number;
let names: readonly string[];

beforeAll(async () => {
  const { zip, bytes } = await makePackage(target);
  zipBytes = bytes;
  const entries = unzipSync(readFileSync(zip));
  names = Object.keys(entries).sort();
  for (const [name, content] of Object.entries(entries)) {
    mkdirSync(dirname(join(unpacked, name)), { recursive: true });
    writeFileSync(join(unpacked, name), content);
  }
}, 300_000);
afterAll(() => rmSync(target, { recursive: true }));

describe('the package', () => {
  it('is below 60 MB', () => {
    expect(zipBytes / MB).toBeGreaterThan(5); // ONNX Runtime alone
    expect(zipBytes / MB).toBeLessThan(60);
  });

  it('holds what the host needs: functions where main says, host.json, ONNX Runtime for Linux on x64', () => {
    const main: string = JSON.parse(readFileSync(join(unpacked, 'package.json'), 'utf8')).main;
    expect(main).toBe('dist/functions/*.js');
    expect(names).toContain('dist/functions/score-requests.js');
    expect(names).toContain('host.json');
    // The live page, whose libraries come as they are.
    for (const file of ['index.html', 'main.js', 'style.css', 'preact.js', 'htm.js'])
      expect(names).toContain(`dist/live/page/${file}`);
    expect(names).toContain('node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1');
    expect(names).toContain('node_modules/onnxruntime-node/bin/napi-v6/linux/x64/onnxruntime_binding.node');
  });

  it('holds nothing else: no other platform, no sources, tests, settings, caches or development packages', () => {
    const allowed =
      /^(host\.json|package\.json|THIRD-PARTY-NOTICES\.txt|sbom\.cdx\.json|dist\/.+\.js|dist\/live\/page\/(index\.html|style\.css)|node_modules\/onnxruntime-(node|common)\/.+)$/;
    expect(names.filter(name => !allowed.test(name))).toEqual([]);
    expect(
      names.filter(name => /\/(darwin|win32|arm64)\/|\.(ts|map|pdb|dll|dylib)$|test|local\.settings/i.test(name)),
    ).toEqual([]);
  });
});

describe("others' code in the package", () => {
  const text = (name: string) => readFileSync(join(unpacked, name), 'utf8');
  interface Component {
    readonly group?: string;
    readonly name: string;
    readonly version: string;
    readonly purl: string;
    readonly hashes: readonly { alg: string; content: string }[];
    readonly licenses: readonly { license: { id: string } }[];
  }

  it('is listed: what is bundled and what lies beside it, with version, licence and hash', () => {
    const { components, dependencies }: { components: Component[]; dependencies: { dependsOn: string[] }[] } =
      JSON.parse(text('sbom.cdx.json'));
    const names = components.map(({ group, name }) => (group ? `${group}/${name}` : name));
    expect(names).toEqual(
      expect.arrayContaining([
        'onnxruntime-node',
        'onnxruntime-common',
        '@azure/event-hubs',
        'zod',
        'redis',
        'preact',
        'htm',
      ]),
    );
    const installed = (name: string) =>
      JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')) as { version: string };
    const zod = components.find(({ name }) => name === 'zod');
    expect(zod).toMatchObject({ version: installed('zod').version, licenses: [{ license: { id: 'MIT' } }] });
    const eventHubs = components.find(({ name }) => name === 'event-hubs');
    expect(eventHubs?.purl).toBe(`pkg:npm/%40azure/event-hubs@${installed('@azure/event-hubs').version}`);
    for (const { hashes, purl } of components) expect(hashes[0]?.content, purl).toMatch(/^[\da-f]{128}$/);
    expect(dependencies[0]?.dependsOn).toEqual(components.map(({ purl }) => purl));
    // Development packages are no part of it.
    expect(names.filter(name => /biome|vitest|esbuild|typescript|^node$/.test(name))).toEqual([]);
  });

  it('goes along with its terms, a text for each', () => {
    const { components }: { components: Component[] } = JSON.parse(text('sbom.cdx.json'));
    const notices = text('THIRD-PARTY-NOTICES.txt')
      .split(/\n─+\n/)
      .slice(1);
    expect(notices.length).toBe(components.length);
    for (const [i, notice] of notices.entries()) {
      const { group, name, version } = components[i] as Component;
      expect(notice.trim()).toMatch(new RegExp(`^${group ? `${group}/` : ''}${name} ${version} `));
      expect(notice, name).toMatch(/copyright|Licensed under|Permission is hereby granted/i);
      expect(notice.length, name).toBeGreaterThan(400);
    }
  });
});

const fixture = (path: string) => readFileSync(join(ROOT, 'test/fixtures', path), 'utf8');
const written = (format: string) => Buffer.from(JSON.parse(fixture(`inputs/${format}.json`)).bodies[0], 'hex');

/** What is read by libraries that are loaded where the first of its kind comes: a text, Protobuf, Avro, MessagePack. */
const OTHERS: readonly { readonly id: string | number; readonly event: EventData }[] = [
  { id: 't', event: { body: { request_id: 't', model: 'mood', features: { text: 'Good bread' } } } },
  { id: 'é1', event: { body: written('protobuf'), properties: { model: 'protobuf' } } },
  { id: 'é1', event: { body: written('avro'), properties: { model: 'avro' } } },
  {
    id: 'p1',
    event: { body: written('msgpack'), contentType: 'application/msgpack', properties: { model: 'protobuf' } },
  },
];

/** The models that these are for. */
function layOtherModels(): string {
  const folder = join(target, 'others');
  const models = join(ROOT, 'test/fixtures/models');
  cpSync(join(models, 'mood'), join(folder, 'mood'), { recursive: true });
  const inputs = {
    protobuf: { format: 'protobuf', schema: fixture('inputs/row.proto'), message: 'example.Row' },
    avro: { format: 'avro', schema: JSON.parse(fixture('inputs/avro.json')).schema },
  };
  for (const [name, input] of Object.entries(inputs)) {
    const to = join(folder, name, '1.0.0');
    mkdirSync(to, { recursive: true });
    cpSync(join(models, 'targets/1.0.0/model.onnx'), join(to, 'model.onnx'));
    const features = [{ name: 'a' }, { name: 'b', missing: { fill: 0 } }];
    writeFileSync(join(to, 'model.json'), JSON.stringify({ features, input }));
  }
  return folder;
}

describe('the package, unpacked, on the Node of Azure Functions', () => {
  let hubs: EventHubs;
  let storage: Storage;

  beforeAll(async () => {
    [hubs, storage] = await Promise.all([startEventHubs(), startStorage()]);
    const container = BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient('models');
    await container.createIfNotExists();
    const never = { waitsMs: [], wait: async () => {}, say: () => {} };
    await uploadModels({ container, folder: join(ROOT, 'samples/models'), ...never });
    await uploadModels({ container, folder: layOtherModels(), ...never });
  });
  afterAll(async () => {
    await Promise.all([hubs?.stop(), storage?.stop()]);
  });

  // In worker processes too: their files are found by their place in the package.
  it.each([
    ['in-line', '100000', 1],
    ['in worker processes', '0', 2],
    ['in a process apart, since one died', '100000', 3],
  ])(
    'scores a batch of every sample model, %s',
    async (where, inlineMaxMs, round) => {
      const apart = where.includes('apart');
      if (apart) leaveMark(join(target, 'models', 'marks'));
      const host = await startHost({
        appDir: unpacked,
        node: node22(),
        env: {
          PATH: '',
          NODE_PATH: '',
          EventHubs: hubs.connectionString,
          AzureWebJobsStorage: storage.connectionString,
          ModelStorage: storage.connectionString,
          MODEL_CACHE_DIR: join(target, 'models'),
          INLINE_MAX_MS: inlineMaxMs,
        },
      });
      try {
        const requests = ['diabetes', 'churn', 'sentiment', 'topic']
          .flatMap(model =>
            readFileSync(join(ROOT, `samples/requests/${model}.jsonl`), 'utf8')
              .trim()
              .split('\n'),
          )
          .map(line => ({ ...(JSON.parse(line) as { request_id: string }), round }));
        const ids = [...requests.map(({ request_id }) => request_id), ...OTHERS.map(({ id }) => id)];
        await send([...requests.map(body => ({ body })), ...OTHERS.map(({ event }) => event)]);
        const results = (await readResults(ids.length * round, host)).slice(-ids.length);
        expect(results.map(({ request_id }) => request_id)).toEqual(ids);
        expect(results.filter(({ prediction }) => prediction === undefined)).toEqual([]);
        const metrics = await (await fetch(`${host.url}/metrics`)).text();
        expect(metrics.includes(`hubscore_apart_scored_total ${ids.length}\n`), host.log()).toBe(apart);
        // The live page finds its files, and its data the sweep's.
        const [script] = /live\/assets\/\w+\/main\.js/.exec(await (await fetch(`${host.url}/live`)).text()) ?? [];
        expect((await fetch(`${host.url}/${script}`)).headers.get('content-type')).toContain('text/javascript');
        expect((await fetch(`${host.url}/live/data`)).status, host.log()).toBe(200);
      } finally {
        await host.stop();
      }
    },
    120_000,
  );

  it('has the applicationinsights package in it, loaded once there is an answer', async () => {
    const ingestion = await startIngestion();
    const host = await startHost({
      appDir: unpacked,
      node: node22(),
      env: {
        PATH: '',
        NODE_PATH: '',
        EventHubs: hubs.connectionString,
        AzureWebJobsStorage: storage.connectionString,
        ModelStorage: storage.connectionString,
        MODEL_CACHE_DIR: join(target, 'models'),
        MODEL_REFRESH_SECONDS: '1',
        ...ingestion.environment,
      },
    });
    try {
      await fetch(`${host.url}/v2`);
      const typesSent = () => new Set(ingestion.items.map(({ data }) => data.baseType));
      await expect.poll(() => ingestion.livePaths.length, { timeout: 40_000 }).toBeGreaterThan(0);
      await expect.poll(typesSent, { timeout: 40_000 }).toContain('RemoteDependencyData');
    } finally {
      await host.stop();
      await ingestion.stop();
    }
    expect(ingestion.items.map(({ data }) => data.baseData.metrics?.[0]?.name)).toContain(
      'hubscore_http_requests_total',
    );
  }, 120_000);

  /** As a process leaves it that was killed at a request by HTTP. */
  function leaveMark(folder: string): void {
    const [app = ''] = readdirSync(folder);
    const died = textOf({ ...thisProcess(), pid: 2 ** 22 + 1 });
    writeFileSync(join(folder, app, `${died}-x.marks`), 'http');
  }

  async function send(events: EventData[]): Promise<void> {
    const producer = new EventHubProducerClient(hubs.connectionString, 'inference-requests');
    await producer.sendBatch(events, { partitionKey: 'package' });
    await producer.close();
  }

  interface Result {
    readonly request_id: string | number;
    readonly prediction: unknown;
  }

  /** All results there are, once there are so many; they lie in one partition. */
  async function readResults(count: number, host: FunctionsHost): Promise<Result[]> {
    const consumer = new EventHubConsumerClient('monitor', hubs.connectionString, 'inference-requests-results');
    const results: Result[] = [];
    await new Promise<void>((done, fail) => {
      const timer = setTimeout(() => fail(new Error(`${results.length} of ${count} results:\n${host.log()}`)), 90_000);
      consumer.subscribe(
        {
          processEvents: async events => {
            results.push(...events.map(({ body }) => body));
            if (results.length < count) return;
            clearTimeout(timer);
            done();
          },
          processError: async error => fail(error),
        },
        { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1 },
      );
    });
    await consumer.close();
    return results;
  }
});
