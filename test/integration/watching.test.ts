import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AppStack, startAppStack } from '../support/app-stack.ts';
import type { FunctionsHost } from '../support/functions-host.ts';
import { temporaryFolder } from '../support/models.ts';
import { heavy, model, node, tensor, value } from '../support/onnx.ts';
import { createRandom } from '../support/seeded-random.ts';

/*
 * One stack: a shadow beside the stream, its host killed; the same window by a backtest; and results of every road traced to where they come from.
 */

const CANDIDATE = resolve(import.meta.dirname, '../../samples/models/diabetes/1.1.0');
const CONTRACTS = ['Month-to-month', 'One year', 'Two year'];
const FEATURES = [63, 1, 24.4, 73, 160, 91.4, 48, 3, 4.6347, 78];
const folder = temporaryFolder();
let stack: AppStack;
let host: FunctionsHost | undefined;

beforeAll(async () => {
  const quick = { SWEEP_SCHEDULE: '* * * * * *', ROLLOUT_LEAD_SECONDS: '2', DEPLOYMENT_CHECK_SECONDS: '1' };
  stack = await startAppStack({}, [2, 2, 2], { ...quick, CACHE_ENTRIES: '1000' });
}, 120_000);
afterAll(async () => {
  await stack?.stop();
  folder.remove();
});

async function json(...words: readonly string[]) {
  const { code, out } = await stack.hubscore(...words, '--json');
  const line = out.split('\n').find(each => each.startsWith('{'));
  if (line === undefined) throw new Error(`${words.join(' ')}: exit ${code}: ${out}`);
  return { code, said: JSON.parse(line) };
}

async function send(requests: readonly object[]): Promise<void> {
  const file = join(folder.path, 'requests.jsonl');
  writeFileSync(file, requests.map(request => JSON.stringify(request)).join('\n'));
  const { code, out } = await stack.hubscore('send', file, '--model', 'diabetes');
  expect(code, out).toBe(0);
}

/** Knows so many kinds of contracts; ONNX Runtime fails on others. */
function contracts(known: number): string {
  const dir = join(folder.path, `contracts-${known}`);
  mkdirSync(dir);
  const rates = tensor(
    'rates',
    [known],
    Float32Array.from({ length: known }, (_, i) => i),
  );
  const file = model({
    nodes: [
      node('Cast', ['contract'], ['at'], { to: 7 }),
      node('Gather', ['rates', 'at'], ['rate']),
      node('Add', ['rate', 'tenure'], ['y']),
    ],
    inputs: [value('contract', 'float32', [null, 1]), value('tenure', 'float32', [null, 1])],
    outputs: [value('y', 'float32', [null, 1])],
    initializers: [rates],
  });
  writeFileSync(join(dir, 'model.onnx'), file);
  const features = [
    { name: 'Contract', type: 'string', categories: CONTRACTS, encode: 'ordinal', input: 'contract' },
    { name: 'tenure', type: 'number', input: 'tenure' },
  ];
  writeFileSync(join(dir, 'model.json'), JSON.stringify({ features, example: ['One year', 3] }));
  return dir;
}

type Ending = Readonly<Record<string, unknown>> & { readonly result_id: string };

async function until<T>(look: () => Promise<T>, isThere: (found: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries++) {
    const found = await look();
    if (isThere(found) || tries === 120) return found;
    await delay(500);
  }
}

async function endings(...more: readonly string[]): Promise<readonly Ending[]> {
  const { out } = await stack.hubscore('tail', '--once', '--json', ...more);
  return out
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line));
}

const ending = (id: string, ...more: readonly string[]) =>
  until(
    async () => (await endings(...more)).filter(({ request_id }) => request_id === id).at(-1),
    found => found !== undefined,
  );

