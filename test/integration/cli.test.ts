import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { EventHubConsumerClient, EventHubProducerClient, type ReceivedEventData } from '@azure/event-hubs';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PARTITIONS = ['0', '1', '2', '3'];
let hubs: EventHubs;
let storage: Storage;
const folder = mkdtempSync(join(tmpdir(), 'hubscore-cli-'));

beforeAll(async () => {
  [hubs, storage] = await Promise.all([startEventHubs(), startStorage()]);
});
afterAll(async () => {
  await Promise.all([hubs?.stop(), storage?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface Started {
  readonly ended: Promise<Outcome>;
  out(): string;
  stop(): void;
}

/** Runs a command line in this process, as `npx hubscore` would, against the stack of this test. */
function start(args: readonly string[], stdin: Readable = Readable.from([]), environment = {}): Started {
  const text = (stream: PassThrough) => {
    let all = '';
    stream.setEncoding('utf8').on('data', chunk => {
      all += chunk;
    });
    return () => all;
  };
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const [out, err] = [text(stdout), text(stderr)];
  const stop = new AbortController();
  const settings = { EventHubs: hubs.connectionString, ModelStorage: storage.connectionString, ...environment };
  const ended = run(args, { stdin, stdout, stderr, environment: settings, folder, signal: stop.signal });
  return { ended: ended.then(code => ({ code, out: out(), err: err() })), out, stop: () => stop.abort() };
}

const hubscore = (args: readonly string[], stdin?: Readable, environment?: object) =>
  start(args, stdin, environment).ended;

/** All there is in a hub's partition, once it holds `count`. */
async function eventsOf(hub: string, partition: string, count: number): Promise<ReceivedEventData[]> {
  const consumer = new EventHubConsumerClient('$Default', hubs.connectionString, hub);
  const found: ReceivedEventData[] = [];
  try {
    await new Promise<void>((done, fail) => {
      consumer.subscribe(
        partition,
        {
          processEvents: async events => {
            found.push(...events);
            if (found.length >= count) done();
          },
          processError: async error => fail(error),
        },
        { startPosition: { offset: '-1' }, maxWaitTimeInSeconds: 1 },
      );
    });
  } finally {
    await consumer.close();
  }
  return found;
}

/** Each version is tried in a process of its own, which a busy machine takes seconds to start. */
const TRIALS = { timeout: 180_000 };

describe('hubscore send', () => {
  it('spreads requests without a key and says where they went; names bad lines', async () => {
    const lines = Array.from({ length: 40 }, (_, i) => JSON.stringify({ request_id: i, features: [i] }));
    lines.splice(5, 0, '{"features": oops}');
    lines.push('', '7');
    writeFileSync(join(folder, 'requests.jsonl'), lines.join('\n'));
    const { code, out, err } = await hubscore(['send', 'requests.jsonl', '--model', 'churn', '-p', 'team=sales']);
    expect(out).toBe(
      'sent 40 events to inference-requests: 10 to partition 0, 10 to partition 1, 10 to partition 2, 10 to partition 3; ' +
        '2 bad lines were not sent\n',
    );
    expect(err).toMatch(
      /^line 6 not sent: the line is not JSON \(position 13\); expected one request a line.*\nline 43 not sent: 7 is no request/,
    );
    expect(code).toBe(1);
    const events = (await Promise.all(PARTITIONS.map(id => eventsOf('inference-requests', id, 10)))).flat();
    expect(events.map(event => event.body.request_id).sort((a, b) => a - b)).toEqual(
      lines.slice(0, 40).map((_, i) => i),
    );
    expect(events[0]).toMatchObject({ properties: { team: 'sales' }, contentType: 'application/json' });
    expect(events[0]?.body.model).toBe('churn');
  });

  it('keeps the order of a key and puts it where the service would', async () => {
    const text = Array.from({ length: 300 }, (_, i) => `{"features":${i},"customer":"c${i % 9}"}\n`).join('');
    const before = new Map(await Promise.all(PARTITIONS.map(async id => [id, (await counted(id)) ?? 0] as const)));
    const { code, out } = await hubscore(['send', '-', '--key', 'customer'], Readable.from([text]));
    expect(code).toBe(0);
    const order = new Map<string, number[]>();
    for (const id of PARTITIONS) {
      const said = Number(new RegExp(`(\\d+) to partition ${id}`).exec(out)?.[1] ?? 0);
      expect((await counted(id)) - (before.get(id) ?? 0)).toBe(said);
      if (said === 0) continue;
      const all = await eventsOf('inference-requests', id, (before.get(id) ?? 0) + said);
      for (const event of all.filter(({ partitionKey }) => partitionKey)) {
        expect(event.partitionKey).toBe(event.body.customer);
        order.set(event.body.customer, [...(order.get(event.body.customer) ?? []), event.body.features]);
      }
    }
    expect(order.size).toBe(9);
    for (const seen of order.values()) expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  it('packs the requests of a key, in their order', async () => {
    const text = Array.from({ length: 500 }, (_, i) => `{"request_id":${i},"features":[${i}],"model":"p${i % 2}"}\n`);
    const sorted = [...text.filter((_, i) => i % 2 === 0), ...text.filter((_, i) => i % 2 === 1)].join('');
    const { code, out } = await hubscore(['send', '-', '--key', '=packed', '--pack', '100'], Readable.from([sorted]));
    expect(code).toBe(0);
    const [, partition = ''] = /^sent 500 requests in 6 events to .*: 6 to partition (\d)\n$/.exec(out) ?? [];
    const all = await eventsOf('inference-requests', partition, await counted(partition));
    const packs = all.filter(({ partitionKey }) => partitionKey === 'packed').map(({ body }) => body);
    expect(packs.map(({ ids }) => ids.length)).toEqual([100, 100, 50, 100, 100, 50]);
    expect(packs.flatMap(({ features }) => features.flat())).toEqual(packs.flatMap(({ ids }) => ids));
    expect(packs[0].ids.slice(0, 3)).toEqual([0, 2, 4]);
  });

  it('sends nothing that is no UTF-8, and says what to do', async () => {
    const { code, out, err } = await hubscore([
      'send',
      join(ROOT, 'test/fixtures/cases/invalid-utf8-altered/body.jsonl'),
    ]);
    expect(err).toBe(
      'line 1 not sent: not UTF-8 text; save it as UTF-8, or convert it (iconv -f WINDOWS-1252 -t UTF-8 FILE)\n',
    );
    expect(out).toMatch(/^nothing sent to .*; 1 bad line was not sent\n$/);
    expect(code).toBe(1);
  });

  it('passes lines of a slow pipe on at once', async () => {
    const pipe = new PassThrough();
    const consumer = new EventHubConsumerClient('$Default', hubs.connectionString, 'inference-requests');
    const seen = new Promise<void>(done => {
      consumer.subscribe(
        {
          processEvents: async events => {
            if (events.some(event => event.body.request_id === 'first')) done();
          },
          processError: async () => {},
        },
        { startPosition: { offset: '-1' }, maxWaitTimeInSeconds: 1 },
      );
    });
    const sending = start(['send', '-'], pipe);
    pipe.write('{"request_id":"first","features":1}\n');
    await seen; // while the pipe is open
    await consumer.close();
    pipe.end('{"request_id":"last","features":2}');
    expect((await sending.ended).out).toMatch(/^sent 2 events/);
  });

  it('says what to try where nothing listens, no file is there, or an argument is odd', async () => {
    const refused = await hubscore(['send', '-'], Readable.from(['{"features":1}']), {
      EventHubs: undefined,
      EVENTHUBS_PORT: '1',
    });
    expect(refused).toMatchObject({ code: 1, err: expect.stringMatching(/ECONNREFUSED.*\nIs `npm start` running/) });
    expect((await hubscore(['send', 'nowhere.jsonl'])).err).toMatch(/ENOENT.*\nLook at the path/);
    expect((await hubscore(['send', 'x', '--rate', 'fast'])).err).toContain('a number above 0 is needed');
    expect(await hubscore(['snd'])).toMatchObject({ code: 1, err: expect.stringContaining('Did you mean send?') });
  });

  async function counted(partition: string): Promise<number> {
    const consumer = new EventHubConsumerClient('$Default', hubs.connectionString, 'inference-requests');
    const { isEmpty, lastEnqueuedSequenceNumber } = await consumer.getPartitionProperties(partition);
    await consumer.close();
    return isEmpty ? 0 : lastEnqueuedSequenceNumber + 1;
  }
});

describe('hubscore tail', () => {
  const result = (id: string) => ({
    request_id: id,
    result_id: `r/0/${id}`,
    model: 'churn',
    prediction: 'No',
    latency_ms: 2,
  });
  const letter = {
    request_id: 'bad',
    result_id: 'r/1/9',
    model: 'churn',
    error: { code: 'schema_mismatch', message: 'no tenure' },
  };
  const put = async (hub: string, partitionId: string, bodies: object[]) => {
    const producer = new EventHubProducerClient(hubs.connectionString, hub);
    await producer.sendBatch(
      bodies.map(body => ({ body: Buffer.from(JSON.stringify(body)) })),
      { partitionId },
    );
    await producer.close();
  };

  it('reads what is there once, each result_id once, and ends', async () => {
    expect(await hubscore(['tail', '--once'])).toMatchObject({
      code: 0,
      out: '',
      err: expect.stringMatching(/nothing there/),
    });
    await put('inference-requests-results', '0', [result('1'), result('2'), result('1')]);
    await put('inference-requests-results', '3', [result('3')]);
    await put('inference-dead-letter', '1', [letter]);
    const { out, err, code } = await hubscore(['tail', '--once', '--json']);
    expect(code).toBe(0);
    expect(err).toBe('1 repeated ending was left out\n');
    const ids = out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line).request_id);
    expect(ids.sort()).toEqual(['1', '2', '3', 'bad']);
    const words = (await hubscore(['tail', '--once', '--dead-letters'])).out;
    expect(words).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}bad {2}churn → schema_mismatch: no tenure {2}partition 1\n$/);
    expect((await hubscore(['tail', '--once', '--from', '2999-01-01'])).out).toBe('');
    expect((await hubscore(['tail', '--once', '--model', 'topic'])).out).toBe('');
    expect((await hubscore(['tail', '--once', '--model', 'churn'])).out.split('\n')).toHaveLength(5);
    expect((await hubscore(['tail', '--from', 'soon'])).err).toContain('an age such as 10m, is needed');
  });

  it('shows ids and numbers as they were written, and nothing that a terminal would obey', async () => {
    const id = '12345678901234567890123';
    const evil = '\\u001b[2J\u009b31m\u202e';
    const producer = new EventHubProducerClient(hubs.connectionString, 'inference-dead-letter');
    const head = `{"request_id":${id},"result_id":"inference-requests/3/77","model":"${evil}",`;
    const body = `${head}"error":{"code":"model_unavailable","message":"${evil}"},"attempts":1,"source":{},"body":"{}"}`;
    await producer.sendBatch([{ body: Buffer.from(body) }], { partitionId: '3' });
    await producer.close();
    const json = (await hubscore(['tail', '--once', '--json', '--dead-letters'])).out.split('\n');
    const line = json.find(each => each.includes(id)) ?? '';
    expect(line.startsWith(`{"request_id":${id},"result_id":`)).toBe(true);
    expect(JSON.parse(line)).toEqual(JSON.parse(body));
    const told = [
      line,
      (await hubscore(['tail', '--once', '--dead-letters'])).out,
      (await hubscore(['replay', '--dry-run'])).out,
      (await hubscore(['replay', '--dry-run', '--request-id', id])).out,
      (await hubscore(['models', 'show', '\u001b[2J\u009b'])).err,
      (await hubscore(['\u001b[2J\u009b'])).err,
    ];
    for (const text of told) expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
    for (const text of told.slice(0, 4)) expect(text).toContain(id);
    expect(told[3]).toContain('would send 1 request back');
    const unknown = await hubscore(['replay', '--request-id', '12345678901234567890124']);
    expect(unknown).toMatchObject({
      code: 2,
      err: expect.stringContaining('no dead letter in inference-dead-letter has'),
    });
    expect((await hubscore(['replay', '--code', 'unknown_modl'])).err).toContain('did you mean unknown_model?');
    expect((await hubscore(['replay', '--code', 'unexpected'])).out).toMatch(/did not match \(.*model_unavailable 1/);
  });

  it('follows what comes until it is stopped', async () => {
    const tail = start(['tail']);
    // what counts is what comes after it reads; until then this repeats itself
    for (let i = 0; !/churn → No/.test(tail.out()); i++) {
      await put('inference-requests-results', '2', [result(`new-${i}`)]);
      await sleep(100);
    }
    tail.stop();
    const { code, out } = await tail.ended;
    expect(code).toBe(0);
    expect(out).toMatch(/new-\d+ {2}churn → No {2}2\.0 ms {2}partition 2/);
    expect(out).not.toContain('bad');
  });
});

describe('hubscore verify and replay', () => {
  it('names requests without an ending, and fails', async () => {
    await hubscore(['send', '-', '--key', '=one'], Readable.from(['{"features":1}\n[{"features":1},{"features":2}]']));
    const { code, out } = await hubscore(['verify', '--list', '3']);
    expect(code).toBe(1);
    expect(out).toMatch(/missing: (inference-requests\/\d\/\d+(\/\d)?, ){2}.* and [\d,]+ more\nnot sound\n$/);
    const rows = (await hubscore(['verify', '--json'])).out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    expect(rows.map(row => row.partition)).toEqual(PARTITIONS);
    const sum = (name: string) => rows.reduce((total, row) => total + row[name], 0);
    expect(sum('requests')).toBe(sum('events') + 1);
    expect((await hubscore(['verify', '--to', '2000-01-01'])).code).toBe(0);
  });

  it('says what would be sent back, then sends it', async () => {
    const letter = {
      request_id: 'later',
      result_id: 'inference-requests/0/0',
      model: 'churn',
      error: { code: 'model_unavailable', message: 'storage was away', stage: 'route' },
      attempts: 1,
      source: { hub: 'inference-requests', partition: '0', sequence_number: 0, partition_key: 'k', properties: {} },
      body: '{"request_id":"later","features":[5]}',
      body_encoding: 'utf-8',
    };
    const producer = new EventHubProducerClient(hubs.connectionString, 'inference-dead-letter');
    await producer.sendBatch([{ body: letter }], { partitionId: '2' });
    await producer.close();
    const dry = await hubscore(['replay', '--dry-run', '--model', 'churn']);
    expect(dry.out).toContain('later  churn model_unavailable: storage was away  1 attempt\nwould send 1 request back');
    expect((await hubscore(['replay', '--code', 'schema_mismatch', '--model', 'nobody'])).out).toContain(
      'sent 0 requests',
    );
    expect((await hubscore(['replay', '--request-id', 'later'])).out).toContain(
      'sent 1 request back to inference-requests;',
    );
    expect((await hubscore(['replay', '--from', '1h', '--to', '30m'])).out).toContain('sent 0 requests');
  });
});

describe('hubscore models', () => {
  const samples = (path: string) => join(ROOT, 'samples/models', path);

  it('pushes what serves, refuses what does not, and lists what is there', async () => {
    expect((await hubscore(['models', 'list'])).out).toContain('no models yet');
    const first = await hubscore(['models', 'push', samples('diabetes/1.0.0')]);
    expect(first.out).toMatch(/^diabetes 1\.0\.0\+84703ea8\n/);
    expect(first.out).toContain('10 features (10 numbers): age, sex, bmi');
    expect(first.out).toMatch(/pushed to models\/diabetes\/1\.0\.0\nit is production now/);
    expect((await hubscore(['models', 'push', samples('diabetes/1.0.0')])).out).toContain('the same file');

    writeFileSync(join(folder, 'page.onnx'), '<html>404</html>');
    const refused = await hubscore(['models', 'push', 'page.onnx', '--name', 'page', '--version', '1.0.0']);
    expect(refused).toMatchObject({
      code: 2,
      err: expect.stringMatching(/page\.onnx: not an ONNX file.*\nIt was not pushed\.\n/),
    });
    const other = ['models', 'push', samples('churn/1.0.0/model.onnx'), '--name', 'diabetes', '--version', '1.0.0'];
    expect(await hubscore(other)).toMatchObject({ code: 2, err: expect.stringContaining('versions are immutable') });
    expect((await hubscore(['models', 'push', 'page.onnx'])).err).toContain('Add --name and --version');

    const pinned = await hubscore(['models', 'push', samples('diabetes/1.0.0'), '--alias', 'production']);
    expect(pinned.code).toBe(0);
    expect((await hubscore(['models', 'push', samples('diabetes/1.1.0')])).out).toContain('production stays 1.0.0');
    expect((await hubscore(['models', 'list'])).out).toBe('diabetes  1.1.0  1.0.0 (production)\n');
  });

  it('shows a version by number, alias or as production', async () => {
    expect((await hubscore(['models', 'show', 'diabetes'])).out).toMatch(/^diabetes 1\.0\.0\+84703ea8 {2}production\n/);
    expect((await hubscore(['models', 'show', 'diabetes', 'v1'])).out).toMatch(/^diabetes 1\.1\.0\+84703ea8\n/);
    const card = JSON.parse((await hubscore(['models', 'show', 'diabetes', '1.1.0', '--json'])).out);
    expect(card).toMatchObject({ name: 'diabetes', version: '1.1.0', fallback: { version: '1.0.0' } });
    expect((await hubscore(['models', 'show', 'diabetes', '7'])).err).toMatch(/has no version 7\nIt has /);
    expect((await hubscore(['models', 'show', 'churn'])).err).toMatch(/no model churn\nThere are diabetes\./);
  });

  it('tries an event that was sent by the mapping of a model in storage, and refuses a mapping that cannot compile', async () => {
    const card = (input: object) => writeFileSync(join(folder, 'mapped.json'), JSON.stringify({ ...own, input }));
    const { name: _, ...own } = JSON.parse(readFileSync(samples('diabetes/1.0.0/model.json'), 'utf8'));
    const push = [
      'models',
      'push',
      samples('diabetes/1.0.0/model.onnx'),
      '-c',
      'mapped.json',
      '-n',
      'mapped',
      '-v',
      '1.0.0',
    ];
    card({ row: '$..properties' });
    expect((await hubscore(push)).err).toContain('input.row: "$..properties": position 2: expected a name');
    card({ preset: 'azure-monitor', request_id: '$.resourceId' });
    expect((await hubscore(push)).code).toBe(0);
    const shown = await hubscore(['models', 'show', 'mapped', '--input']);
    expect(JSON.parse(shown.out)).toEqual({
      records: '$.records[*]',
      row: '$.properties',
      request_id: '$.resourceId',
    });

    const names = (own.features as { name: string }[]).map(({ name }) => name);
    const properties = Object.fromEntries(names.map(name => [name, 1]));
    const producer = new EventHubProducerClient(hubs.connectionString, 'inference-requests');
    const body = { records: [{ resourceId: 'here', properties }] };
    await producer.sendBatch([{ body }], { partitionId: '3' });
    const { lastEnqueuedSequenceNumber } = await producer.getPartitionProperties('3');
    await producer.close();
    const id = `inference-requests/3/${lastEnqueuedSequenceNumber}`;
    const tried = await hubscore(['models', 'try', 'mapped', id, '--json']);
    expect(tried.err).toBe('');
    expect(JSON.parse(tried.out).records).toMatchObject([
      { request_id: 'here', features: properties, result: { model: 'mapped' } },
    ]);
    expect((await hubscore(['models', 'try', 'mapped', 'inference-requests/3/99999'])).err).toContain('is not there');
  });

  it('pushes the weights beside a model with it, and shows it with them', async () => {
    const exported = join(ROOT, 'test/fixtures/cases/external-data-pushed-without-it/model.onnx');
    const pushed = await hubscore(['models', 'push', exported, '--name', 'ext', '--version', '1.0.0']);
    expect(pushed.out).toMatch(/pushed to models\/ext\/1\.0\.0\nit is production now/);
    expect((await hubscore(['models', 'push', exported, '--name', 'ext', '--version', '1.0.0'])).out).toContain(
      'the same file',
    );
    expect((await hubscore(['models', 'show', 'ext'])).out).toMatch(/^ext 1\.0\.0\+[0-9a-f]{8} {2}production\n/);
    copyFileSync(exported, join(folder, 'alone.onnx'));
    const refused = await hubscore(['models', 'push', 'alone.onnx', '--name', 'ext', '--version', '1.0.1']);
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('its weights are in ext.onnx.data') });
  });
});

describe('a card with a slip in it', () => {
  it('is not pushed, and says what was likely meant', async () => {
    const card = { outputs: { threshhold: 0.4 }, featuers: [], owner: 'risk' };
    writeFileSync(join(folder, 'slip.json'), JSON.stringify(card));
    const model = join(ROOT, 'samples/models/churn/1.0.0/model.onnx');
    const args = ['models', 'push', model, '--card', 'slip.json', '--name', 'slip', '--version', '1.0.0'];
    const { code, err } = await hubscore(args);
    expect(code).toBe(2);
    expect(err).toContain('unknown field outputs.threshhold; did you mean threshold?');
    expect(err).toContain('unknown field featuers; did you mean features?');
    expect(err).not.toContain('owner');
    expect((await hubscore(['models', 'show', 'slip'])).err).toContain('there is no model slip');
  });
});

describe('aliases by hubscore models', () => {
  const progression = join(ROOT, 'samples/models/diabetes/1.0.0/model.onnx');
  const push = (version: string, ...more: string[]) =>
    hubscore(['models', 'push', progression, '--name', 'staged', '--version', version, ...more]);
  const container = () => BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient('models');
  const deployment = async (name: string) =>
    JSON.parse((await container().getBlobClient(`${name}/deployment.json`).downloadToBuffer()).toString()).aliases;
  const put = (path: string, text: string) =>
    container().getBlockBlobClient(path).upload(text, Buffer.byteLength(text));

  it('leave production where it was, and say what changes and when', async () => {
    expect((await push('1.0.0')).out).toContain('changes   production: nothing → 1.0.0, within 30 s\n');
    const dry = await push('1.1.0', '--dry-run', '--alias', 'staging');
    expect(dry.out).toMatch(
      /changes {3}production stays 1\.0\.0, and is named so now\n {2}changes {3}staging: nothing → 1\.1\.0, within 30 s\nnot pushed/,
    );
    const staged = await push('1.1.0', '--alias', 'staging');
    expect(staged.out).toContain('production stays 1.0.0; ask for this one');
    expect(await deployment('staged')).toEqual({ production: '1.0.0', staging: '1.1.0' });
    const live = await push('1.2.0', '--alias', 'production', '--json');
    expect(JSON.parse(live.out)).toMatchObject({
      name: 'staged',
      version: '1.2.0',
      pushed: true,
      production: { before: '1.0.0', after: '1.2.0' },
      aliases: { after: { production: '1.2.0', previous: '1.0.0', staging: '1.1.0' } },
      within_seconds: 30,
    });
    expect(live.err).toContain('changes   production: 1.0.0 → 1.2.0, within 30 s\n');
    await push('1.0.0', '--name', 'held');
    expect((await push('2.0.0', '--name', 'held', '--candidate')).out).toContain('production stays 1.0.0;');
    expect(await deployment('held')).toEqual({ production: '1.0.0' });
  });

  it('are not known to a dry run while storage is away, which looks at the model all the same', async () => {
    const away = { ModelStorage: undefined, STORAGE_PORT: '1' };
    const args = ['models', 'push', progression, '--name', 'staged', '--version', '1.9.0', '--dry-run'];
    const { code, out } = await hubscore(args, undefined, away);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^staged 1\.9\.0\+.*changes {3}nobody knows: listing models: .*ECONNREFUSED.*\nnot pushed \(--dry-run\)\n$/s,
    );
    expect(await hubscore(args.slice(0, -1), undefined, away)).toMatchObject({ code: 1 });
  });

  it('move and go back, and are refused with exit status 2', async () => {
    const moved = await hubscore(['models', 'alias', 'staged', 'Production', 'v1.1', '--json']);
    expect(JSON.parse(moved.out)).toEqual({
      name: 'staged',
      production: { before: '1.2.0', after: '1.1.0' },
      aliases: {
        before: { production: '1.2.0', previous: '1.0.0', staging: '1.1.0' },
        after: { production: '1.1.0', previous: '1.2.0', staging: '1.1.0' },
      },
      within_seconds: 30,
    });
    expect(await hubscore(['models', 'rollback', 'staged'])).toEqual({
      code: 0,
      out: 'staged: production: 1.1.0 → 1.2.0, within 30 s\nstaged: previous: 1.2.0 → nothing, within 30 s\n',
      err: '',
    });
    const refused = [
      [['rollback', 'staged'], 'names no previous version'],
      [['rollback', 'nobody'], 'there is no model nobody'],
      [['alias', 'staged', 'blue', '7.0.0'], 'staged has no version 7.0.0\nIt has 1.2.0, 1.1.0, 1.0.0.'],
      [['alias', 'staged', 'v2', '1.0.0'], 'alias v2: expected a name'],
    ] as const;
    for (const [args, words] of refused) {
      expect(await hubscore(['models', ...args])).toMatchObject({
        code: 2,
        out: '',
        err: expect.stringContaining(words),
      });
    }
  });

  it('and versions fit the width of the terminal', TRIALS, async () => {
    for (let i = 0; i < 12; i++) await push(`0.${i}.0`, '--name', 'many');
    const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 60 });
    const [stdin, stderr, signal] = [Readable.from([]), new PassThrough(), AbortSignal.timeout(20_000)];
    const environment = { EventHubs: hubs.connectionString, ModelStorage: storage.connectionString, NO_COLOR: '1' };
    await run(['models', 'list'], { stdin, stdout, stderr, environment, folder, signal });
    const lines = stripVTControlCharacters(String(stdout.read())).split('\n');
    expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(60);
    expect(lines.filter(line => /0\.\d+\.0/.test(line)).length).toBeGreaterThan(1);
  });

  it('keep versions from being deleted; one that nothing names can be', async () => {
    const remove = (...args: string[]) => hubscore(['models', 'delete', 'staged', ...args]);
    expect(await remove('1.2.0')).toMatchObject({
      code: 2,
      err: expect.stringContaining('production is this version'),
    });
    expect((await remove('1.1.0')).err).toContain('in use: staging is this version');
    expect((await remove('1')).err).toContain('has no version 1');
    await put('staged/1.3.0/model.json', '{"fallback":{"version":"1.0.0"}}');
    await put('staged/1.3.0/model.onnx', 'x');
    expect((await remove('1.0.0')).err).toContain('1.3.0 falls back on it');
    expect((await remove('1.3.0')).out).toBe('deleted staged 1.3.0: model.onnx, model.json\n');
    expect(JSON.parse((await remove('1.0.0', '--json')).out)).toEqual({
      name: 'staged',
      version: '1.0.0',
      deleted: ['model.onnx', 'model.json'],
    });
    expect((await hubscore(['models', 'list'])).out).toMatch(/staged +1\.2\.0 \(production\) {2}1\.1\.0 \(staging\)\n/);
  });

  it('name what is pulled, as it can be pushed again', async () => {
    const pulled = await hubscore(['models', 'pull', 'staged', 'staging', '--to', 'pulled', '--json']);
    const { files } = JSON.parse(pulled.out);
    expect(JSON.parse(pulled.out)).toMatchObject({ version: '1.1.0', folder: join(folder, 'pulled/staged/1.1.0') });
    expect(files.map(({ file }: { file: string }) => file)).toEqual(['model.json', 'model.onnx']);
    expect(readFileSync(join(folder, 'pulled/staged/1.1.0/model.onnx')).equals(readFileSync(progression))).toBe(true);
    expect((await hubscore(['models', 'push', 'pulled/staged/1.1.0'])).out).toContain('the same file');
    expect((await hubscore(['models', 'pull', 'staged', '1.1.0', '--to', 'pulled'])).code).toBe(0);
    writeFileSync(join(folder, 'pulled/staged/1.1.0/model.onnx'), 'mine');
    const again = await hubscore(['models', 'pull', 'staged', '1.1.0', '--to', 'pulled']);
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining('is there already, with other content') });
    expect(readFileSync(join(folder, 'pulled/staged/1.1.0/model.onnx'), 'utf8')).toBe('mine');
  });

  it(
    'are listed though one file cannot be read, and a version that does not load is not production',
    TRIALS,
    async () => {
      await push('1.0.0', '--name', 'garbled');
      await put('garbled/deployment.json', '{"aliases": oops');
      await push('1.0.0', '--name', 'broken');
      await put('broken/2.0.0/model.onnx', '<html>404</html>');
      await push('1.0.0', '--name', 'pointed');
      await put('pointed/deployment.json', '{"aliases":{"production":"9.0.0"}}');
      const { code, out, err } = await hubscore(['models', 'list']);
      expect(code).toBe(0);
      expect(out).toMatch(/^garbled +1\.0\.0$/m); // nobody is answered before the file is mended
      expect(out).toMatch(/^broken +2\.0\.0 {2}1\.0\.0 \(production\)$/m);
      expect(out).toMatch(/^pointed +1\.0\.0 \(production\)$/m);
      expect(err).toMatch(/garbled\/deployment\.json: not JSON.*; which version is production is not known\n/);
      expect(err).toMatch(/broken: .*broken\/2\.0\.0\/model\.onnx: not an ONNX file.*; 1\.0\.0 answers instead\n/);
      expect(err).toContain('pointed: pointed 9.0.0 is not there; 1.0.0 answers instead\n');
      const rows = (await hubscore(['models', 'list', '--json'])).out
        .trim()
        .split('\n')
        .map(line => JSON.parse(line));
      expect(rows.find(row => row.name === 'broken')).toMatchObject({
        production: '1.0.0',
        broken: expect.any(String),
      });
      expect((await hubscore(['models', 'list', '--no-load'])).out).toMatch(/^broken +2\.0\.0 \(production\)/m);
      const refused = await push('1.1.0', '--name', 'garbled', '--alias', 'staging');
      expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('mend that file first') });
      expect((await hubscore(['models', 'list'])).out).toMatch(/^garbled +1\.0\.0$/m);
    },
  );

  it('are shown with paths of storage, not of a temporary folder, which is where LOCAL_DATA_DIR says', async () => {
    const { err } = await hubscore(['models', 'show', 'broken', '2.0.0'], undefined, {
      LOCAL_DATA_DIR: join(folder, 'data'),
    });
    expect(err).toMatch(/^error: broken\/2\.0\.0\/model\.onnx: not an ONNX file/);
    expect(err).not.toContain(tmpdir());
    expect(readdirSync(join(folder, 'data/tmp'))).toEqual([]);
  });
});
