// What the Functions worker does with an app, and nothing else: `node cold-start-worker.mjs <app folder>`, with a batch as JSON on standard
// input. Prints when, in milliseconds since the process started, the files were loaded and the batch was scored. Plain JavaScript, since
// it runs on the Node of Azure Functions, where stripping types would be measured too.
import { globSync, readFileSync } from 'node:fs';
import Module from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder] = process.argv.slice(2).map(path => resolve(path));
const startedMs = performance.now();
const functions = new Map();
const appStart = [];
const appTerminate = [];
const disposable = { dispose() {} };
const coreApi = {
  version: '3.11.0',
  hostVersion: '4.1040.0',
  setProgrammingModel() {},
  registerFunction(metadata, callback) {
    functions.set(metadata.name, callback);
    return disposable;
  },
  registerHook(name, hook) {
    if (name === 'appStart') appStart.push(hook);
    if (name === 'appTerminate') appTerminate.push(hook);
    return disposable;
  },
  log() {},
  Disposable: class {},
};
const load = Module._load;
Module._load = function (request, ...rest) {
  return request === '@azure/functions-core' ? coreApi : load.call(this, request, ...rest);
};

const { main } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
for (const file of globSync(main, { cwd: folder }).sort()) await import(pathToFileURL(join(folder, file)).href);
const loadedMs = performance.now();
for (const hook of appStart) await hook({});
const { bodies, metadata } = JSON.parse(readFileSync(0, 'utf8'));
await functions.get('score-requests')(
  bodies.map(body => Buffer.from(body)),
  { triggerMetadata: metadata },
);
const scoredMs = performance.now();
// Otherwise the next one takes it for a process that died at its batch.
for (const hook of appTerminate) await hook({});
process.stdout.write(`${JSON.stringify({ startedMs, loadedMs, scoredMs })}\n`, () => process.exit());
