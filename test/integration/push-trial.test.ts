import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
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
import { hanger, killer, regressor } from '../support/onnx.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const HUBSCORE = resolve(import.meta.dirname, '../../src/cli/hubscore.ts');

describe('what trying a model shows', () => {
  const folder = temporaryFolder();
  let storage: Storage;
  let instances = 0;
  beforeAll(async () => {
    storage = await startStorage();
  });
  afterAll(async () => {
    await storage?.stop();
    folder.remove();
  });

  const environment = () => ({ ModelStorage: storage.connectionString, MODEL_LOAD_TIMEOUT_SECONDS: '30' });
  function put(name: string, content: Buffer): string {
    const path = join(folder.path, name);
    writeFileSync(path, content);
    return path;
  }
  async function hubscore(...args: readonly string[]): Promise<string> {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const said = Promise.all([text(stdout), text(stderr)]);
    const world = {
      stdin: new PassThrough(),
      stdout,
      stderr,
      folder: folder.path,
      signal: AbortSignal.timeout(60_000),
    };
    await run(args, { ...world, environment: environment() });
    stdout.end();
    stderr.end();
    return (await said).join('');
  }
  const push = (file: string, name: string) => hubscore('models', 'push', file, '--name', name, '--version', '1.0.0');
  const client = (container: string) =>
    BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient(container);

  /** As an instance that was never there before does; what it logs of it. */
  async function load(name: string): Promise<readonly string[]> {
    const settings = commandSettings(
      { ...environment(), MODEL_CACHE_DIR: join(folder.path, `cache ${++instances}`) },
      folder.path,
    );
    const log = notes();
    const { loaders, close } = createLoaders(settings, log);
    const { catalog } = openCatalog(settings, { loaders, clock: Date.now, log });
    await catalog.routing(name, undefined);
    await catalog.close();
    await close();
    return log.lines;
  }

  it('is kept by a push for every instance that loads it: no one tries it again', async () => {
    await push(put('good.onnx', regressor([1, 2])), 'pushed');
    const verdicts = [];
    for await (const { name } of client('monitor').listBlobsFlat()) verdicts.push(name);
    expect(verdicts).toEqual([expect.stringMatching(/^verdicts\/[0-9a-f]{64}\.json$/)]);
    expect(await load('pushed')).toEqual([expect.stringMatching(/^pushed 1\.0\.0\+\w{8} loaded in \d+ ms: in-line/)]);
  });

  it('is kept by the first instance for the others where nobody pushed it', async () => {
    await client('models').createIfNotExists();
    const file = client('models').getBlockBlobClient('dropped/1.0.0/model.onnx');
    await file.uploadData(regressor([3, 4]));
    expect(await load('dropped')).toEqual([
      expect.stringMatching(/^dropped\/1\.0\.0\/model\.onnx: tried in a process of its own in \d+ ms$/),
      expect.stringMatching(/^dropped 1\.0\.0\+\w{8} loaded in/),
    ]);
    expect(await load('dropped')).toEqual([expect.stringMatching(/^dropped 1\.0\.0\+\w{8} loaded in/)]);
  });

  it('is said of a file that ends the process that opens it, by push, tune, show and doctor; it is not pushed', async () => {
    const path = put('killer.onnx', killer());
    const says = 'opening it ended the process that tried it: the process was ended by SIGFPE';
    expect(await push(path, 'killer')).toBe(`error: ${path}: ${says}\nIt was not pushed.\n`);
    expect(await hubscore('tune', path)).toBe(`error: ${path}: ${says}\n`);
    expect(await client('models').getBlockBlobClient('killer/1.0.0/model.onnx').exists()).toBe(false);
    await client('models').getBlockBlobClient('shown/1.0.0/model.onnx').uploadData(killer());
    expect(await hubscore('models', 'show', 'shown')).toContain(says);
    const settings = commandSettings(environment(), folder.path);
    const found = await checkModels(settings).run(AbortSignal.timeout(60_000));
    expect(found.map(({ says: words }) => words)).toContain(`shown: shown/1.0.0/model.onnx: ${says}`);
    await client('models').deleteBlob('shown/1.0.0/model.onnx');
  });

  it('takes no longer than one waits for it: SIGTERM ends a push of an endless loop, and all that it began', async () => {
    const path = put('hanger.onnx', hanger());
    const args = [HUBSCORE, 'models', 'push', path, '--name', 'hanger', '--version', '1.0.0'];
    const pushing = spawn(process.execPath, args, { env: { ...process.env, ...environment() }, stdio: 'pipe' });
    await expect.poll(() => childrenOf(pushing.pid ?? 0).length, { timeout: 10_000 }).toBe(1);
    const [child = 0] = childrenOf(pushing.pid ?? 0);
    await expect.poll(() => spinning(child), { timeout: 25_000 }).toBe(true);
    const start = performance.now();
    pushing.kill('SIGTERM');
    expect(await once(pushing, 'exit')).toEqual([130, null]);
    expect(performance.now() - start).toBeLessThan(3_000);
    await expect.poll(() => childrenOf(pushing.pid ?? 0), { timeout: 3_000 }).toEqual([]);
    expect(() => process.kill(child, 0)).toThrow('ESRCH');
  });
});

/** Fields of proc(5)'s stat behind the name. */
function statOf(pid: number): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name));
  return pids.map(Number).filter(pid => statOf(pid)[1] === String(parent));
}

/** It has computed for longer than it takes to come up. */
const spinning = (pid: number) => Number(statOf(pid)[11]) > 100;
