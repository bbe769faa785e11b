import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkSchemaRegistry } from '../../../src/cli/doctor/schema-registry.ts';
import { readSettings } from '../../../src/config/config.ts';
import { type RegistryServer, startRegistry } from '../../support/schema-registry.ts';

describe('doctor tries the schema registry', () => {
  let server: RegistryServer;
  beforeEach(async () => {
    server = await startRegistry({});
  });
  afterEach(() => server.close());
  const findings = (SCHEMA_REGISTRY: string | undefined) =>
    checkSchemaRegistry(readSettings({ SCHEMA_REGISTRY })).run(AbortSignal.timeout(10_000));

  it('where one is named', async () => {
    expect(await findings(undefined)).toEqual([]);
    const host = new URL(server.url).host;
    expect(await findings(server.url)).toEqual([{ level: 'ok', says: `the schema registry ${host} answers` }]);
    server.away = true;
    expect(await findings(server.url)).toMatchObject([
      { level: 'fail', says: expect.stringContaining('answered 503') },
    ]);
  });

  it.each([
    ['http://registry.example.com', 'https:// URL (http:// on loopback only)'],
    ['ftp://127.0.0.1', 'https:// URL'],
    ['https://', 'https:// URL'],
    ['https://me:secret@registry.example.com', 'give it by SCHEMA_REGISTRY_AUTH'],
  ])('and refuses %s', async (named, says) => {
    const [finding] = await findings(named);
    expect(finding).toMatchObject({ level: 'fail', says: expect.stringContaining(says) });
    expect(finding?.says).not.toContain('secret');
  });
});
