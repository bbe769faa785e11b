import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAppSettings, resolveExpressions } from '../../../../src/local/functions-host/app-settings.ts';
import { eventHubsConnection, hostStorage } from '../../../../src/local/functions-host/connections.ts';
import { readHostJson } from '../../../../src/local/functions-host/host-json.ts';
import { pauseMs } from '../../../../src/local/functions-host/queues/queue-trigger.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hubscore-settings-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
const write = (name: string, content: unknown) =>
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));

describe('app settings', () => {
  it('come from local.settings.json and the environment, which wins', () => {
    write(
      'local.settings.json',
      '{\n  // a comment\n  "IsEncrypted": false, "Values": { "A": "file", "B": "file", "N": 3, "T": true } }',
    );
    expect(readAppSettings(folder, { B: 'environment', C: 'environment' })).toEqual({
      A: 'file',
      B: 'environment',
      C: 'environment',
      N: '3',
      T: 'true',
    });
  });

  it('need no file', () => {
    expect(readAppSettings(folder, { A: '1' })).toEqual({ A: '1' });
  });

  it('are refused where the file is encrypted or not JSON', () => {
    write('local.settings.json', { IsEncrypted: true, Values: { A: 'CfDJ8' } });
    expect(() => readAppSettings(folder, {})).toThrow(/encrypted.*func settings decrypt/);
    write('local.settings.json', '{');
    expect(() => readAppSettings(folder, {})).toThrow(/local\.settings\.json is not JSON/);
  });

  it('replace %expressions%, a missing one is named', () => {
    const settings = { HUB: 'requests', ENV: 'dev' };
    expect(resolveExpressions('%ENV%-%HUB%', settings, 'x')).toBe('dev-requests');
    expect(resolveExpressions('plain', settings, 'x')).toBe('plain');
    expect(() => resolveExpressions('%HUBB%', settings, 'eventHubName of function f')).toThrow(
      /eventHubName of function f is "%HUBB%", but there is no setting HUBB/,
    );
  });
});

describe('host.json', () => {
  it('has the defaults of the real host', () => {
    write('host.json', { version: '2.0' });
    const { functionTimeout, extensions } = readHostJson(folder, {});
    expect(functionTimeout).toBe(30 * 60_000);
    expect(extensions.http.routePrefix).toBe('api');
    expect(extensions.eventHubs).toMatchObject({
      maxEventBatchSize: 100,
      minEventBatchSize: 1,
      maxWaitTime: 60_000,
      batchCheckpointFrequency: 1,
      prefetchCount: 300,
      initialOffsetOptions: { type: 'fromstart' },
    });
  });

  it('has the real host’s defaults for queues, and its refusals', () => {
    write('host.json', { version: '2.0' });
    const cores = availableParallelism();
    expect(readHostJson(folder, {}).extensions.queues).toEqual({
      batchSize: 16,
      newBatchThreshold: 8 * cores,
      maxDequeueCount: 5,
      visibilityTimeout: 0,
      maxPollingInterval: 60_000,
      messageEncoding: 'base64',
    });
    const refused = [
      { batchSize: 0 },
      { batchSize: 33 },
      { maxDequeueCount: 0 },
      { maxPollingInterval: '00:00:00.05' },
      { messageEncoding: 'hex' },
    ];
    for (const queues of refused) {
      write('host.json', { version: '2.0', extensions: { queues } });
      expect(() => readHostJson(folder, {}), JSON.stringify(queues)).toThrow(
        `extensions.queues.${Object.keys(queues)[0]}`,
      );
    }
  });

  it('looks into an empty queue ever less often', () => {
    expect([0, 1, 2, 3, 9].map(looks => pauseMs(looks, 5_000))).toEqual([200, 300, 500, 900, 5_000]);
  });

  it('gives way to AzureFunctionsJobHost__ settings, in any letter case', () => {
    write('host.json', { version: '2.0', extensions: { eventHubs: { maxEventBatchSize: 256, prefetchCount: 9 } } });
    const { functionTimeout, extensions, logging } = readHostJson(folder, {
      AzureFunctionsJobHost__extensions__eventHubs__MaxEventBatchSize: '7',
      AzureFunctionsJobHost__functionTimeout: '00:00:30',
      AZUREFUNCTIONSJOBHOST__logging__logLevel__default: 'Debug',
      AzureFunctionsJobHost__extensions__eventHubs__enableCheckpointing: 'False',
    });
    expect(extensions.eventHubs.enableCheckpointing).toBe(false);
    expect(extensions.eventHubs).toMatchObject({ maxEventBatchSize: 7, prefetchCount: 9 });
    expect([functionTimeout, logging.logLevel]).toEqual([30_000, { default: 'Debug' }]);
  });

  it.each([
    [{ version: '1.0' }, /host\.json needs "version": "2\.0"/],
    [{ version: '2.0', functionTimeout: '5 minutes' }, /expected a time span like "00:05:00", got "5 minutes"/],
    [{ version: '2.0', extensions: { eventHubs: { maxEventBatchSize: 0 } } }, /maxEventBatchSize/],
    [
      { version: '2.0', extensions: { eventHubs: { minEventBatchSize: 101 } } },
      /is greater than maxEventBatchSize.*\n.*minEventBatchSize/,
    ],
    [
      { version: '2.0', extensions: { eventHubs: { maxWaitTime: '00:10:01' } } },
      /is longer than ten minutes.*\n.*maxWaitTime/,
    ],
    [{ version: '2.0', extensions: { eventHubs: { enableCheckpointing: 'no' } } }, /expected true or false/],
    [
      { version: '2.0', extensions: { eventHubs: { initialOffsetOptions: { type: 'middle' } } } },
      /initialOffsetOptions\.type/,
    ],
  ])('is refused with the reason: %j', (content, reason) => {
    write('host.json', content);
    expect(() => readHostJson(folder, {})).toThrow(reason);
  });

  it('has to be there', () => {
    expect(() => readHostJson(folder, {})).toThrow(/there is no host\.json in/);
  });
});

describe('connections', () => {
  it('are a connection string, or a namespace with an identity', async () => {
    expect(await eventHubsConnection('Hub', { Hub: 'Endpoint=sb://x' })).toEqual({
      kind: 'connection-string',
      connectionString: 'Endpoint=sb://x',
    });
    const byIdentity = await eventHubsConnection('Hub', { Hub__fullyQualifiedNamespace: 'n.servicebus.windows.net' });
    expect(byIdentity).toMatchObject({ kind: 'identity', namespace: 'n.servicebus.windows.net' });
    await expect(eventHubsConnection('Hub', {})).rejects.toThrow(
      /there is no connection Hub: set Hub .* or Hub__fullyQualifiedNamespace/,
    );
  });

  it('of the host are storage by connection string, development storage, or account', async () => {
    const url = async (settings: Record<string, string>) => (await hostStorage(settings)).url;
    expect(await url({ AzureWebJobsStorage: 'UseDevelopmentStorage=true' })).toMatch(
      /^http:\/\/127\.0\.0\.1:10000\/devstoreaccount1/,
    );
    expect(await url({ AzureWebJobsStorage__accountName: 'acc' })).toBe('https://acc.blob.core.windows.net/');
    await expect(url({})).rejects.toThrow(/AzureWebJobsStorage is not set/);
  });
});
