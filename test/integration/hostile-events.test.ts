import { resolve } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run } from '../../src/cli/program.ts';
import {
  counted,
  dataMessage,
  described,
  list,
  map,
  NULL,
  nestedLists,
  sendBytes,
  symbol,
  text,
} from '../support/amqp-bytes.ts';
import { appFolder } from '../support/app-folder.ts';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { type FunctionsHost, startHost } from '../support/functions-host.ts';
import { temporaryFolder } from '../support/models.ts';
import { cpuMs, residentMb } from '../support/process-use.ts';
import { DEAD_LETTERS, REQUESTS, RESULTS, readAll } from '../support/scoring.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const DIABETES = resolve(import.meta.dirname, '../../samples/models/diabetes/1.0.0');
const FEATURES = [63, 1, 24.4, 73, 160, 91.4, 48, 3, 4.6347, 78];

interface Told {
  readonly request_id: string;
  readonly error?: { readonly code: string };
}

const app = appFolder();
const cache = temporaryFolder();
let hubs: EventHubs;
let storage: Storage;
let host: FunctionsHost;

beforeAll(async () => {
  [hubs, storage] = await Promise.all([startEventHubs(), startStorage()]);
  expect((await hubscore('models', 'push', DIABETES)).code).toBe(0);
  host = await startHost({
    appDir: app.path,
    env: {
      EventHubs: hubs.connectionString,
      ModelStorage: storage.connectionString,
      AzureWebJobsStorage: storage.connectionString,
      MODEL_CACHE_DIR: cache.path,
    },
  });
});
afterAll(async () => {
  await host?.stop();
  await Promise.all([hubs?.stop(), storage?.stop()]);
  app.remove();
  cache.remove();
});

async function hubscore(...args: string[]): Promise<{ readonly code: number; readonly said: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  let said = '';
  for (const stream of [stdout, stderr]) stream.on('data', chunk => (said += chunk));
  const code = await run(args, {
    ...{ stdin: Readable.from([]), stdout, stderr, folder: cache.path, signal: AbortSignal.timeout(60_000) },
    environment: { EventHubs: hubs.connectionString, ModelStorage: storage.connectionString },
  });
  return { code, said };
}

const request = (id: string) => JSON.stringify({ request_id: id, model: 'diabetes', features: FEATURES });

const nulls = counted(0xf0, 2 ** 31, [NULL]);
const BAD: Readonly<Record<string, Uint8Array | number[]>> = {
  nulls,
  'a long list': counted(0xd0, 2 ** 32 - 1, []),
  'no character': [0x73, 0x00, 0x11, 0x00, 0x00],
  'a late time': [0x83, 0x7f, ...Buffer.alloc(7, 255)],
  'an early time': [0x83, 0x80, 0, 0, 0, 0, 0, 0, 0],
  'deep lists': nestedLists(30_000),
  'no type': list([0x1f, 1]),
  'descriptors without end': [...Buffer.alloc(200_000, Buffer.from([0, NULL])), NULL],
  'a map that is no text': map({ toString: text('x') }),
};

/** Where a producer may put it: each as a message that would be scored without it, or as a body that cannot be. */
const PLACES: Readonly<Record<string, (bad: Uint8Array | number[], id: string) => Uint8Array>> = {
  'in an application property': (bad, id) =>
    Buffer.concat([described(0x74, map({ it: bad })), dataMessage(request(id))]),
  'in an annotation': (bad, id) => Buffer.concat([described(0x72, map({ it: bad }, symbol)), dataMessage(request(id))]),
  'as the message id': (bad, id) => Buffer.concat([described(0x73, list(bad)), dataMessage(request(id))]),
  'as the correlation id': (bad, id) =>
    Buffer.concat([described(0x73, list(...Array.from({ length: 5 }, () => [NULL]), bad)), dataMessage(request(id))]),
  'as the content type': (bad, id) =>
    Buffer.concat([described(0x73, list(...Array.from({ length: 6 }, () => [NULL]), bad)), dataMessage(request(id))]),
  'for all properties': (bad, id) => Buffer.concat([described(0x74, bad), dataMessage(request(id))]),
  'as a value': bad => described(0x77, bad),
  'as a sequence': bad => described(0x76, bad),
  'where bytes belong': bad => described(0x75, bad),
};

