import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { readSettings } from '../../../src/config/config.ts';
import { CHUNKS_QUEUE } from '../../../src/core/work-queue.ts';
import { property, read, resourcesIn, settingsIn } from './bicep.ts';

const defaults = readSettings({});
const main = read('infra/main.bicep');
const hubsBicep = read('infra/event-hubs.bicep');

/** `hubs.requests` → its name. */
const hubs = new Map(
  [...(/^var hubs = \{\n([\s\S]*?)^\}/m.exec(main)?.[1] ?? '').matchAll(/(\w+): '([^']+)'/g)].map(
    ([, purpose, name]) => [purpose as string, name as string],
  ),
);
const resources = resourcesIn(hubsBicep);

/** Consumer groups by hub, beside `$Default`. */
function groupsOf(purpose: string): string[] {
  const hub = resources.find(
    ({ type, body }) => type.endsWith('/eventhubs') && property(body, 'name') === `hubs.${purpose}`,
  );
  return resources
    .filter(({ type, body }) => type.endsWith('/consumergroups') && property(body, 'parent') === hub?.symbol)
    .map(({ body }) => property(body, 'name')?.replaceAll("'", '') ?? '')
    .sort();
}

describe('the namespace', () => {
  it("has the contract's hubs, which are the app's defaults", () => {
    expect(Object.fromEntries(hubs)).toEqual({
      requests: defaults.REQUESTS_HUB,
      results: defaults.RESULTS_HUB,
      deadLetters: defaults.DEAD_LETTER_HUB,
      labels: defaults.LABELS_HUB,
    });
    const declared = resources
      .filter(({ type }) => type.endsWith('/eventhubs'))
      .map(({ body }) => property(body, 'name'));
    expect(declared.sort()).toEqual([...hubs.keys()].map(purpose => `hubs.${purpose}`).sort());
  });

  it("has the contract's consumer groups", () => {
    expect(groupsOf('requests')).toEqual(['consumerGroup', 'local', 'monitor', 'shadow']);
    expect(main).toContain(`var consumerGroup = '${defaults.CONSUMER_GROUP}'`);
    expect(groupsOf('results')).toEqual(['monitor']);
    expect(groupsOf('deadLetters')).toEqual(['monitor', 'replay']);
    expect(groupsOf('labels')).toEqual(['monitor']);
  });

  it('has every group that the ledger reads tails by, on the three hubs', () => {
    for (const group of defaults.RECOVERY_CONSUMER_GROUPS) {
      for (const purpose of ['requests', 'results', 'deadLetters']) {
        expect([...groupsOf(purpose), '$Default'], `${purpose}/${group}`).toContain(group);
      }
    }
  });

  it('gives requests, results and dead letters the same partitions, at least the four of the contract', () => {
    const counts = Object.fromEntries(
      resources
        .filter(({ type }) => type.endsWith('/eventhubs'))
        .map(({ symbol, body }) => [symbol, /partitionCount: (\w+)/.exec(body)?.[1]]),
    );
    expect(counts).toEqual({
      requests: 'partitionCount',
      results: 'partitionCount',
      deadLetters: 'partitionCount',
      labels: '2',
    });
    expect(main).toContain('param partitionCount int = 4');
  });

  it('is called by the same names in containers', () => {
    const containerApp = settingsIn(read('deploy/container-app.bicep'));
    const pod = parse(read('deploy/kubernetes/config.yaml')).data;
    for (const name of ['REQUESTS_HUB', 'RESULTS_HUB', 'DEAD_LETTER_HUB', 'LABELS_HUB', 'CONSUMER_GROUP'] as const) {
      expect(containerApp.get(name)).toBe(`'${defaults[name]}'`);
      expect(pod[name]).toBe(defaults[name]);
    }
  });

  it('is scaled on by the hub, the group and the checkpoints that the host uses, in lower case', () => {
    const scaledObject = parseAllDocuments(read('deploy/kubernetes/scaled-object.yaml'))[1]?.toJS();
    const { metadata } = scaledObject.spec.triggers[0];
    expect(metadata).toMatchObject({
      eventHubName: defaults.REQUESTS_HUB,
      consumerGroup: defaults.CONSUMER_GROUP,
      blobContainer: 'azure-webjobs-eventhub',
      checkpointStrategy: 'blobMetadata',
    });
    for (const name of [metadata.eventHubName, metadata.consumerGroup]) expect(name).toBe(name.toLowerCase());
    const hostJson = JSON.parse(read('host.json'));
    expect(Number(metadata.unprocessedEventThreshold)).toBe(
      hostJson.extensions.eventHubs.targetUnprocessedEventThreshold,
    );
    const bicep = read('deploy/container-app.bicep');
    for (const [name, value] of Object.entries<string>(metadata)) {
      if (value.startsWith('${') || name.startsWith('activation')) continue;
      expect(bicep).toContain(`${name}: '${value}'`);
    }
  });
});

describe('batch jobs', () => {
  it('are scaled on by their queue, in the storage of the host', () => {
    const scaledObject = parseAllDocuments(read('deploy/kubernetes/scaled-object.yaml'))[1]?.toJS();
    const [lag, chunks] = scaledObject.spec.triggers;
    expect(chunks).toMatchObject({ type: 'azure-queue', metadata: { queueName: CHUNKS_QUEUE } });
    expect(chunks.metadata.accountName).toBe(lag.metadata.storageAccountName);
    const bicep = read('deploy/container-app.bicep');
    for (const [name, value] of Object.entries<string>(chunks.metadata)) {
      expect(bicep).toContain(name === 'accountName' ? 'accountName: hostStorageName' : `${name}: '${value}'`);
    }
  });
});

describe('model storage', () => {
  it('has the container that the app reads', () => {
    expect(main).toContain(`var modelsContainer = '${defaults.MODELS_CONTAINER}'`);
    expect(main).toContain(`var monitorContainer = '${defaults.MONITOR_CONTAINER}'`);
    expect(main).toContain(`var batchContainer = '${defaults.BATCH_CONTAINER}'`);
    expect(main).toContain(`var auditContainer = '${defaults.AUDIT_CONTAINER}'`);
    const containers = resourcesIn(read('infra/model-storage.bicep')).filter(({ type }) =>
      type.endsWith('/containers'),
    );
    expect(containers.map(({ body }) => property(body, 'name'))).toEqual([
      'container',
      'monitorContainer',
      'batchContainer',
      'auditContainer',
    ]);
  });
});
