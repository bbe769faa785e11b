import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { EventHubProducerClient, type ReceivedEventData } from '@azure/event-hubs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { consumerClient } from '../../src/azure/event-hubs.ts';
import { createSdkReader } from '../../src/hubs/sdk-reader.ts';
import { type ReplayedLetter, type ReplayOptions, replay } from '../../src/ledger/replay.ts';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { DEAD_LETTERS, REQUESTS, readAll } from '../support/scoring.ts';

let hubs: EventHubs;
beforeAll(async () => {
  hubs = await startEventHubs();
});
afterAll(() => hubs.stop());
/** Requests of the tests before. */
let before: Set<string>;
let model: string;
beforeEach(async () => {
  before = new Set((await requests()).map(keyOf));
  model = randomUUID(); // tells this test's dead letters from those of others
});

const keyOf = (event: ReceivedEventData) => `${event.partitionKey} ${event.sequenceNumber} ${event.body}`;
async function requests(): Promise<ReceivedEventData[]> {
  const read = await Promise.all(
    ['0', '1', '2', '3'].map(partition => readAll(hubs.connectionString, REQUESTS, partition)),
  );
  return read.flat();
}
const replayed = async () => (await requests()).filter(event => !before.has(keyOf(event)));

function letter(id: string, change: Record<string, unknown> = {}, source: Record<string, unknown> = {}) {
  return {
    request_id: id,
    result_id: `${REQUESTS}/0/${randomUUID()}`,
    model,
    error: { code: 'model_unavailable', message: 'gone', stage: 'route' },
    attempts: 1,
    source: { hub: REQUESTS, partition: '0', sequence_number: 1, partition_key: null, properties: {}, ...source },
    body: `{"request_id":"${id}","features":[1]}`,
    body_encoding: 'utf-8',
    ...change,
  };
}

async function bury(letters: readonly unknown[], partition = '0'): Promise<void> {
  const producer = new EventHubProducerClient(hubs.connectionString, DEAD_LETTERS);
  await producer.sendBatch(
    letters.map(body => ({ body })),
    { partitionId: partition },
  );
  await producer.close();
}

async function run(options: Partial<ReplayOptions> = {}) {
  const connection = { kind: 'connection-string', connectionString: hubs.connectionString } as const;
  const deadLetters = createSdkReader({
    hub: DEAD_LETTERS,
    consumerGroups: ['replay'],
    connect: group => consumerClient(connection, DEAD_LETTERS, group),
    blockSize: 100,
    idleTimeoutMs: 5_000,
  });
  const producer = new EventHubProducerClient(hubs.connectionString, REQUESTS);
  const told: ReplayedLetter[] = [];
  const report = await replay(
    {
      deadLetters,
      producer,
      maxAttempts: 3,
      dryRun: false,
      onLetter: one => void told.push(one),
      ...options,
      filter: { model, ...options.filter },
    },
    AbortSignal.timeout(20_000),
  );
  await deadLetters.close();
  await producer.close();
  return { report, told };
}

