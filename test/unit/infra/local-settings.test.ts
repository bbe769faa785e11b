import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeLocalSettings } from '../../../scripts/azure/local-settings.ts';
import { readSettings } from '../../../src/config/config.ts';
import { eventHubsConnection, modelStorageConnection } from '../../../src/config/connection.ts';
import { read } from './bicep.ts';

const DEPLOYED = {
  EventHubs__fullyQualifiedNamespace: 'evhns-x.servicebus.windows.net',
  ModelStorage__blobServiceUri: 'https://stmodelx.blob.core.windows.net/',
  MODELS_CONTAINER: 'models',
};

describe('local.settings.json after provisioning', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hubscore-local-settings-'));
    path = join(folder, 'local.settings.json');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('points the app at the deployed namespace, as whoever is signed in', () => {
    expect(writeLocalSettings(path, DEPLOYED)).toBe(true);
    const { IsEncrypted, Values } = JSON.parse(readFileSync(path, 'utf8'));
    expect(IsEncrypted).toBe(false);
    const settings = readSettings(Values);
    expect(eventHubsConnection(settings)).toEqual({
      kind: 'identity',
      endpoint: DEPLOYED.EventHubs__fullyQualifiedNamespace,
      clientId: undefined,
    });
    expect(modelStorageConnection(settings)).toMatchObject({ endpoint: DEPLOYED.ModelStorage__blobServiceUri });
  });

  it('leaves the deployed app its consumer group and the deployed host its checkpoints', () => {
    writeLocalSettings(path, DEPLOYED);
    const { Values } = JSON.parse(readFileSync(path, 'utf8'));
    expect(Values.CONSUMER_GROUP).not.toBe(readSettings({}).CONSUMER_GROUP);
    expect(read('infra/event-hubs.bicep')).toContain(`name: '${Values.CONSUMER_GROUP}'`);
    expect(Values.AzureWebJobsStorage).toBe('UseDevelopmentStorage=true');
  });

  it('never overwrites what is there', () => {
    writeFileSync(path, 'mine');
    expect(writeLocalSettings(path, DEPLOYED)).toBe(false);
    expect(readFileSync(path, 'utf8')).toBe('mine');
  });

  it('says what is missing where it was not started by azd', () => {
    expect(() => writeLocalSettings(path, {})).toThrow(/EventHubs__fullyQualifiedNamespace is not set.*azd/);
  });
});
