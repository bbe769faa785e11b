/** Azure's encoders through a stack of its own, whose app asks a namespace's schema registry by its identity; argument: the Python to run them with. Exit status 0: all well. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startEventHubs } from '../../support/event-hubs.ts';
import { startHost } from '../../support/functions-host.ts';
import { startAzureRegistry } from '../../support/schema-registry.ts';
import { startStorage } from '../../support/storage.ts';
import { createTestCertificate } from '../../support/test-certificate.ts';
import { runProgram } from '../run-program.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const [python = 'python3'] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'hubscore-registry-'));
const authority = join(folder, 'authority.pem');
const certificate = createTestCertificate();
writeFileSync(authority, certificate.cert);

const [eventHubs, storage, registry] = await Promise.all([
  startEventHubs(),
  startStorage(),
  startAzureRegistry(certificate),
]);
const host = await startHost({
  appDir: ROOT,
  env: {
    EventHubs: eventHubs.connectionString,
    AzureWebJobsStorage: storage.connectionString,
    ModelStorage: storage.connectionString,
    MODEL_REFRESH_SECONDS: '1',
    SCHEMA_REGISTRY: registry.host,
    NODE_EXTRA_CA_CERTS: authority,
    ...registry.identity,
  },
});
try {
  const verdict = await runProgram({
    name: "Azure's encoders",
    command: python,
    args: ['azure_encoders.py', join(ROOT, 'samples')],
    folder: resolve(import.meta.dirname, '..'),
    environment: {
      ...process.env,
      EVENTHUBS_CONNECTION: eventHubs.connectionString,
      STORAGE_CONNECTION: storage.connectionString,
      FUNCTIONS_URL: host.url,
      SCHEMA_REGISTRY: registry.host,
      SCHEMA_REGISTRY_AUTHORITY: authority,
    },
    timeoutMs: 120_000,
  });
  assert.equal(verdict, 'passed', host.log().slice(-2000));
  // What a JSON body's schema says is not needed to read it.
  console.log(`ok      ${registry.given.length} schema was given to the app's identity`);
  assert.equal(registry.given.length, 1);
} finally {
  await host.stop();
  await Promise.all([eventHubs.stop(), storage.stop()]);
  registry.close();
  rmSync(folder, { recursive: true, force: true });
}
