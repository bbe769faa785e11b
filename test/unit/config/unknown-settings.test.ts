import { expect, it } from 'vitest';
import { unknownSettings } from '../../../src/config/unknown-settings.ts';

it.each([
  ['MODEL_REFRESH_SECOND', 'MODEL_REFRESH_SECONDS'],
  ['MODELS_CONTAINERS', 'MODELS_CONTAINER'],
  ['REQUEST_HUB', 'REQUESTS_HUB'],
  ['model_refresh_seconds', 'MODEL_REFRESH_SECONDS'],
  ['EventHubs__fullyQualifiedNamspace', 'EventHubs__fullyQualifiedNamespace'],
  ['EVENTHUBS', 'EventHubs'],
  ['REQUEST_TIMEOUT', 'REQUEST_TIMEOUT_MS'],
  ['WORKER_TREADS', 'WORKER_THREADS'],
])('%s is taken for %s', (name, meant) => {
  expect(unknownSettings({ [name]: '1' })).toEqual([`${name} is no setting; did you mean ${meant}?`]);
});

it('leaves alone what others set, and what is set beside the setting itself', () => {
  const others = [
    'PATH',
    'HOME',
    'HTTP_PROXY',
    'CACHE_DIR',
    'EVENTHUBS_PORT',
    'EVENTHUBS_HOST',
    'STORAGE_PORT',
    'REDIS_HOST',
  ];
  const host = [
    'AzureWebJobsStorage',
    'FUNCTIONS_WORKER_RUNTIME',
    'WEBSITE_SITE_NAME',
    'APPLICATIONINSIGHTS_ROLE_NAME',
  ];
  expect(unknownSettings(Object.fromEntries([...others, ...host].map(name => [name, '1'])))).toEqual([]);
  expect(unknownSettings({ REQUEST_HUB: 'a', REQUESTS_HUB: 'b', MODEL_REFRESH: undefined })).toEqual([]);
});
