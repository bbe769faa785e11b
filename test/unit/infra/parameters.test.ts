import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { faultsIn, parametersIn } from '../../../scripts/azure/parameters.ts';
import { ROOT, read } from './bicep.ts';

const faults = (environment: Record<string, string>) =>
  faultsIn(environment, read('infra/main.bicep'), read('infra/main.parameters.json'));

it.each([
  ['PARTITION_COUNT', 'many', 'PARTITION_COUNT takes a whole number from 1 to 32, and is "many"'],
  ['PARTITION_COUNT', '64', 'PARTITION_COUNT takes a whole number from 1 to 32, and is "64"'],
  ['PARTITION_COUNT', '4.5', 'PARTITION_COUNT takes a whole number from 1 to 32, and is "4.5"'],
  ['LAG_ALERT_EVENTS', '0', 'LAG_ALERT_EVENTS takes a whole number, at least 1, and is "0"'],
  ['INSTANCE_MEMORY_MB', '1024', 'INSTANCE_MEMORY_MB takes one of 2048, 4096, and is "1024"'],
  ['USE_REDIS', 'yes', 'USE_REDIS takes true or false, and is "yes"'],
  [
    'STORAGE_SKU',
    'ZRS',
    'STORAGE_SKU takes one of Standard_LRS, Standard_ZRS, Standard_GRS, Standard_GZRS, and is "ZRS"',
  ],
  [
    'APP_SETTINGS',
    '{"MODEL_MEMORY_MB":2048}',
    'APP_SETTINGS takes a JSON object whose values are strings, and is "{\\"MODEL_MEMORY_MB\\":2048}"',
  ],
  [
    'APP_SETTINGS',
    'MODEL_MEMORY_MB=2048',
    'APP_SETTINGS takes a JSON object whose values are strings, and is "MODEL_MEMORY_MB=2048"',
  ],
])('%s=%s is refused before anything is deployed', (name, value, says) => {
  expect(faults({ [name]: value })).toEqual([says]);
});

it('takes what fits, and what is not set', () => {
  expect(
    faults({
      PARTITION_COUNT: '32',
      USE_REDIS: 'True',
      STORAGE_SKU: 'Standard_ZRS',
      DEFAULT_MODEL: '',
      APP_SETTINGS: '{"MODEL_MEMORY_MB":"2048"}',
    }),
  ).toEqual([]);
});

it('knows the bounds of every number', () => {
  const numbers = [...parametersIn(read('infra/main.bicep')).values()].filter(({ type }) => type === 'int');
  expect(numbers.length).toBeGreaterThan(10);
  for (const { minimum, allowed } of numbers) expect(minimum ?? allowed[0]).toBeDefined();
});

it('are looked at by the hook, which says what is wrong and nothing else', () => {
  const run = (script: string, environment: Record<string, string>) =>
    spawnSync(process.execPath, [join(ROOT, 'scripts/azure', script)], {
      env: { PATH: process.env.PATH, ...environment },
      encoding: 'utf8',
    });
  const refused = run('before-provision.ts', { PARTITION_COUNT: 'many' });
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain('PARTITION_COUNT takes a whole number from 1 to 32');
  expect(run('before-provision.ts', {}).status).toBe(0);
});

it('without outputs of a deployment, the hook after it says so in a sentence', () => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [join(ROOT, 'scripts/azure/after-provision.ts')], {
    env: { PATH: process.env.PATH },
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  expect(stderr + stdout).toMatch(/is not set: run this by `azd provision`/);
  expect(stderr + stdout).not.toMatch(/^\s+at /m);
});
