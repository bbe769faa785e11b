/**
 * Foreign clients against the local stack: `npm run test:interop`. Makes a Python environment under `.local/`, starts the stack on
 * free ports and runs each program; what needs a toolchain that the machine lacks is left out, and said. `-- NAME` runs those of that name, `-- --all` also what takes minutes.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { startEventHubs } from '../support/event-hubs.ts';
import { startHost } from '../support/functions-host.ts';
import { startConfluentRegistry } from '../support/schema-registry.ts';
import { startStorage } from '../support/storage.ts';
import { programs } from './programs.ts';
import { interopPython } from './python-environment.ts';
import { runProgram } from './run-program.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const all = process.argv.includes('--all');
const only = process.argv.slice(2).find(argument => !argument.startsWith('--'));
const begun = performance.now();
const seconds = (since: number) => `${Math.round((performance.now() - since) / 1000)} s`;

const python = interopPython(ROOT);
execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: 'inherit' });
console.log(`── installed and built in ${seconds(begun)}`);

const { features } = JSON.parse(readFileSync(resolve(ROOT, 'samples/models/diabetes/1.0.0/model.json'), 'utf8')) as {
  features: readonly { readonly name: string }[];
};
// As formats_python.py describes it: a registry gives text, a serializer registers a descriptor.
const fields = features.map(({ name }, i) => `  double ${name} = ${i + 2};`);
const proto = [
  'syntax = "proto3";',
  'package example;',
  'message Row {',
  '  string request_id = 1;',
  ...fields,
  '}',
].join('\n');
const [eventHubs, storage, registry] = await Promise.all([
  startEventHubs(),
  startStorage(),
  startConfluentRegistry(proto),
]);
const host = await startHost({
  appDir: ROOT,
  env: {
    EventHubs: eventHubs.connectionString,
    AzureWebJobsStorage: storage.connectionString,
    ModelStorage: storage.connectionString,
    SCHEMA_REGISTRY: registry.url,
    RESULT_FORMAT: 'cloudevents', // beside their JSON, which all programs read
    MODEL_REFRESH_SECONDS: '1', // the programs upload models while it runs
  },
});
const stack = { eventHubs, storage, registry, host };

const tally = { passed: 0, failed: 0, skipped: 0 };
for (const { skip, ...program } of programs({ root: ROOT, python, stack, all: all || only !== undefined })) {
  if (only !== undefined && !program.name.toLowerCase().includes(only.toLowerCase())) continue;
  if (skip !== undefined) {
    console.log(`── ${program.name}: SKIPPED, ${skip}`);
    tally.skipped++;
    continue;
  }
  console.log(`── ${program.name}`);
  const started = performance.now();
  const verdict = await runProgram(program);
  tally[verdict === 'passed' ? 'passed' : verdict === 'SKIPPED' ? 'skipped' : 'failed']++;
  console.log(`── ${program.name}: ${verdict} in ${seconds(started)}`);
}
if (tally.failed > 0) console.log(`── the functions host said at last\n${host.log().slice(-4000)}`);
await host.stop();
await Promise.all([eventHubs.stop(), storage.stop(), registry.close()]);

const { passed, failed, skipped } = tally;
const parts = [failed && `${failed} failed`, `${passed} passed`, skipped && `${skipped} skipped`].filter(Boolean);
console.log(`Tests  ${parts.join(' | ')} (${passed + failed + skipped})  in ${seconds(begun)}`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
