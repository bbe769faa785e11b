import { describe, expect, it } from 'vitest';
import { readSettings } from '../../../src/config/config.ts';
import { parametersIn, read } from './bicep.ts';

/** A resource that a deployment would make, as the compiler works it out; expressions that only Azure knows stand in brackets. */
interface Predicted {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly sku?: { readonly name: string };
  readonly properties: Readonly<Record<string, unknown>>;
}

function snapshot(name: string): readonly Predicted[] {
  const { predictedResources } = JSON.parse(read(`test/infra/${name}.snapshot.json`));
  return predictedResources.map((one: Partial<Predicted>) => ({ properties: {}, ...one }));
}
const BOTH = ['default', 'every-option'].map(name => [name, snapshot(name)] as const);
const everyOption = snapshot('every-option');
const ofType = (resources: readonly Predicted[], type: string) => resources.filter(one => one.type === type);

const ROLES: Readonly<Record<string, string>> = {
  'a638d3c7-ab3a-418d-83e6-5f17a39d4fde': 'receives',
  '2b629674-e913-4c01-ae53-ef4638d8f975': 'sends',
  '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1': 'reads blobs',
  '19e7f393-937e-4f77-808e-94535e297925': 'reads queues',
  'ba92f5b4-2d11-453d-a403-e96b0029c9fe': 'changes blobs',
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b': 'owns blobs',
  '974c5e8b-45b9-4653-ba55-5f855dd0fb88': 'uses queues',
  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3': 'uses tables',
  '3913510d-42f4-4e42-8a64-420c390055eb': 'publishes metrics',
  '2c56ea50-c6b3-40a6-83c0-9d98858bc7d2': 'reads schemas',
};

/** What an identity may do: role and the last name of where. */
function rolesOf(resources: readonly Predicted[], identity: string): string[] {
  return ofType(resources, 'Microsoft.Authorization/roleAssignments')
    .filter(({ properties }) => String(properties.principalId).includes(`/userAssignedIdentities/${identity}'`))
    .map(({ id, properties }) => {
      const scope = id.split('/providers/Microsoft.Authorization/')[0] as string;
      const role = String(properties.roleDefinitionId).split('/').at(-1) as string;
      return `${ROLES[role] ?? role} ${scope.split('/').at(-1)}`;
    })
    .sort();
}

/** Of others: the registry that every-option names. */
const SCHEMAS = 'namespaces/evhns-schemas';

describe.each(BOTH)('deployment, %s', (options, resources) => {
  const token = ofType(resources, 'Microsoft.EventHub/namespaces')[0]?.name.replace('evhns-', '');

  it('has every hub with its consumer groups, and as many partitions in those that keep a partition', () => {
    const groups = ofType(resources, 'Microsoft.EventHub/namespaces/eventhubs/consumergroups').map(({ name }) =>
      name.split('/').slice(1).join('/'),
    );
    expect(groups.sort()).toEqual([
      'inference-dead-letter/monitor',
      'inference-dead-letter/replay',
      'inference-labels/monitor',
      'inference-requests-results/monitor',
      'inference-requests/inference-consumer',
      'inference-requests/local',
      'inference-requests/monitor',
      'inference-requests/shadow',
    ]);
    const hubs = ofType(resources, 'Microsoft.EventHub/namespaces/eventhubs');
    const partitions = (hub: string) => hubs.find(({ name }) => name.endsWith(`/${hub}`))?.properties.partitionCount;
    expect(partitions('inference-requests-results')).toBe(partitions('inference-requests'));
    expect(partitions('inference-dead-letter')).toBe(partitions('inference-requests'));
  });

  it('gives the app its roles and no more, on things that are in the deployment', () => {
    expect(rolesOf(resources, `id-${token}`)).toEqual(
      [
        'owns blobs sthost',
        'uses queues sthost',
        'uses tables sthost',
        'publishes metrics appi-',
        'reads blobs models',
        'changes blobs monitor',
        'changes blobs models',
        'changes blobs batch',
        'changes blobs audit',
        'receives inference-labels',
        'receives inference-requests',
        'receives inference-requests-results',
        'receives inference-dead-letter',
        'sends inference-requests',
        'sends inference-requests-results',
        'sends inference-dead-letter',
        ...(options === 'every-option' ? ['reads schemas evhns-schemas'] : []),
      ]
        .map(role => (/(sthost|appi-)$/.test(role) ? `${role}${token}` : role))
        .sort(),
    );
    const ids = new Set(resources.map(({ id }) => id));
    for (const { id } of ofType(resources, 'Microsoft.Authorization/roleAssignments')) {
      const scope = id.split('/providers/Microsoft.Authorization/')[0] as string;
      if (!scope.endsWith(SCHEMAS)) expect(ids, id).toContain(scope);
    }
  });

  it('knows the name of every role before anything is there', () => {
    for (const { name } of ofType(resources, 'Microsoft.Authorization/roleAssignments')) {
      if (!name.startsWith('[')) expect(name).toMatch(/^[\da-f-]{36}$/);
    }
    const unknown = resources.filter(({ name, type }) => name.startsWith('[') && !type.includes('privateDnsZones'));
    expect(unknown.map(({ type }) => type)).toEqual([]);
  });

  it('keeps all storage alike', () => {
    const skus = ofType(resources, 'Microsoft.Storage/storageAccounts').map(({ sku }) => sku?.name);
    expect(new Set(skus).size).toBe(1);
  });

  it('has an alert for each that is described', () => {
    const alerts = ofType(resources, 'Microsoft.Insights/scheduledQueryRules').map(({ name }) => name);
    expect(alerts).toEqual(
      [
        ...['success-rate', 'latency', 'lag', 'dead-letters', 'circuit-open'],
        ...['batch-failed', 'batch-at-risk', 'batch-poison'],
        ...['rollback', 'rollout-waiting', 'quarantine', 'sweep-behind', 'drift', 'no-results'],
      ].map(name => `alert-${name}-${token}`),
    );
  });
});

