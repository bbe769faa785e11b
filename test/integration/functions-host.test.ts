import { EventHubProducerClient } from '@azure/event-hubs';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { type FunctionsHost, startHost } from '../support/functions-host.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const APP = `${import.meta.dirname}/../support/function-apps/events`;
const HUBS = ['order', 'failing', 'retrying', 'shared', 'draining', 'killed', 'text', 'single', 'outage', 'minimum'];

let hubs: EventHubs;
let storage: Storage;
beforeAll(async () => {
  const Entities = HUBS.map(Name => ({
    Name,
    PartitionCount: Name === 'shared' ? 4 : 2,
    ConsumerGroups: [{ Name: 'app' }],
  }));
  const config = {
    UserConfig: {
      NamespaceConfig: [{ Type: 'EventHub', Name: 'emulatorNs1', Entities }],
      LoggingConfig: { Type: 'Console' },
    },
  };
  [hubs, storage] = await Promise.all([startEventHubs({ config }), startStorage()]);
});
afterAll(async () => {
  await Promise.all([hubs.stop(), storage.stop()]);
});

function run(hub: string, env: Record<string, string> = {}): Promise<FunctionsHost> {
  return startHost({
    appDir: APP,
    env: {
      HUB: hub,
      GROUP: 'app',
      EventHubs: hubs.connectionString,
      AzureWebJobsStorage: storage.connectionString,
      ...env,
    },
  });
}

async function send(hub: string, partitionId: string, bodies: readonly string[], properties?: Record<string, unknown>) {
  const producer = new EventHubProducerClient(hubs.connectionString, hub);
  await producer.sendBatch(
    bodies.map(body => ({ body: Buffer.from(body), properties: properties as Record<string, string> })),
    { partitionId },
  );
  await producer.close();
}

interface Call {
  readonly partition: string;
  readonly sequenceNumbers: number[];
  readonly bodies: unknown[];
  readonly retryCount: number;
  readonly trace?: object;
  readonly metadata?: Record<string, never>;
}

function calls(...hosts: readonly FunctionsHost[]): Call[] {
  return hosts.flatMap(host => [...host.log().matchAll(/^CALL (.*)$/gm)].map(match => JSON.parse(match[1] as string)));
}

const bodiesOf = (partition: string, ...hosts: readonly FunctionsHost[]) =>
  calls(...hosts)
    .filter(call => call.partition === partition)
    .flatMap(call => call.bodies);

async function metadataOf(hub: string, kind: 'checkpoint' | 'ownership', partition: string) {
  const container = BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient(
    'azure-webjobs-eventhub',
  );
  const { metadata } = await container.getBlobClient(`localhost/${hub}/app/${kind}/${partition}`).getProperties();
  return metadata;
}

const soon = (check: () => unknown, timeout = 10_000) => vi.waitFor(check, { timeout, interval: 50 });
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => String(from + i));