describe('replay', () => {
  it('sends requests back as they were, and counts their attempts', async () => {
    const bytes = gzipSync('{"features":[1,2]}');
    await bury([
      letter('a', { attempts: 2 }, { partition_key: 'kim', properties: { tenant: 7, model: 'churn', gone: null } }),
      letter('b', { body: bytes.toString('base64'), body_encoding: 'base64' }, { content_type: 'application/gzip' }),
      letter('c', { body: gzipSync('{"long":1}').toString('base64'), body_encoding: 'gzip+base64' }),
    ]);
    const { report } = await run();
    expect(report).toMatchObject({ matched: 3, sent: 3, left: {} });
    const sent = await replayed();
    const find = (start: string) => sent.find(event => Buffer.from(event.body).toString('latin1').startsWith(start));
    expect(find('{"request_id":"a"')).toMatchObject({
      partitionKey: 'kim',
      properties: { tenant: 7, model: 'churn', attempts: 3 },
    });
    expect(find('{"long"')).toMatchObject({ properties: { attempts: 2 } });
    const packed = find('\x1f\x8b');
    expect(packed?.contentType).toBe('application/gzip');
    expect(bytes.equals(packed?.body)).toBe(true);
    expect(sent).toHaveLength(3);
  });

  it('takes what was there when it began, not what comes of its own sends', async () => {
    await bury([letter('a')], '0');
    const client = new EventHubProducerClient(hubs.connectionString, REQUESTS);
    const producer: ReplayOptions['producer'] = {
      createBatch: options => client.createBatch(options),
      // The request fails again, and its dead letter is there before the last partition is read.
      async sendBatch(batch, options) {
        await client.sendBatch(batch, options);
        await bury([letter('a', { attempts: 2 })], '3');
      },
    };
    const { report } = await run({ producer });
    await client.close();
    expect(report).toMatchObject({ matched: 1, sent: 1 });
  });

  it('takes what the filter takes', async () => {
    await bury([
      letter('a'),
      letter('b', { error: { code: 'schema_mismatch', message: '' } }),
      letter('c', { request_id: 3 }),
    ]);
    const matched = async (filter: ReplayOptions['filter']) => (await run({ dryRun: true, filter })).report.matched;
    expect(await matched({})).toBe(3);
    expect(await matched({ codes: ['schema_mismatch', 'unexpected'] })).toBe(1);
    expect(await matched({ requestId: '3' })).toBe(1);
    expect((await run({ dryRun: true, filter: { requestId: '3' } })).report.others).toMatchObject({
      schema_mismatch: 1,
    });
    expect(await matched({ model: 'another' })).toBe(0);
    expect(await matched({ fromMs: Date.now() + 60_000 })).toBe(0);
    expect(await matched({ toMs: Date.now() - 60_000 })).toBe(0);
    expect(await replayed()).toEqual([]);
  });

  it('leaves what was tried often enough, what is not whole, and what came before; and says so', async () => {
    const twice = letter('d');
    await bury([
      letter('a', { attempts: 3 }),
      letter('b', { body_truncated: true }),
      letter('e', { body: undefined, body_left_out: 'too many' }),
      letter('c', {}, { properties_left_out: true }),
      twice,
      twice,
      'no letter',
    ]);
    const { report, told } = await run();
    expect(report).toMatchObject({
      matched: 6,
      sent: 1,
      left: { 'attempts used up': 1, 'body not kept whole': 2, 'properties not kept': 1, 'came before': 1 },
    });
    expect(report.unreadable).toBeGreaterThan(0);
    expect(told.find(one => one.requestId === 'a')).toMatchObject({
      code: 'model_unavailable',
      attempts: 3,
      left: 'attempts used up',
    });
    expect(await replayed()).toHaveLength(1);
  });

  it('knows ids that no double can be by their digits', async () => {
    const ids = ['1e309', '-1e400', '12345678901234567890123'];
    const raw = (id: string) => JSON.stringify(letter('raw')).replace('"request_id":"raw"', `"request_id":${id}`);
    const producer = new EventHubProducerClient(hubs.connectionString, DEAD_LETTERS);
    await producer.sendBatch(
      ids.map(id => ({ body: Buffer.from(raw(id)) })),
      { partitionId: '1' },
    );
    await producer.close();
    const { report, told } = await run();
    expect(report).toMatchObject({ matched: 3, sent: 3, left: {} });
    expect(told.map(({ requestId }) => requestId)).toEqual(ids);
    const { report: one } = await run({ filter: { requestId: '12345678901234567890123' } });
    expect(one).toMatchObject({ matched: 1, sent: 1 });
  });

  it('sends to another model version', async () => {
    await bury([letter('a'), letter('b', { body: '[{}]' })]);
    const { report } = await run({ modelVersion: '2.0.0' });
    expect(report).toMatchObject({ sent: 1, left: { 'not one request': 1 } });
    const [sent] = await replayed();
    expect(JSON.parse(String(sent?.body))).toEqual({ request_id: 'a', features: [1], model_version: '2.0.0' });
  });
});
