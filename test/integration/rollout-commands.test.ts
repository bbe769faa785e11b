import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { temporaryFolder } from '../support/models.ts';
import { regressor } from '../support/onnx.ts';
import { type Storage, startStorage } from '../support/storage.ts';
import { ONNX_MLMODEL, startUnityCatalog, TOKEN } from '../support/unity-catalog.ts';

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

describe('rollout commands', () => {
  const folder = temporaryFolder();
  const more: Record<string, string> = {};
  let storage: Storage;
  beforeAll(async () => {
    storage = await startStorage();
    const models = BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient('models');
    await models.createIfNotExists();
    for (const version of ['1.0.0', '1.1.0', '1.2.0']) {
      const content = regressor([1, Number(version[2])]);
      await models.uploadBlockBlob(`m/${version}/model.onnx`, content, content.length);
    }
    await models.uploadBlockBlob('m/1.3.0/model.onnx', 'no model', 8);
  });
  afterAll(async () => {
    await storage?.stop();
    folder.remove();
  });

  async function hubscore(...args: readonly string[]): Promise<Said> {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const said = Promise.all([text(stdout), text(stderr)]);
    const environment = {
      ModelStorage: storage.connectionString,
      // Whoever starts a rollout need not reach the hubs.
      EventHubs: 'Endpoint=sb://localhost:9;SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true;',
      HUBSCORE_ACTOR: 'ann',
      NO_COLOR: '1',
      ...more,
    };
    const world = {
      stdin: new PassThrough(),
      stdout,
      stderr,
      folder: folder.path,
      signal: AbortSignal.timeout(120_000),
    };
    const code = await run(args, { ...world, environment });
    stdout.end();
    stderr.end();
    const [out, err] = await said;
    return { code, out, err };
  }
  const json = async (...args: readonly string[]) => {
    const { code, out, err } = await hubscore(...args, '--json');
    if (code !== 0) throw new Error(`${args.join(' ')}: ${code} ${err}`);
    return JSON.parse(out);
  };

  it('lead a version from its push to production and back, with a trail that holds', async () => {
    const file = join(folder.path, 'candidate.onnx');
    writeFileSync(file, regressor([2, 2]));
    // 1.3.0 does not load, and must not become production by the pin.
    await json('models', 'alias', 'm', 'production', '1.1.0');
    await json('models', 'push', file, '--name', 'm', '--version', '2.0.0', '--candidate');
    const { rollout, aliases } = await json(
      'rollout',
      'start',
      'm',
      '2.0.0',
      '--weight',
      '20',
      '--trigger',
      'error_rate > 0.02',
    );
    expect(aliases).toEqual({ production: '1.1.0', previous: '1.3.0' });
    expect(rollout).toMatchObject({ kind: 'canary', candidate: '2.0.0', baseline: '1.1.0', weight: 20 });
    expect(rollout.id).toMatch(/^ro_[2-9A-Z]{6}$/);
    for (const args of [
      ['models', 'promote', 'm', '1.2.0'],
      ['models', 'rollback', 'm'],
      ['models', 'alias', 'm', 'production', '1.2.0'],
      ['rollout', 'start', 'm', '1.2.0'],
    ]) {
      const { code, err } = await hubscore(...args);
      expect([code, err], args.join(' ')).toEqual([2, expect.stringContaining(`rollout ${rollout.id}`)]);
    }
    expect((await json('rollout', 'weight', 'm', '60')).rollout.weight).toBe(60);
    expect((await json('rollout', 'hold', 'm')).rollout.phase).toBe('held');
    expect((await json('rollout', 'resume', 'm')).rollout.phase).toBe('running');
    expect((await json('rollout', 'promote', 'm')).aliases).toEqual({ production: '2.0.0', previous: '1.1.0' });
    const back = await json('rollout', 'rollback', 'm', '--reason', 'customers call');
    expect(back).toMatchObject({
      aliases: { production: '1.1.0' },
      rollout: { phase: 'rolled_back' },
      quarantine: { '2.0.0': `${rollout.id} customers call` },
    });
    expect((await hubscore('models', 'promote', 'm', '2.0.0')).code).toBe(2);
    expect((await json('models', 'unblock', 'm', '2.0.0')).quarantine).toEqual({});
    expect((await json('models', 'promote', 'm', '2.0.0')).production).toMatchObject({ after: '2.0.0' });
    expect((await hubscore('models', 'show', 'm', '2.0.0')).out).toMatch(
      /rollout {2,}candidate of canary ro_\w+, rolled back/,
    );
    expect((await json('models', 'block', 'm', '2.0.0', '--reason', 'leaks')).aliases).toEqual({ production: '1.1.0' });
    const { records, verified } = await json('audit', 'm', '--verify');
    expect(verified).toBe(true);
    expect(records.map(({ action, actor }: Record<string, string>) => [action, actor])).toEqual(
      ['alias', 'start', 'weight', 'hold', 'resume', 'promote', 'rollback', 'unblock', 'alias', 'block'].map(action => [
        action,
        'ann',
      ]),
    );
  });

  it('shows an altered trail', async () => {
    const audit = BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient('audit');
    for await (const { name } of audit.listBlobsFlat({ prefix: 'm/' })) {
      const client = audit.getAppendBlobClient(name);
      const whole = await client.downloadToBuffer();
      const altered = Buffer.from(whole.toString().replace('"actor":"ann"', '"actor":"bob"'));
      await client.create();
      await client.appendBlock(altered, altered.length);
      const { code, out } = await hubscore('audit', 'm', '--verify');
      expect([code, out]).toEqual([2, expect.stringContaining('was altered')]);
      await client.create();
      await client.appendBlock(whole, whole.length);
      expect((await hubscore('audit', 'm', '--verify')).code).toBe(0);
    }
  });

  it.each([
    [['1.3.0'], 'does not load'],
    [['9.9.9'], 'm has no version 9.9.9'],
    [['1.2.0', '--trigger', 'cpu > 3'], 'expected one of error_rate > SHARE'],
    [['1.2.0', '--kind', 'slowly'], 'expected one of canary, blue_green, segments, ab'],
    [['1.2.0', '--ramp', 'often'], 'expected such as 10+10/7d'],
    [['1.2.0', '--on-undecided', 'shrug'], 'expected one of hold, promote, rollback'],
  ])('refuse to start %j', async (args, words) => {
    const { code, err } = await hubscore('rollout', 'start', 'm', ...args);
    expect([code, err]).toEqual([2, expect.stringContaining(words)]);
  });

  it('import a model of Unity Catalog, and start a rollout where its alias moves', async () => {
    const file = (weight: number) => ({ MLmodel: ONNX_MLMODEL, 'model.onnx': regressor([weight, 1]) });
    const aliases = { champion: '1' };
    const workspace = await startUnityCatalog(
      'main.ml.uc',
      { 1: { runId: 'r1', files: file(1) }, 2: { files: file(2) } },
      aliases,
    );
    const environment = {
      MLFLOW_TRACKING_URI: 'databricks-uc',
      DATABRICKS_HOST: workspace.url,
      DATABRICKS_TOKEN: TOKEN,
    };
    Object.assign(more, environment);
    try {
      const imported = await json('models', 'import', 'mlflow:/main.ml.uc@champion');
      expect(imported).toMatchObject({ name: 'uc', version: '1.0.0', production: { after: '1.0.0' } });
      aliases.champion = '2';
      const { rollout, aliases: after } = await json('models', 'follow', 'mlflow:/main.ml.uc@champion', '--once');
      expect(rollout).toMatchObject({ candidate: '2.0.0', baseline: '1.0.0', phase: 'running', weight: 5 });
      expect(after.production).toBe('1.0.0');
    } finally {
      for (const name of Object.keys(environment)) delete more[name];
      workspace.stop();
    }
  });

  it('gate a push by golden rows, and replay them later', async () => {
    const dir = join(folder.path, 'golden');
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'model.onnx'), regressor([1, 2]));
    const golden = (answer: number) =>
      writeFileSync(join(dir, 'golden.ndjson'), `{"features":[1,1],"expected":{"prediction":${answer}}}\n`);
    golden(4);
    const push = ['models', 'push', dir, '--name', 'g', '--version', '1.0.0'];
    const refused = await hubscore(...push);
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining('line 1: prediction: expected 4, came 3')]);
    golden(3);
    expect((await json(...push)).pushed).toBe(true);
    expect(await json('models', 'verify', 'g', '1.0.0')).toMatchObject({ rows: 1, verified: true, faults: [] });
    expect((await hubscore('models', 'verify', 'm', '1.1.0')).err).toContain('m/1.1.0/golden.ndjson is not there');
  });
});