describe('Event Hubs trigger', () => {
  it('hands over batches in the order of their partition and checkpoints in the Functions layout', async () => {
    await send('order', '0', numbers(0, 45));
    await send('order', '1', numbers(100, 130));
    const host = await run('order', { AzureFunctionsJobHost__extensions__eventHubs__maxEventBatchSize: '20' });
    await soon(() => expect(calls(host).flatMap(call => call.bodies)).toHaveLength(75));
    await send('order', '0', ['lone']);
    await soon(() => expect(bodiesOf('0', host)).toHaveLength(46));
    expect(bodiesOf('0', host)).toEqual([...numbers(0, 45), 'lone']);
    expect(bodiesOf('1', host)).toEqual(numbers(100, 130));
    expect(Math.max(...calls(host).map(call => call.bodies.length))).toBe(20);
    await soon(async () =>
      expect(await metadataOf('order', 'checkpoint', '0')).toMatchObject({
        sequencenumber: '45',
        offset: expect.stringMatching(/^\d+$/),
      }),
    );
    expect(await metadataOf('order', 'ownership', '1')).toEqual({ ownerid: expect.any(String) });
    expect(await host.stop()).toBe(0);
  });

  it('waits for minEventBatchSize, maxWaitTime at most', async () => {
    await send('minimum', '0', numbers(0, 3));
    const host = await run('minimum', {
      AzureFunctionsJobHost__extensions__eventHubs__minEventBatchSize: '5',
      AzureFunctionsJobHost__extensions__eventHubs__maxWaitTime: '00:00:01',
    });
    await send('minimum', '0', numbers(3, 6));
    await soon(() => expect(bodiesOf('0', host)).toHaveLength(6));
    await send('minimum', '0', ['late']);
    const sentAt = Date.now();
    await soon(() => expect(bodiesOf('0', host)).toHaveLength(7));
    expect(calls(host).map(call => call.bodies.length)).toEqual([6, 1]);
    expect(Date.now() - sentAt).toBeGreaterThan(800);
    await host.stop();
  });

  it('goes on after a failure without a retry policy', async () => {
    const host = await run('failing');
    await send('failing', '0', ['fail']);
    await soon(async () =>
      expect(await metadataOf('failing', 'checkpoint', '0')).toMatchObject({ sequencenumber: '0' }),
    );
    await send('failing', '0', ['fine']);
    await soon(() => expect(bodiesOf('0', host)).toEqual(['fail', 'fine']));
    expect(host.log()).toMatch(/error Function\.collect: failed after .*told to fail/);
    await host.stop();
  });

  it('holds the partition while a retry policy still retries', async () => {
    const host = await run('retrying', {
      RETRY: JSON.stringify({ strategy: 'fixedDelay', maxRetryCount: -1, delayInterval: 1000 }),
    });
    await send('retrying', '0', ['fail-2']);
    await soon(() => expect(calls(host)).toHaveLength(1));
    await send('retrying', '0', ['after']);
    await send('retrying', '1', ['elsewhere']);
    await soon(() => expect(bodiesOf('1', host)).toEqual(['elsewhere']));
    expect(bodiesOf('0', host)).not.toContain('after');
    await expect(metadataOf('retrying', 'checkpoint', '0')).rejects.toMatchObject({ statusCode: 404 });
    await soon(() => expect(bodiesOf('0', host)).toEqual(['fail-2', 'fail-2', 'fail-2', 'after']));
    expect(
      calls(host)
        .filter(call => call.partition === '0')
        .map(call => call.retryCount),
    ).toEqual([0, 1, 2, 0]);
    // Given up in mid-retry by SIGTERM: no checkpoint, so the batch comes again.
    await send('retrying', '0', ['fail']);
    await soon(() => expect(bodiesOf('0', host)).toContain('fail'));
    expect(await host.stop()).toBe(0);
    expect(await metadataOf('retrying', 'checkpoint', '0')).toMatchObject({ sequencenumber: '1' });
  });

  it('shares partitions between hosts, and takes them over at once when one is killed', async () => {
    const first = await run('shared');
    const second = await run('shared');
    const owners = async () => {
      const found = await Promise.all(
        ['0', '1', '2', '3'].map(partition => metadataOf('shared', 'ownership', partition)),
      );
      const shares = new Map<string | undefined, number>();
      for (const owner of found) shares.set(owner?.ownerid, (shares.get(owner?.ownerid) ?? 0) + 1);
      return [...shares.values()];
    };
    await soon(async () => expect(await owners()).toEqual([2, 2]), 15_000);
    await soon(() => expect(first.log()).toMatch(/went to another host/));
    for (const partition of ['0', '1', '2', '3']) await send('shared', partition, [`to ${partition}`]);
    await soon(() => expect(calls(first, second)).toHaveLength(4));
    expect([calls(first).length, calls(second).length]).toEqual([2, 2]);
    await first.kill();
    for (const partition of ['0', '1', '2', '3']) await send('shared', partition, [`again ${partition}`]);
    await soon(
      () => expect(calls(second).filter(call => String(call.bodies.at(-1)).startsWith('again'))).toHaveLength(4),
      5_000,
    );
    await second.stop();
  });

  it('drains on SIGTERM: the running function ends, its checkpoint is written, its partitions are free', async () => {
    const host = await run('draining', { AzureFunctionsJobHost__extensions__eventHubs__maxEventBatchSize: '1' });
    await send('draining', '0', ['slow-700', 'next']);
    await soon(() => expect(calls(host)).toHaveLength(1));
    expect(await host.stop()).toBe(0);
    expect(host.log()).toContain('DONE 0 0');
    expect(bodiesOf('0', host)).toEqual(['slow-700']);
    expect(await metadataOf('draining', 'checkpoint', '0')).toMatchObject({ sequencenumber: '0' });
    expect((await metadataOf('draining', 'ownership', '0'))?.ownerid ?? '').toBe('');
    const next = await run('draining');
    await soon(() => expect(bodiesOf('0', next)).toEqual(['next']));
    await next.stop();
  });

  it('goes on where it was after a SIGKILL, without waiting for its old ownership to expire', async () => {
    const before = await run('killed');
    await send('killed', '0', numbers(0, 50));
    await soon(async () =>
      expect(await metadataOf('killed', 'checkpoint', '0')).toMatchObject({ sequencenumber: '49' }),
    );
    await before.kill();
    await send('killed', '0', numbers(50, 100));
    const startedAt = Date.now();
    const after = await run('killed');
    await soon(() => expect(bodiesOf('0', after)).toEqual(numbers(50, 100)));
    expect(Date.now() - startedAt).toBeLessThan(6_000);
    await after.stop();
  });

  it('outlives endpoint and storage', async () => {
    const host = await run('outage');
    await send('outage', '0', ['before']);
    await soon(() => expect(bodiesOf('0', host)).toEqual(['before']));
    await hubs.kill();
    await hubs.restart();
    await send('outage', '0', ['endpoint back']);
    await soon(() => expect(bodiesOf('0', host)).toEqual(['before', 'endpoint back']));
    await storage.kill();
    await send('outage', '0', ['no storage']);
    await soon(() => expect(bodiesOf('0', host)).toContain('no storage'));
    await storage.restart();
    await send('outage', '0', ['storage back']);
    await soon(
      async () => expect(await metadataOf('outage', 'checkpoint', '0')).toMatchObject({ sequencenumber: '3' }),
      15_000,
    );
    expect(await host.stop()).toBe(0);
  }, 45_000);

  it('fails a whole batch for one body that is not JSON where no dataType is given', async () => {
    await send('text', '0', ['{"good": 1}', 'not json']);
    const host = await run('text', { DATA_TYPE: 'none' });
    await soon(async () => expect(await metadataOf('text', 'checkpoint', '0')).toMatchObject({ sequencenumber: '1' }));
    await send('text', '0', ['{"good": 2}']);
    await soon(() => expect(bodiesOf('0', host)).toEqual([{ good: 2 }]));
    expect(host.log()).toMatch(/event 2 of the batch is not JSON/);
    await host.stop();
  });

  it('calls a function of cardinality one for each event, its text parsed where it is JSON', async () => {
    await send('single', '0', ['{"a": 1}', 'text'], { Model: 'm' });
    const host = await run('single', { CARDINALITY: 'one', DATA_TYPE: 'string', METADATA: '1' });
    await soon(() => expect(calls(host)).toHaveLength(2));
    expect(calls(host).map(call => call.bodies)).toEqual([[{ a: 1 }], ['text']]);
    expect(calls(host).map(call => call.sequenceNumbers)).toEqual([[0], [1]]);
    // As without telemetry of the host's own.
    expect(calls(host)[1]?.trace).toEqual({ traceParent: '', traceState: '', attributes: {} });
    expect(calls(host)[1]?.metadata).toMatchObject({
      properties: { model: 'm' },
      offset: expect.any(Number),
      systemProperties: { sequenceNumber: 1 },
    });
    await host.stop();
  });
});