it('a shadow pairs each request once though its host is killed, and a backtest of the same window says the same', async () => {
  const random = createRandom(Number(process.env.TEST_SEED));
  host = await stack.startHost();
  expect((await stack.hubscore('models', 'push', CANDIDATE, '--candidate')).code).toBe(0);
  expect((await stack.hubscore('shadow', 'status', 'diabetes')).out).toContain('diabetes has no shadow');
  const { said: begun } = await json('shadow', 'start', 'diabetes', '1.1.0', '--sample', '100');
  expect((await json('audit', 'diabetes')).said.records.at(-1)).toMatchObject({
    action: 'shadow',
    actor: expect.any(String),
  });
  expect((await stack.hubscore('shadow', 'start', 'diabetes', '1.0.0')).code).toBe(2);
  await until(
    async () => Date.now(),
    now => now > Date.parse(begun.effective_at) + 1_000,
  );
  const singles = Array.from({ length: 200 }, (_, i) => ({
    request_id: `s${i}`,
    features: FEATURES.map(value => value * random.between(0.7, 1.3)),
  }));
  await send(singles.slice(0, 120));
  await host?.kill();
  host = await stack.startHost();
  await send(singles.slice(120));
  await send([
    { request_id: 'pack', features: [FEATURES, FEATURES], ids: ['a', 'b'] },
    { request_id: 'named', model_version: '1.1.0', features: FEATURES },
    { request_id: 'bad', features: [1] },
    { request_id: 'last', features: FEATURES },
  ]);
  const { said } = await until(
    () => json('shadow', 'status', 'diabetes'),
    ({ said: { pairs } }) => pairs >= 202,
  );
  await delay(3_000); // nor does it count more
  expect((await json('shadow', 'status', 'diabetes')).said).toMatchObject({
    pairs: 202,
    flips: said.flips,
    errors: 0,
    lost: 0,
  });
  expect(said).toMatchObject({ version: '1.1.0', sample: 100 });

  const before = (await endings()).length;
  const window = ['backtest', 'diabetes', '1.1.0', '--against', '1.0.0', '--from', begun.effective_at];
  const tested = await json(...window, '--flips', join(folder.path, 'flips.ndjson'));
  expect(tested.said).toMatchObject({ compared: 202, flips: said.flips, errors: 0, verdict: said.verdict });
  expect((await json(...window, '--max-flips', '0')).code).toBe(said.flips > 0 ? 2 : 0);
  expect((await json(...window, '--max-flips', '1')).code).toBe(0);
  expect((await json('backtest', 'diabetes', '1.0.0', '--from', begun.effective_at)).said).toMatchObject({
    flips: 0,
    verdict: 'undecided',
  });
  expect((await stack.hubscore('backtest', 'diabetes', '1.1.0', '--from', '2030-01-01T00:00Z')).code).toBe(1);
  expect((await endings()).length).toBe(before);
  expect(await json('shadow', 'stop', 'diabetes')).toMatchObject({ code: 0, said: { ended_at: expect.any(String) } });
}, 300_000);

