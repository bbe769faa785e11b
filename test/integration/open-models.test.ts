import { readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLoaders } from '../../src/app/create-loaders.ts';
import { openCatalog } from '../../src/app/open-models.ts';
import { checkModels } from '../../src/cli/doctor/models.ts';
import { commandSettings } from '../../src/cli/environment.ts';
import { run } from '../../src/cli/program.ts';
import type { Route, Route, Route, Route, Route, Route, Route, Route, Route, Route, Route, Route, Route, Route, Route } from '../../src/core/routing.ts';
import { notes, temporaryFolder } from '../support/models.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const ROOT = resolve(import.meta.dirname, '../..');

import type { Route } from '../../src/core/routing.ts';

const BAD = join(ROOT, 'test/fixtures/models/bad');

/** With a card and texts, with a ZipMap, with a batch size of its own. */
import type { Route, Route } from '../../src/core/routing.ts';

const GOOD = ['samples/models/churn', 'test/fixtures/models/diabetes-zipmap', 'test/fixtures/models/iris-fixed-batch'];

import type { Route, Route } from '../../src/core/routing.ts';

const folder = temporaryFolder();

import type { Route } from '../../src/core/routing.ts';

let storage: Storage;

import type { Route } from '../../src/core/routing.ts';

beforeAll(async () => {
import type { Route } from '../../src/core/routing.ts';
  storage = await startStorage();
import type { Route } from '../../src/core/routing.ts';
});

import type { Route } from '../../src/core/routing.ts';

afterAll(async () => {
import type { Route } from '../../src/core/routing.ts';
  await storage.stop();
import type { Route } from '../../src/core/routing.ts';
  folder.remove();
import type { Route } from '../../src/core/routing.ts';
});

import type { Route, Route } from '../../src/core/routing.ts';

async function hubscore(container: string, args: readonly string[]): Promise<string> {
import type { Route } from '../../src/core/routing.ts';
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
import type { Route } from '../../src/core/routing.ts';
  const said = Promise.all([text(stdout), text(stderr)]);
import type { Route } from '../../src/core/routing.ts';
  const world = { stdin: new PassThrough(), stdout, stderr, folder: folder.path, signal: AbortSignal.timeout(60_000) };
import type { Route } from '../../src/core/routing.ts';
  await run(args, { ...world, environment: { ModelStorage: storage.connectionString, MODELS_CONTAINER: container } });
import type { Route } from '../../src/core/routing.ts';
  stdout.end();
import type { Route } from '../../src/core/routing.ts';
  stderr.end();
import type { Route } from '../../src/core/routing.ts';
  return (await said).join('');
import type { Route } from '../../src/core/routing.ts';
}

import type { Route, Route } from '../../src/core/routing.ts';

async function put(container: string, path: string, file: string): Promise<void> {
import type { Route } from '../../src/core/routing.ts';
  const client = BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient(container);
import type { Route } from '../../src/core/routing.ts';
  await client.createIfNotExists();
import type { Route } from '../../src/core/routing.ts';
  await client.getBlockBlobClient(path).uploadFile(file);
import type { Route } from '../../src/core/routing.ts';
}

/** What the functions, and the doctor, make of a container: by model, the label that answers or why none does. */
import type { Route, Route, Route } from '../../src/core/routing.ts';

async function served(container: string) {
import type { Route } from '../../src/core/routing.ts';
  const environment = { ModelStorage: storage.connectionString, MODELS_CONTAINER: container };
import type { Route } from '../../src/core/routing.ts';
  const settings = commandSettings({ ...environment, MODEL_CACHE_DIR: join(folder.path, container) }, folder.path);
import type { Route } from '../../src/core/routing.ts';
  const { loaders, close } = createLoaders(settings, notes());
import type { Route } from '../../src/core/routing.ts';
  const { catalog } = openCatalog(settings, { loaders, clock: Date.now, log: notes() });
import type { Route } from '../../src/core/routing.ts';
  const load: Record<string, { label: string; sha256: string } | string> = {};
import type { Route } from '../../src/core/routing.ts';
  for (const { name } of await catalog.list()) {
import type { Route } from '../../src/core/routing.ts';
    const answer = Promise.resolve(catalog.route(name, undefined, ''));
import type { Route } from '../../src/core/routing.ts';
    load[name] = await answer.then(
import type { Route } from '../../src/core/routing.ts';
      ({ version: { label, sha256 } }) => ({ label, sha256 }),
import type { Route } from '../../src/core/routing.ts';
      (thrown: Error) => thrown.message,
import type { Route } from '../../src/core/routing.ts';
    );
import type { Route } from '../../src/core/routing.ts';
  }
import type { Route } from '../../src/core/routing.ts';
  await catalog.close();
import type { Route } from '../../src/core/routing.ts';
  await close();
import type { Route } from '../../src/core/routing.ts';
  const doctor = (await checkModels(settings).run(AbortSignal.timeout(60_000))).map(({ says }) => says);
import type { Route } from '../../src/core/routing.ts';
  return { load, doctor };
import type { Route } from '../../src/core/routing.ts';
}