describe('deployment of the default', () => {
  it('has settings that the app can be started with', () => {
    const [site] = ofType(snapshot('default'), 'Microsoft.Web/sites');
    const config = site?.properties.siteConfig as { appSettings: { name: string; value: string }[] } | undefined;
    const { appSettings } = config ?? { appSettings: [] };
    expect(new Set(appSettings.map(({ name }) => name)).size).toBe(appSettings.length);
    const settings = readSettings(Object.fromEntries(appSettings.map(({ name, value }) => [name, value])));
    expect(settings.REQUESTS_HUB).toBe('inference-requests');
    expect(settings.DEFAULT_MODEL).toBeUndefined();
  });
});

describe('deployment of every option', () => {
  it('sets every parameter that has a default', () => {
    const given = [...read('test/infra/every-option.bicepparam').matchAll(/^param (\w+) =/gm)].map(([, name]) => name);
    expect(given.sort()).toEqual([...parametersIn(read('infra/main.bicep')).keys()].sort());
  });

  it('leaves nothing public but queries, which Grafana asks from outside', () => {
    const open = everyOption.flatMap(({ name, properties }) =>
      Object.entries(properties)
        .filter(([key, value]) => key.startsWith('publicNetworkAccess') && value !== 'Disabled')
        .map(([key]) => `${name.split('-')[0]} ${key}`),
    );
    expect(open).toEqual(['log publicNetworkAccessForQuery', 'appi publicNetworkAccessForQuery']);
    const closed = everyOption.filter(({ properties }) => properties.publicNetworkAccess === 'Disabled');
    expect(closed.length).toBe(7);
    for (const { properties } of ofType(everyOption, 'Microsoft.Storage/storageAccounts')) {
      expect(properties.networkAcls).toMatchObject({ defaultAction: 'Deny' });
    }
  });

  it('lets the app out by NAT alone', () => {
    const [network] = ofType(everyOption, 'Microsoft.Network/virtualNetworks');
    const subnets = network?.properties.subnets as { name: string; properties: Readonly<Record<string, unknown>> }[];
    expect(subnets.map(({ name, properties }) => [name, properties.natGateway !== undefined])).toEqual([
      ['app', true],
      ['endpoints', false],
      ['containers', true],
    ]);
    for (const { properties } of subnets) expect(properties.defaultOutboundAccess).toBe(false);
  });

  it('gives KEDA what the scaler reads, and nothing of the app', () => {
    const [, keda] = ofType(everyOption, 'Microsoft.ManagedIdentity/userAssignedIdentities').map(({ name }) => name);
    expect(keda).toMatch(/^id-keda-/);
    expect(rolesOf(everyOption, keda as string)).toEqual([
      `reads blobs sthost${keda?.slice('id-keda-'.length)}`,
      `reads queues sthost${keda?.slice('id-keda-'.length)}`,
      'receives inference-requests',
    ]);
    const credentials = ofType(
      everyOption,
      'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials',
    );
    expect(credentials.map(({ name, properties }) => [name.split('/')[1], properties.subject])).toEqual([
      ['aks', 'system:serviceaccount:hubscore:hubscore'],
      ['keda', 'system:serviceaccount:keda:keda-operator'],
    ]);
  });

  it('writes no DNS zone twice at once: its writers come one after another', () => {
    const text = read('infra/private-endpoints.bicep');
    const modules = [...text.matchAll(/^module (\w+) 'private-endpoint\.bicep'[\s\S]*?^\}/gm)].map(
      ([body, symbol]) => ({
        symbol: symbol as string,
        zones:
          /zones: \[([\s\S]*?)\]/
            .exec(body)?.[1]
            ?.trim()
            .split(/\s*\n\s*/) ?? [],
        after: /dependsOn: \[(.*)\]/.exec(body)?.[1]?.split(', ') ?? [],
      }),
    );
    expect(modules.length).toBeGreaterThan(6);
    const writers = new Map<string, { symbol: string; after: readonly string[] }[]>();
    for (const { symbol, zones, after } of modules) {
      for (const zone of zones) writers.set(zone, [...(writers.get(zone) ?? []), { symbol, after }]);
    }
    for (const [zone, chain] of writers) {
      for (const [i, { after }] of chain.entries()) {
        // The one before may be an option that is off: then the one before that counts.
        if (i > 0) expect(after, `${zone}: ${chain[i]?.symbol}`).toContain(chain[i - 1]?.symbol);
      }
    }
  });
});
