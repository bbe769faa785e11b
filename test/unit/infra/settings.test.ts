import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readSettings } from '../../../src/config/config.ts';
import { eventHubsConnection, modelStorageConnection } from '../../../src/config/connection.ts';
import { settingsSchema } from '../../../src/config/settings.ts';
import { read, settingsIn } from './bicep.ts';

/** What the Functions host reads, and the app does not. */
const PLATFORM = /^(AzureWebJobsStorage__\w+|AzureFunctions(Job|Web)Host__\w+)$/;
/** Without default, and left out on purpose: what stands in for them is right in Azure. */
const LEFT_OUT = [
  'EventHubs', // the identity
  'ModelStorage', // the identity
  'MODEL_CACHE_DIR', // the temporary directory
  'LOCAL_DATA_DIR', // likewise
  'WORKER_THREADS', // by the cores; in a pod by what it requests of them
  'REQUEST_TIMEOUT_MS', // a backlog is work, not waste
  'SCHEMA_REGISTRY_AUTH', // a key, of other registries than Azure's
  'AzureWebJobsStorage', // the identity
  'BatchStorage', // the account with the models stands in
  'BatchStorage__blobServiceUri', // likewise
  'BatchStorage__clientId', // likewise
  'BatchStorage__credential', // likewise
  'BATCH_SCHEDULE', // whoever has templates sets it
  'BATCH_WEBHOOK', // whoever has one sets it
  'REPLAY_SCHEDULE', // replaying by timer is off unless asked for
];

const app = settingsIn(read('infra/function-app.bicep'));
const containerApp = settingsIn(read('deploy/container-app.bicep'));
const pod = new Map(Object.entries<string>(parse(read('deploy/kubernetes/config.yaml')).data));

/** Literals as they come out; anything stands for what Azure fills in. */
function values(settings: ReadonlyMap<string, string>): Record<string, string> {
  if (settings === pod) return Object.fromEntries(pod);
  return Object.fromEntries([...settings].map(([name, text]) => [name, /^'([^$']+)'$/.exec(text)?.[1] ?? 'given']));
}

describe.each([
  ['infra/function-app.bicep', app],
  ['deploy/container-app.bicep', containerApp],
  ['deploy/kubernetes/config.yaml', pod],
])('settings in %s', (_, settings) => {
  it('are all read, by the app or by the platform', () => {
    const unread = [...settings.keys()].filter(name => !(name in settingsSchema.shape) && !PLATFORM.test(name));
    expect(unread).toEqual([]);
  });

  it('are enough to start, with identities and not with keys', () => {
    const parsed = readSettings(values(settings));
    expect(eventHubsConnection(parsed).kind).toBe('identity');
    expect(modelStorageConnection(parsed).kind).toBe('identity');
  });

  it('bring the host its storage', () => {
    for (const service of ['blob', 'queue', 'table'])
      expect(settings.has(`AzureWebJobsStorage__${service}ServiceUri`), service).toBe(true);
  });
});

describe('settings of the Functions app', () => {
  it('leave out nothing that has no default, but on purpose', () => {
    const withoutDefault = Object.entries(settingsSchema.shape)
      .filter(([, schema]) => schema.safeParse(undefined).data === undefined)
      .map(([name]) => name);
    expect(withoutDefault.filter(name => !app.has(name) && !LEFT_OUT.includes(name))).toEqual([]);
    expect(LEFT_OUT.filter(name => app.has(name) || !withoutDefault.includes(name))).toEqual([]);
  });

  it('say who the app is wherever a managed identity is meant', () => {
    for (const connection of ['AzureWebJobsStorage', 'EventHubs', 'ModelStorage']) {
      expect(app.get(`${connection}__credential`)).toBe("'managedidentity'");
      expect(app.get(`${connection}__clientId`)).toBe('identityClientId');
    }
  });

  it('hold none that Flex Consumption refuses', () => {
    const refused = /^(FUNCTIONS_WORKER_RUNTIME|FUNCTIONS_EXTENSION_VERSION|WEBSITE_\w+|AzureWebJobsStorage)$/;
    expect([...app.keys()].filter(name => refused.test(name))).toEqual([]);
  });

  it('are the same in a container', () => {
    expect([...containerApp.keys()].sort()).toEqual(
      [...app.keys(), 'AzureFunctionsWebHost__hostid', 'HTTP_AUTH_LEVEL'].sort(),
    );
  });

  it('are the same in a pod, whose identity the webhook gives', () => {
    const byWebhook = /^REDIS_CLIENT_ID$|__(credential|clientId)$/;
    const alike = [...app.keys()].filter(name => !byWebhook.test(name));
    expect([...pod.keys()].sort()).toEqual([...alike, 'AzureFunctionsWebHost__hostid', 'HTTP_AUTH_LEVEL'].sort());
  });

  it('take the value of APP_SETTINGS where it has a name of ours, in all three', () => {
    for (const file of ['infra/function-app.bicep', 'deploy/container-app.bicep']) {
      expect(read(file), file).toContain('setting => !contains(further, toLower(setting.name))');
    }
    const container = parse(read('deploy/kubernetes/deployment.yaml')).spec.template.spec.containers[0];
    expect(container.envFrom.map((one: { configMapRef: { name: string } }) => one.configMapRef.name)).toEqual([
      'hubscore',
      'hubscore-app-settings',
    ]);
    expect(read('docs/deploy.md')).toContain('create configmap hubscore-app-settings');
  });

  it('say what is shared in the same words', () => {
    const literals = (settings: ReadonlyMap<string, string>) =>
      Object.entries(values(settings)).filter(([name, value]) => value !== 'given' && !/__credential$/.test(name));
    const hubs = {
      REQUESTS_HUB: 'requests',
      RESULTS_HUB: 'results',
      DEAD_LETTER_HUB: 'deadLetters',
      LABELS_HUB: 'labels',
    };
    const main = read('infra/main.bicep');
    const inAzure = new Map([
      ...Object.entries(hubs).map(([name, purpose]) => [
        name,
        new RegExp(`^  ${purpose}: '(.+)'$`, 'm').exec(main)?.[1],
      ]),
      ['CONSUMER_GROUP', /^var consumerGroup = '(.+)'$/m.exec(main)?.[1]],
      ...literals(app),
    ] as [string, string][]);
    for (const [file, settings] of [
      ['container-app', containerApp],
      ['pod', pod],
    ] as const) {
      const shared = literals(settings).filter(([name]) => inAzure.has(name));
      expect(shared.length, file).toBeGreaterThan(6);
      for (const [name, value] of shared) expect(value, `${file}: ${name}`).toBe(inAzure.get(name));
    }
  });
});