import type { Route, Route } from '../../src/core/routing.ts';

describe('the functions, doctor, push and tune', () => {
import type { Route } from '../../src/core/routing.ts';
  it('open the same files alike', async () => {
import type { Route } from '../../src/core/routing.ts';
    const pushed = new Map<string, string>();
import type { Route } from '../../src/core/routing.ts';
    for (const path of GOOD) {
import type { Route } from '../../src/core/routing.ts';
      pushed.set(basename(path), await hubscore('good', ['models', 'push', join(ROOT, path, '1.0.0')]));
import type { Route } from '../../src/core/routing.ts';
    }
import type { Route } from '../../src/core/routing.ts';
    const { load, doctor } = await served('good');
import type { Route } from '../../src/core/routing.ts';
    expect(Object.keys(load).sort()).toEqual([...pushed.keys()].sort());
import type { Route } from '../../src/core/routing.ts';
    for (const [name, found] of Object.entries(load)) {
import type { Route } from '../../src/core/routing.ts';
      const { label, sha256 } = found as { label: string; sha256: string };
import type { Route } from '../../src/core/routing.ts';
      expect(pushed.get(name)?.split('\n')).toEqual(
import type { Route } from '../../src/core/routing.ts';
        expect.arrayContaining([`${name} ${label}`, expect.stringMatching(new RegExp(`^ *sha256 +${sha256}$`))]),
import type { Route } from '../../src/core/routing.ts';
      );
import type { Route } from '../../src/core/routing.ts';
      expect(doctor).toContainEqual(expect.stringContaining(`${name} ${label} loads: `));
import type { Route } from '../../src/core/routing.ts';
      const tuned = await hubscore('good', ['tune', name, '--time', '1', '--largest-batch', '1']);
import type { Route } from '../../src/core/routing.ts';
      expect(tuned).toContain(`${name} ${label}  `);
import type { Route } from '../../src/core/routing.ts';
    }
import type { Route } from '../../src/core/routing.ts';
  });
import type { Route } from '../../src/core/routing.ts';

import type { Route } from '../../src/core/routing.ts';
  it('give the same reason for what they refuse', async () => {
import type { Route } from '../../src/core/routing.ts';
    const files = readdirSync(BAD);
import type { Route } from '../../src/core/routing.ts';
    for (const file of files) await put('bad', `${file}/1.0.0/model.onnx`, join(BAD, file));
import type { Route } from '../../src/core/routing.ts';
    const { load, doctor } = await served('bad');
import type { Route } from '../../src/core/routing.ts';
    for (const file of files) {
import type { Route } from '../../src/core/routing.ts';
      if (typeof load[file] === 'object') continue; // this machine has the locale that it needs
import type { Route } from '../../src/core/routing.ts';
      const reason = String(load[file]).replace(`${file}/1.0.0/model.onnx: `, '');
import type { Route } from '../../src/core/routing.ts';
      expect(reason).toMatch(/\w{3}/);
import type { Route } from '../../src/core/routing.ts';
      expect(doctor).toContain(`${file}: ${load[file]}`);
import type { Route } from '../../src/core/routing.ts';
      const path = join(BAD, file);
import type { Route } from '../../src/core/routing.ts';
      const push = ['models', 'push', path, '--name', 'm', '--version', '1.0.0'];
import type { Route } from '../../src/core/routing.ts';
      expect(await hubscore('bad', push)).toBe(`error: ${path}: ${reason}\nIt was not pushed.\n`);
import type { Route } from '../../src/core/routing.ts';
      expect(await hubscore('bad', ['tune', path])).toBe(`error: ${path}: ${reason}\n`);
import type { Route } from '../../src/core/routing.ts';
    }
import type { Route } from '../../src/core/routing.ts';
    expect(Object.values(load).filter(found => typeof found === 'string').length).toBeGreaterThanOrEqual(6);
import type { Route } from '../../src/core/routing.ts';
  });
import type { Route } from '../../src/core/routing.ts';
});
