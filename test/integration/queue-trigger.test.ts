import { type QueueClient, QueueServiceClient } from '@azure/storage-queue';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type FunctionsHost, startHost } from '../support/functions-host.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const APP = `${import.meta.dirname}/../support/function-apps/queues`;

let storage: Storage;
beforeAll(async () => {
  storage = await startStorage();
});
afterAll(() => storage.stop());

const run = (queue: string, env: Record<string, string> = {}): Promise<FunctionsHost> =>
  startHost({ appDir: APP, env: { QUEUE: queue, AzureWebJobsStorage: storage.connectionString, ...env } });

const clientOf = (name: string) =>
  QueueServiceClient.fromConnectionString(storage.connectionString).getQueueClient(name);

async function queueWith(name: string, ...texts: readonly string[]): Promise<QueueClient> {
  const queue = clientOf(name);
  await queue.createIfNotExists();
  for (const text of texts) await queue.sendMessage(Buffer.from(text).toString('base64'));
  return queue;
}

interface Call {
  readonly message: unknown;
  readonly binary: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
}

const calls = (host: FunctionsHost): Call[] =>
  [...host.log().matchAll(/^CALL (.*)$/gm)].map(match => JSON.parse(match[1] as string));
const soon = (check: () => unknown, timeout = 30_000) => vi.waitFor(check, { timeout, interval: 50 });
const leftIn = async (queue: QueueClient) => (await queue.getProperties()).approximateMessagesCount;

describe('queue trigger', () => {
  it('hands over what a message is, with the metadata of the real host, and deletes it', async () => {
    const queue = await queueWith('kinds', 'some text', '42', '{"Job":"a","Chunk":7,"dequeueCount":99}', '[1]');
    const host = await run('kinds');
    await soon(() => expect(calls(host)).toHaveLength(4));
    await soon(async () => expect(await leftIn(queue)).toBe(0));
    await host.stop();
    const byMessage = new Map(calls(host).map(call => [JSON.stringify(call.message), call]));
    expect([...byMessage.keys()].sort()).toEqual(
      ['"some text"', '42', '[1]', '{"Job":"a","Chunk":7,"dequeueCount":99}'].sort(),
    );
    const { metadata, binary } = byMessage.get('"some text"')!;
    expect(binary).toBe(false);
    expect(Object.keys(metadata).sort()).toEqual(
      ['dequeueCount', 'expirationTime', 'id', 'insertionTime', 'nextVisibleTime', 'popReceipt', 'queueTrigger'].sort(),
    );
    expect(metadata).toMatchObject({ queueTrigger: 'some text', dequeueCount: 1 });
    expect(metadata.insertionTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/);
    // A message's own fields take the place of the host's.
    const own = [...byMessage.values()].find(call => typeof call.message === 'object' && !Array.isArray(call.message))!;
    expect(own.metadata).toMatchObject({ dequeueCount: 99, job: 'a', chunk: 7 });
  });

  it('gives bytes where the binding asks for them', async () => {
    await queueWith('bytes', '{"a":1}');
    const host = await run('bytes', { DATA_TYPE: 'binary' });
    await soon(() => expect(calls(host)).toMatchObject([{ message: '{"a":1}', binary: true }]));
    await host.stop();
  });

  it('shows a message again at once where its function throws, and after the last try moves it to the poison queue, made then', async () => {
    const queue = await queueWith('failing', 'fail', 'fail-2');
    const host = await run('failing', { AzureFunctionsJobHost__extensions__queues__maxDequeueCount: '3' });
    const poison = clientOf('failing-poison');
    await soon(async () => expect((await poison.peekMessages()).peekedMessageItems).toHaveLength(1));
    await soon(async () => expect(await leftIn(queue)).toBe(0));
    await host.stop();
    const triesOf = (text: string) =>
      calls(host)
        .filter(call => call.message === text)
        .map(call => call.metadata.dequeueCount);
    expect(triesOf('fail')).toEqual([1, 2, 3]);
    expect(triesOf('fail-2')).toEqual([1, 2, 3]);
    const [moved] = (await poison.peekMessages()).peekedMessageItems;
    expect(Buffer.from(moved!.messageText, 'base64').toString()).toBe('fail');
    expect(host.log()).toContain('moved to failing-poison, having come 3 times');
  });

  it('moves what is no base64 there unseen', async () => {
    const queue = await queueWith('unreadable');
    await queue.sendMessage('no base64!');
    const host = await run('unreadable');
    const poison = clientOf('unreadable-poison');
    await soon(async () => expect((await poison.peekMessages()).peekedMessageItems).toHaveLength(1));
    expect((await poison.peekMessages()).peekedMessageItems[0]?.messageText).toBe('no base64!');
    await host.stop();
    expect(calls(host)).toEqual([]);
  });

  it('keeps a message hidden for as long as its function runs', async () => {
    const queue = await queueWith('renewing', 'slow-4000');
    const host = await run('renewing', { QUEUE_HIDDEN_SECONDS: '1' });
    await soon(() => expect(host.log()).toContain('DONE slow-4000'));
    await soon(async () => expect(await leftIn(queue)).toBe(0));
    await host.stop();
    expect(calls(host)).toHaveLength(1);
  });

  it('shows all messages of a worker that crashed again at once, and does not take them for its last try', async () => {
    const queue = await queueWith('crashing', 'die-2', 'slow-3000');
    const host = await run('crashing', { QUEUE_HIDDEN_SECONDS: '600' });
    await soon(async () => expect(await leftIn(queue)).toBe(0)); // ten minutes later without the release
    await host.stop();
    const lastTryOf = (text: string) => calls(host).findLast(call => call.message === text)?.metadata.dequeueCount;
    expect([lastTryOf('die-2'), lastTryOf('slow-3000')]).toEqual([2, 2]);
  });

  it('lets a running function end at SIGTERM and takes nothing more', async () => {
    const queue = await queueWith('stopping', 'slow-1500', 'slow-1501', 'later');
    const host = await run('stopping');
    await soon(() => expect(calls(host)).toHaveLength(2));
    expect(await host.stop()).toBe(0);
    expect(host.log()).toContain('DONE slow-1500');
    expect(calls(host)).toHaveLength(2);
    expect(await leftIn(queue)).toBe(1);
  });

  it('waits for a queue that is not there yet', async () => {
    const host = await run('coming');
    await queueWith('coming', 'first');
    await soon(() => expect(host.log()).toContain('DONE first'));
    await host.stop();
    expect(host.log()).not.toContain('cannot be read');
  });

  it('runs without a queue service, and says so', async () => {
    const host = await run('nowhere', {
      AzureWebJobsStorage: storage.connectionString.replace(/QueueEndpoint=[^;]*;/, ''),
    });
    expect(host.log()).toMatch(
      /error Function\.collect: its trigger does not run: AzureWebJobsStorage names no queue service/,
    );
    await host.stop();
  });
});
