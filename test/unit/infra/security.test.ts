import { describe, expect, it } from 'vitest';
import { bicepFiles, parametersIn, property, read, resourcesIn } from './bicep.ts';

const files = bicepFiles();
const all = [...files].flatMap(([path, text]) => resourcesIn(text).map(resource => ({ path, ...resource })));
const ofType = (suffix: string) => all.filter(({ type }) => type.toLowerCase().endsWith(suffix));

/** What the code must hold for a role to be needed: a file and what stands in it. */
const USERS: Readonly<Record<string, readonly [file: string, evidence: string]>> = {
  appReadsRequests: ['src/functions/score-requests.ts', 'eventHubName: settings.REQUESTS_HUB'],
  appSendsRequests: ['src/ledger/replay.ts', 'producer.sendBatch'],
  appReadsResults: ['src/app/open-events.ts', 'results: readerWithBreaker(open(settings.RESULTS_HUB)'],
  appSendsResults: ['src/app/open-events.ts', 'open(RESULTS_HUB)'],
  appReadsDeadLetters: ['src/app/open-events.ts', 'deadLetters: readerWithBreaker(open(settings.DEAD_LETTER_HUB)'],
  appSendsDeadLetters: ['src/app/open-events.ts', 'open(DEAD_LETTER_HUB)'],
  appReadsModels: ['src/app/open-catalog.ts', 'MODELS_CONTAINER'],
  appReadsLabels: ['src/app/open-sweep.ts', 'labels: reader(settings.LABELS_HUB)'],
  appMovesDeployments: ['src/app/judge-rollouts.ts', 'deployment.json'],
  appKeepsAudit: ['src/app/open-sweep.ts', 'AUDIT_CONTAINER'],
  appKeepsVerdicts: ['src/app/open-catalog.ts', 'createBlobs(connection, MONITOR_CONTAINER)'],
  appReadsSchemas: ['src/codecs/schema-registry/azure.ts', '/$schemaGroups/$schemas/'],
  appKeepsJobs: ['src/app/open-jobs.ts', 'storage(settings.BATCH_CONTAINER)'],
  hostOwnsBlobs: ['infra/function-app.bicep', 'AzureWebJobsStorage__blobServiceUri'],
  hostUsesQueues: ['infra/function-app.bicep', 'AzureWebJobsStorage__queueServiceUri'],
  hostUsesTables: ['infra/function-app.bicep', 'AzureWebJobsStorage__tableServiceUri'],
  appSendsTelemetry: ['infra/function-app.bicep', 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING'],
  kedaReadsRequests: ['deploy/kubernetes/scaled-object.yaml', 'eventHubName: inference-requests'],
  kedaReadsCheckpoints: ['deploy/kubernetes/scaled-object.yaml', 'checkpointStrategy: blobMetadata'],
  kedaCountsChunks: ['deploy/kubernetes/scaled-object.yaml', 'queueName: batch-chunks'],
  personSendsRequests: ['src/cli/send.ts', 'REQUESTS_HUB'],
  personReadsRequests: ['scripts/azure/local-settings.ts', 'EventHubs__fullyQualifiedNamespace'],
  personReadsResults: ['src/cli/tail.ts', 'settings.RESULTS_HUB'],
  personSendsResults: ['scripts/azure/local-settings.ts', 'EventHubs__fullyQualifiedNamespace'],
  personReadsDeadLetters: ['src/cli/tail.ts', 'settings.DEAD_LETTER_HUB'],
  personSendsDeadLetters: ['scripts/azure/local-settings.ts', 'EventHubs__fullyQualifiedNamespace'],
  personSendsLabels: ['docs/deploy.md', 'inference-labels'],
  personChangesModels: ['scripts/azure/after-provision.ts', 'uploadModels('],
  personKeepsVerdicts: ['src/cli/models-push.ts', 'shareVerdict('],
  personSubmitsJobs: ['src/cli/job-room.ts', 'openJobRoom('],
  personKeepsAudit: ['src/cli/change-deployment.ts', 'AUDIT_CONTAINER'],
  writer: ['infra/event-hubs.bicep', 'userAssignedIdentity: captureIdentityId'],
  grafanaReads: ['infra/dashboards/grafana-azure.json', 'Azure Log Analytics'],
  personRunsGrafana: ['scripts/azure/after-provision.ts', 'uploadDashboard('],
};

describe('roles', () => {
  const assignments = ofType('/roleassignments');

  it('have each a user', () => {
    expect(assignments.map(({ symbol }) => symbol).sort()).toEqual(Object.keys(USERS).sort());
    for (const [role, [file, evidence]] of Object.entries(USERS)) expect(read(file), role).toContain(evidence);
  });

  it('are given on one hub, container or account, never on the group, and say why', () => {
    for (const { symbol, body } of assignments) {
      expect(property(body, 'scope'), symbol).toMatch(/^\w+$/);
      expect(body, symbol).toMatch(/description: '.+'/);
    }
    const onNamespace = assignments.filter(({ body }) => property(body, 'scope') === 'namespace');
    expect(onNamespace).toEqual([]);
  });

  it('are given to people as what they are', () => {
    for (const { symbol, body } of assignments) {
      const expected = symbol.startsWith('person') ? 'principalType' : "'ServicePrincipal'";
      expect(property(body, 'principalType'), symbol).toBe(expected);
    }
    expect(JSON.parse(read('infra/main.parameters.json')).parameters.principalType.value).toContain(
      'AZURE_PRINCIPAL_TYPE',
    );
  });
});

describe("the app's right to change models", () => {
  const { body } = ofType('/roleassignments').find(({ symbol }) => symbol === 'appMovesDeployments') ?? { body: '' };

  it('ends at deployment.json', () => {
    expect(property(body, 'conditionVersion')).toBe("'2.0'");
    expect(body).toContain(`:path] StringLike \\'*/deployment.json\\'`);
    for (const action of ['write', 'add/action', 'move/action', 'delete'])
      expect(body, action).toContain(`!(ActionMatches{\\'\${blobsOf}/${action}\\'})`);
  });

  it('takes nothing away', () => {
    expect(body).toMatch(/deployment\.json\\' AND !\(ActionMatches\{\\'\$\{blobsOf\}\/delete\\'\}\)\)\)'/);
  });
});

describe('the audit trail', () => {
  it('can only be added to', () => {
    const [policy] = ofType('/immutabilitypolicies');
    expect(policy?.body).toContain('allowProtectedAppendWrites: true');
    expect(property(policy?.body ?? '', 'parent')).toBe('audit');
  });
});

describe('keys', () => {
  it('are switched off where there are any', () => {
    for (const { path, body } of ofType('/storageaccounts')) {
      expect(property(body, 'allowSharedKeyAccess'), path).toBe('false');
      expect(property(body, 'allowBlobPublicAccess'), path).toBe('false');
      expect(property(body, 'minimumTlsVersion'), path).toBe("'TLS1_2'");
    }
    expect(ofType('/storageaccounts')).toHaveLength(3);
    const [namespace] = ofType('/namespaces');
    expect(property(namespace?.body ?? '', 'disableLocalAuth')).toBe('true');
    expect(property(namespace?.body ?? '', 'minimumTlsVersion')).toBe("'1.2'");
    expect(read('infra/monitoring.bicep')).toContain('DisableLocalAuth: true');
    expect(read('infra/monitoring.bicep')).toContain('disableLocalAuth: true');
    expect(read('infra/redis.bicep')).toContain("accessKeysAuthentication: 'Disabled'");
    expect(ofType('/basicpublishingcredentialspolicies').map(({ body }) => property(body, 'properties'))).toEqual([
      '{ allow: false }',
      '{ allow: false }',
    ]);
  });

  it('stand nowhere: no key, connection string or SAS', () => {
    const secrets =
      /listKeys|listAccountSas|listServiceSas|sharedKey\b|SharedAccessKey|AccountKey=|sig=|@secure|password/i;
    for (const [path, text] of files) expect(text, path).not.toMatch(secrets);
    const named = [...files].flatMap(([path, text]) => (/ConnectionString/.test(text) ? [path] : []));
    // Application Insights': it says where telemetry goes, and lets nobody in without a token.
    expect(named).toEqual([
      'deploy/container-app.bicep',
      'infra/function-app.bicep',
      'infra/main.bicep',
      'infra/monitoring.bicep',
    ]);
    for (const path of ['azure.yaml', 'infra/main.parameters.json', 'deploy/kubernetes/config.yaml'])
      expect(read(path), path).not.toMatch(secrets);
  });
});

describe('private networking', () => {
  it('closes everything that takes traffic', () => {
    for (const [path, text] of files) {
      if (!path.startsWith('infra/') || !/publicNetworkAccess\w*: /.test(text)) continue;
      for (const [, value] of text.matchAll(/publicNetworkAccess\w*: (.+)$/gm))
        expect(value, path).toMatch(/^(private \? 'Disabled' : 'Enabled'|\w+ \? 'Enabled' : 'Disabled')$/);
    }
    const open = [...files]
      .filter(([path, text]) => path.startsWith('infra/') && parametersIn(text).has('publicAccess'))
      .map(([path]) => path.slice('infra/'.length));
    const main = read('infra/main.bicep');
    for (const path of open) {
      const module = new RegExp(`^module \\w+ '${path}'[\\s\\S]*?^\\}`, 'm').exec(main)?.[0];
      expect(module, path).toContain('publicAccess: !privateNetworking');
    }
    expect(open).toHaveLength(6);
  });

  it('has an endpoint for each of them, in its own DNS zone', () => {
    const text = read('infra/private-endpoints.bicep') + read('infra/main.bicep');
    const groups = [...text.matchAll(/groupId: '(\w+)'/g)].map(([, group]) => group).sort();
    expect(groups).toEqual(
      [
        'azuremonitor',
        'blob',
        'blob',
        'blob',
        'grafana',
        'namespace',
        'queue',
        'redisEnterprise',
        'sites',
        'table',
      ].sort(),
    );
  });
});
