import { join, resolve } from 'node:path';
import { EventHubProducerClient } from '@azure/event-hubs';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { type FunctionsHost, startHost } from '../support/functions-host.ts';
import { launch } from '../support/service.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const EVENTS_APP = join(resolve(import.meta.dirname, '../..'), 'test/support/function-apps/events');

let hubs: EventHubs;
let storage: Storage;
beforeAll(async () => {
  [hubs, storage] = await Promise.all([startEventHubs(), startStorage()]);
});
afterAll(async () => {
  await Promise.all([hubs.stop(), storage.stop()]);
});

const run = (...args: string[]): Promise<FunctionsHost> =>
  startHost({
    appDir: EVENTS_APP,
    args,
    env: {
      HUB: 'inference-requests',
      GROUP: 'inference-consumer',
      EventHubs: hubs.connectionString,
      AzureWebJobsStorage: storage.connectionString,
    },
  });

async function send(partitionId: string, ...bodies: string[]): Promise<void> {
  const producer = new EventHubProducerClient(hubs.connectionString, 'inference-requests');
  await producer.sendBatch(
    bodies.map(body => ({ body: Buffer.from(body) })),
    { partitionId },
  );
  await producer.close();
}

/** The sequence number of a partition's checkpoint; undefined where there is none. */
async function checkpointOf(partition: string): Promise<string | undefined> {
  const container = BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient(
    'azure-webjobs-eventhub',
  );
  for await (const { name, metadata } of container.listBlobsFlat({ includeMetadata: true })) {
    if (name.endsWith(`/checkpoint/${partition}`)) return metadata?.sequencenumber;
  }
  return undefined;
}

const soon = (look: () => unknown) => expect.poll(look, { timeout: 40_000, interval: 50 });
const callsOf = (host: FunctionsHost) =>
  [...host.log().matchAll(/^CALL .*"bodies":\[(.*?)\]/gm)].map(match => match[1]);

describe('the host told to stop while a function runs', () => {
  it('writes its checkpoint and is gone', async () => {
    const host = await run();
    await send('0', 'slow-3000');
    await soon(() => callsOf(host)).toHaveLength(1);
    expect(await host.stop()).toBe(0);
    expect(host.log()).toContain('DONE 0 0');
    expect(await checkpointOf('0')).toBe('0');
  }, 120_000);

  it('--like-azure writes none, so that the batch comes again, and takes its 5 s', async () => {
    const host = await run('--like-azure');
    await send('1', 'slow-3000');
    await soon(() => callsOf(host)).toHaveLength(1);
    const toldAtMs = Date.now();
    expect(await host.stop()).toBe(0);
    expect(Date.now() - toldAtMs).toBeGreaterThanOrEqual(5_000);
    expect(host.log()).toContain('DONE 1 0');
    expect(await checkpointOf('1')).toBeUndefined();
    const next = await run('--like-azure');
    await soon(() => callsOf(next)).toEqual(['"slow-3000"']);
    await soon(() => checkpointOf('1')).toBe('0');
    await next.kill();
  }, 120_000);

  it('takes no word that it does not know', async () => {
    const { child, log } = launch('src/local/functions-host/main.ts', { FUNCTIONS_PORT: '0' }, EVENTS_APP, [
      '--as-azure',
    ]);
    const code = await new Promise(ended => child.once('close', ended));
    expect([code, log()]).toEqual([1, expect.stringContaining("Unknown option '--as-azure'")]);
  });
});