/** Of the last three places. */
const NOT_A_BODY = Array.from({ length: 3 }, () => 'malformed_payload');

describe('the stack, given events that no library writes,', () => {
  it('ends each of them once, keeps its pace and its memory, and every reader gets past them', async () => {
    const messages: Uint8Array[] = [];
    for (const [what, bad] of Object.entries(BAD))
      for (const [where, put] of Object.entries(PLACES)) messages.push(put(bad, `${what} ${where}`));
    const [memory, cpu] = [residentMb(hubs.process.pid), cpuMs(hubs.process.pid)];
    await sendBytes(hubs.connectionString, REQUESTS, '0', messages);
    await sendBytes(hubs.connectionString, REQUESTS, '0', [dataMessage(request('an honest one'))]);
    const endings = async () => {
      const [results, deadLetters] = await Promise.all(
        [RESULTS, DEAD_LETTERS].map(hub => readAll(hubs.connectionString, hub, '0')),
      );
      const told = (events: typeof results) => (events ?? []).map(({ body }) => JSON.parse(String(body)) as Told);
      return { results: told(results), deadLetters: told(deadLetters) };
    };
    await vi.waitFor(
      async () => {
        const { results } = await endings();
        expect(
          results.some(({ request_id }) => request_id === 'an honest one'),
          host.log().slice(-3_000),
        ).toBe(true);
      },
      { timeout: 30_000, interval: 300 },
    );
    const { results, deadLetters } = await endings();
    expect(results.length + deadLetters.length).toBe(messages.length + 1);
    // What surrounds a request does not take it away; what stands where its body belongs is none.
    expect(deadLetters.map(({ error }) => error?.code)).toEqual(Object.keys(BAD).flatMap(() => NOT_A_BODY));
    expect(results.length).toBe(Object.keys(BAD).length * 6 + 1);
    const { code, said } = await hubscore('verify');
    expect(said).toMatch(/^sound: /m);
    expect(code).toBe(0);
    expect(residentMb(hubs.process.pid) - memory).toBeLessThan(200);
    expect(cpuMs(hubs.process.pid) - cpu).toBeLessThan(10_000);
  }, 90_000);

  it('takes numbers of 900,000 digits for numbers, and finds dead letters whose ids no double can be', async () => {
    const before = (await readAll(hubs.connectionString, DEAD_LETTERS, '1')).length;
    const values = FEATURES.slice(1);
    const bodies = [
      `{"request_id":1e309,"model":"diabetes","features":[${'9'.repeat(900_000)},${values}]}`,
      `{"request_id":"tiny","model":"diabetes","features":[0.${'4'.repeat(900_000)},${values}]}`,
    ];
    await sendBytes(hubs.connectionString, REQUESTS, '1', bodies.map(dataMessage));
    await vi.waitFor(
      async () => {
        expect((await readAll(hubs.connectionString, DEAD_LETTERS, '1')).length).toBe(before + 1);
        expect((await readAll(hubs.connectionString, RESULTS, '1')).length).toBe(1);
      },
      { timeout: 20_000, interval: 300 },
    );
    const [letter] = await readAll(hubs.connectionString, DEAD_LETTERS, '1');
    expect(String(letter?.body)).toMatch(/^\{"request_id":1e309,.*"code":"non_finite_feature"/);
    expect(host.log()).not.toContain('Maximum call stack');
    const { code, said } = await hubscore('replay', '--request-id', '1e309', '--dry-run');
    expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining('1e309') });
    expect((await fetch(`${host.url}/v2/health/ready`)).status).toBe(200);
  }, 60_000);
});