it('traces results of every road', async () => {
  const traced = async (id: string, ...more: readonly string[]) => {
    const found = await ending(id, ...more);
    return (await json('lineage', found?.result_id ?? id)).said;
  };
  const stream = await traced('s0');
  expect(stream).toMatchObject({
    ...{ ending: 'result', model: 'diabetes', road: ['stream'], rollout: null },
    version: expect.stringMatching(/^1\.0\.0\+/),
    files: { 'model.onnx': expect.stringMatching(/^[0-9a-f]{64}$/), 'model.json': expect.any(String) },
    app: [{ version: expect.any(String), commit: 'development' }],
    unknown: [],
  });
  expect(JSON.parse(stream.request.body).request_id).toBe('s0');
  expect(stream.deployment).toMatchObject({ action: 'shadow' });
  expect((await traced('pack')).road).toEqual(['pack']);

  // On any machine an instance takes long enough to be worth remembering.
  const slow = join(folder.path, 'slow');
  mkdirSync(slow);
  writeFileSync(join(slow, 'model.onnx'), heavy({ size: 512, features: FEATURES.length }));
  const features = FEATURES.map((_, i) => ({ name: `f${i}`, type: 'number' }));
  writeFileSync(
    join(slow, 'model.json'),
    JSON.stringify({ name: 'slow', version: '1.0.0', features, batching: { max_batch_size: 1 }, example: FEATURES }),
  );
  expect((await stack.hubscore('models', 'push', slow)).code).toBe(0);
  await send([
    { request_id: 'once', model: 'slow', features: FEATURES },
    { request_id: 'astray', model_version: '9.9.9', features: FEATURES },
  ]);
  await ending('once');
  await send([{ request_id: 'again', model: 'slow', features: FEATURES }]);
  const cached = await traced('again');
  expect(cached.road).toEqual(['cached']);
  expect(cached.unknown).toEqual([expect.stringContaining('result cache')]);
  expect(await traced('astray')).toMatchObject({
    road: expect.arrayContaining(['fallback']),
    requested_version: '9.9.9',
  });

  await json('rollout', 'start', 'diabetes', '1.1.0', '--weight', '100');
  const canary = await until(
    async () => {
      await send([{ request_id: 'canary', features: FEATURES }]);
      return traced('canary');
    },
    ({ rollout }) => rollout !== null,
  );
  expect(canary).toMatchObject({
    ...{ road: expect.arrayContaining(['rollout: candidate']), deployment: { action: 'start' } },
    rollout: { arm: 'candidate', candidate: '1.1.0', baseline: '1.0.0', weight: 100 },
    version: expect.stringMatching(/^1\.1\.0\+/),
  });

  const letter = await traced('bad', '--dead-letters');
  expect(letter).toMatchObject({ ending: 'dead-letter', result: { error: { code: 'schema_mismatch' } } });
  expect((await stack.hubscore('replay', '--request-id', 'bad')).code).toBe(0);
  const replayed = await until(
    () => traced('bad', '--dead-letters'),
    ({ request }) => request.replayed === true,
  );
  expect(replayed).toMatchObject({
    road: expect.arrayContaining(['replayed', 'dead letter']),
    request: { attempts: 2 },
  });

  const never = await stack.hubscore('lineage', 'inference-requests/0/999999999');
  expect([never.code, never.out]).toEqual([1, expect.stringContaining('there never was such a request')]);
  expect((await stack.hubscore('lineage', 'inference-requests/0/1')).out).toContain('sha256');
}, 300_000);

it('names the requests that a candidate fails for, in the trail and in the status', async () => {
  for (const [version, known] of [
    ['1.0.0', 3],
    ['1.1.0', 2],
  ] as const) {
    const push = ['models', 'push', contracts(known), '--name', 'contracts', '--version', version];
    const { code, out } = await stack.hubscore(...push, ...(version === '1.0.0' ? [] : ['--candidate']));
    expect(code, out).toBe(0);
  }
  // All of it is there before anybody looks.
  await host?.kill();
  host = await stack.startHost({ 'AzureWebJobs.sweep.Disabled': 'true' });
  const { said: begun } = await json('rollout', 'start', 'contracts', '1.1.0', '--weight', '50');
  await until(
    async () => Date.now(),
    now => now > Date.parse(begun.rollout.effective_at) + 1_000,
  );
  const many = 240;
  await send(
    Array.from({ length: many }, (_, i) => ({
      ...{ request_id: `c${i}`, model: 'contracts' },
      features: { Contract: CONTRACTS[i % 3], tenure: (i * 7) % 50 },
    })),
  );
  const ended = async () => (await endings('--model', 'contracts')).length;
  expect(await until(ended, found => found >= many)).toBe(many);
  await stack.startHost();
  const { said } = await until(
    () => json('rollout', 'status', 'contracts'),
    status => status.said.rollout.phase === 'rolled_back',
  );
  expect(said.blame).toEqual([expect.stringMatching(/^Contract = Two year: (\d+) of \1 bad, 0 of \d+ elsewhere$/)]);
  const { records } = (await json('audit', 'contracts', '--verify')).said;
  const taken = records.find((record: { readonly action: string }) => record.action === 'rollback');
  expect(taken.reason).toMatchObject({ trigger: 'error_rate > 0.01', blame: said.blame });
  expect((await stack.hubscore('rollout', 'status', 'contracts')).out).toContain('Contract = Two year');
}, 300_000);
