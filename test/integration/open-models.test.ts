import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLoaders } from '../../src/app/create-loaders.ts';
import { openCatalog } from '../../src/app/open-catalog.ts';
import { checkModels } from '../../src/cli/doctor/models.ts';
import { commandSettings } from '../../src/cli/environment.ts';
import { run } from '../../src/cli/program.ts';
import { notes, temporaryFolder } from '../support/models.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const BAD = join(ROOT, 'test/fixtures/models/bad');
/** With a card and texts, with a ZipMap, with a batch size of its own. */
const GOOD = ['samples/models/churn', 'test/fixtures/models/diabetes-zipmap', 'test/fixtures/models/iris-fixed-batch'];

const folder = temporaryFolder();
let storage: Storage;
beforeAll(async () => {
  storage = await startStorage();
});
afterAll(async () => {
  await storage.stop();
  folder.remove();
});

async function hubscore(container: string, args: readonly string[]): Promise<string> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const said = Promise.all([text(stdout), text(stderr)]);
  const world = { stdin: new PassThrough(), stdout, stderr, folder: folder.path, signal: AbortSignal.timeout(60_000) };
  await run(args, { ...world, environment: { ModelStorage: storage.connectionString, MODELS_CONTAINER: container } });
  stdout.end();
  stderr.end();
  return (await said).join('');
}

async function put(container: string, path: string, file: string): Promise<void> {
  const client = BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient(container);
  await client.createIfNotExists();
  await client.getBlockBlobClient(path).uploadFile(file);
}

/** What the functions, and the doctor, make of a container: by model, the label that answers or why none does. */
async function served(container: string) {
  const environment = { ModelStorage: storage.connectionString, MODELS_CONTAINER: container };
  const settings = commandSettings({ ...environment, MODEL_CACHE_DIR: join(folder.path, container) }, folder.path);
  const { loaders, close } = createLoaders(settings, notes());
  const log = notes();
  const { catalog } = openCatalog(settings, { loaders, clock: Date.now, log });
  const load: Record<string, { label: string; sha256: string } | string> = {};
  for (const { name } of await catalog.list()) {
    const answer = Promise.resolve(catalog.routing(name, undefined));
    load[name] = await answer.then(
      ({ route }) => ({ label: String(route?.version.label), sha256: String(route?.version.sha256) }),
      (thrown: Error) => thrown.message,
    );
  }
  await catalog.close();
  await close();
  const doctor = (await checkModels(settings).run(AbortSignal.timeout(60_000))).map(({ says }) => says);
  return { load, doctor, log };
}

describe('the functions, doctor, push and tune', () => {
  it('open the same files alike', async () => {
    const pushed = new Map<string, string>();
    for (const path of GOOD) {
      pushed.set(basename(path), await hubscore('good', ['models', 'push', join(ROOT, path, '1.0.0')]));
    }
    const { load, doctor } = await served('good');
    expect(Object.keys(load).sort()).toEqual([...pushed.keys()].sort());
    for (const [name, found] of Object.entries(load)) {
      const { label, sha256 } = found as { label: string; sha256: string };
      expect(pushed.get(name)?.split('\n')).toEqual(
        expect.arrayContaining([`${name} ${label}`, expect.stringMatching(new RegExp(`^ *sha256 +${sha256}$`))]),
      );
      expect(doctor).toContainEqual(expect.stringContaining(`${name} ${label} loads: `));
      const tuned = await hubscore('good', ['tune', name, '--time', '1', '--largest-batch', '1']);
      expect(tuned).toContain(`${name} ${label}  `);
    }
  }, 120_000);

  it('give the same reason for what they refuse', async () => {
    const files = readdirSync(BAD);
    for (const file of files) await put('bad', `${file}/1.0.0/model.onnx`, join(BAD, file));
    const { load, doctor } = await served('bad');
    for (const file of files) {
      if (typeof load[file] === 'object') continue; // this machine has the locale that it needs
      const reason = String(load[file]).replace(`${file}/1.0.0/model.onnx: `, '');
      expect(reason).toMatch(/\w{3}/);
      expect(doctor).toContain(`${file}: ${load[file]}`);
      const path = join(BAD, file);
      const push = ['models', 'push', path, '--name', 'm', '--version', '1.0.0'];
      expect(await hubscore('bad', push)).toBe(`error: ${path}: ${reason}\nIt was not pushed.\n`);
      expect(await hubscore('bad', ['tune', path])).toBe(`error: ${path}: ${reason}\n`);
      // Where it was downloaded to is nobody's concern.
      expect(await hubscore('bad', ['models', 'show', file])).toBe(`error: ${load[file]}\n`);
    }
    expect(Object.values(load).filter(found => typeof found === 'string').length).toBeGreaterThanOrEqual(6);
  }, 120_000);

  it('serve a version whose card has a field that nothing reads, and say so in the log', async () => {
    await put('slip', 'churn/1.0.0/model.onnx', join(ROOT, 'samples/models/churn/1.0.0/model.onnx'));
    const card = JSON.parse(readFileSync(join(ROOT, 'samples/models/churn/1.0.0/model.json'), 'utf8'));
    writeFileSync(join(folder.path, 'slip.json'), JSON.stringify({ ...card, threshhold: 0.4 }));
    await put('slip', 'churn/1.0.0/model.json', join(folder.path, 'slip.json'));
    const { load, log } = await served('slip');
    expect(load.churn).toMatchObject({ label: expect.stringMatching(/^1\.0\.0\+/) });
    expect(log.about(/unknown field/)).toEqual([
      'churn/1.0.0/model.json: unknown field threshhold; did you mean outputs.threshold?; it serves without',
    ]);
  });
});
