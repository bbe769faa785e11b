import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { commandSettings, staleLocalSettings } from '../../../src/cli/environment.ts';

function folderWith(values?: object | string): string {
  const folder = mkdtempSync(join(tmpdir(), 'hubscore-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const text = typeof values === 'string' ? values : JSON.stringify({ Values: values });
  if (values) writeFileSync(join(folder, 'local.settings.json'), text);
  return folder;
}

describe('commandSettings', () => {
  it('speaks to the local stack where nothing is set', () => {
    const settings = commandSettings({}, folderWith());
    expect(settings.EventHubs).toMatch(/^Endpoint=sb:\/\/localhost:5672;.*UseDevelopmentEmulator=true;$/);
    expect(settings.ModelStorage).toContain('BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1');
    expect(settings.REQUESTS_HUB).toBe('inference-requests');
  });

  it('follows a local stack to other ports', () => {
    const settings = commandSettings({ EVENTHUBS_PORT: '6001', STORAGE_PORT: '6002' }, folderWith());
    expect(settings.EventHubs).toContain('sb://localhost:6001;');
    expect(settings.ModelStorage).toContain('127.0.0.1:6002');
  });

  it('finds the file of the app in a folder below it, and not one that lies beside no host.json', () => {
    const folder = folderWith({ REQUESTS_HUB: 'from-root' });
    const below = join(folder, 'samples/training');
    mkdirSync(below, { recursive: true });
    expect(commandSettings({}, below).REQUESTS_HUB).toBe('inference-requests');
    writeFileSync(join(folder, 'host.json'), '{}');
    expect(commandSettings({}, below).REQUESTS_HUB).toBe('from-root');
  });

  it('says it where azd has deployed and the file still names this machine', () => {
    const folder = folderWith({ EventHubs: 'Endpoint=sb://localhost:5672;SharedAccessKey=k;' });
    expect(staleLocalSettings({}, folder)).toBeUndefined();
    mkdirSync(join(folder, '.azure'));
    writeFileSync(join(folder, '.azure/config.json'), '{}');
    expect(staleLocalSettings({}, folder)).toMatch(/local\.settings\.json names this machine, not what azd deployed/);
    expect(staleLocalSettings({ EventHubs: 'Endpoint=sb://other;' }, folder)).toBeUndefined();
    const deployed = folderWith({ EventHubs__fullyQualifiedNamespace: 'n.servicebus.windows.net' });
    mkdirSync(join(deployed, '.azure'));
    writeFileSync(join(deployed, '.azure/config.json'), '{}');
    expect(staleLocalSettings({}, deployed)).toBeUndefined();
  });

  it('reads local.settings.json, and the environment before it', () => {
    const folder = folderWith({ EventHubs: 'Endpoint=file', REQUESTS_HUB: 'from-file', RESULTS_HUB: 'out' });
    const settings = commandSettings({ REQUESTS_HUB: 'from-environment' }, folder);
    expect(settings).toMatchObject({
      EventHubs: 'Endpoint=file',
      REQUESTS_HUB: 'from-environment',
      RESULTS_HUB: 'out',
    });
  });

  it('reads it as the Functions tools do: with a byte order mark, comments and trailing commas', () => {
    const text =
      '\uFEFF// mine\n{ "Values": { /* the hub */ "REQUESTS_HUB": "a//b", "EventHubs": "Endpoint=/*file*/", }, }';
    expect(commandSettings({}, folderWith(text))).toMatchObject({
      REQUESTS_HUB: 'a//b',
      EventHubs: 'Endpoint=/*file*/',
    });
  });

  it("takes nothing of the file's connection where the environment names another", () => {
    const folder = folderWith({ EventHubs__fullyQualifiedNamespace: 'prod.example', ModelStorage: 'kept' });
    const settings = commandSettings({ EventHubs: 'Endpoint=mine' }, folder);
    expect(settings.EventHubs__fullyQualifiedNamespace).toBeUndefined();
    expect(settings).toMatchObject({ EventHubs: 'Endpoint=mine', ModelStorage: 'kept' });
  });

  it('sets no connection string beside an identity', () => {
    const settings = commandSettings({ EventHubs__fullyQualifiedNamespace: 'a.servicebus.windows.net' }, folderWith());
    expect(settings.EventHubs).toBeUndefined();
  });

  it('quotes nothing of a file that is not JSON: it has keys', () => {
    const broken = folderWith('{ "Values": { "EventHubs": SharedAccessKey=pa55word } }');
    expect(() => commandSettings({}, broken)).toThrow(/local\.settings\.json: not JSON$/);
  });

  it('names the file that cannot be read', () => {
    expect(() => commandSettings({}, folderWith('{ nope'))).toThrow(/local\.settings\.json: not JSON/);
    expect(() => commandSettings({}, folderWith('{ "Values": {\n "EventHubs": "a" "b" } }'))).toThrow(
      /local\.settings\.json: not JSON \(line 2 column 19\)$/,
    );
    expect(() => commandSettings({}, folderWith('{"IsEncrypted":true}'))).toThrow(/func settings decrypt/);
  });
});
