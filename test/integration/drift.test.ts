import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createBlobs } from '../../src/azure/blobs.ts';
import { parseProfile } from '../../src/drift/profile.ts';
import type { VersionInputs } from '../../src/drift/state.ts';
import { type AppStack, startAppStack } from '../support/app-stack.ts';
import { temporaryFolder } from '../support/models.ts';
import { regressor } from '../support/onnx.ts';
import { REQUESTS } from '../support/scoring.ts';

const MODELS = resolve(import.meta.dirname, '../../samples/models');
const WATCHFUL = { DRIFT_SCHEDULE: '* * * * * *', DRIFT_SAMPLE: '100', SWEEP_SCHEDULE: '0 0 0 1 1 *' };
const never = new AbortController().signal;
const folder = temporaryFolder();
let stack: AppStack;

beforeAll(async () => {
  stack = await startAppStack({}, [2, 2, 2]);
}, 120_000);
afterAll(async () => {
  await stack?.stop();
  folder.remove();
});

const blobsOf = (container: string) =>
  createBlobs({ kind: 'connection-string', connectionString: stack.storage.connectionString }, container);

async function json(...args: readonly string[]) {
  const { code, out } = await stack.hubscore(...args, '--json');
  return { code, said: JSON.parse(out.slice(out.indexOf('{"'))) };
}

it('watches a version by the profile of its push: each request once, whoever is killed; adopts production where there is none', async () => {
  const missing = await json('drift', 'diabetes', '--check');
  expect(missing).toMatchObject({ code: 3, said: { status: 'unknown', reference: null, alarms: [] } });

  const csv = join(MODELS, 'diabetes/train.csv');
  const pushed = await stack.hubscore('models', 'push', join(MODELS, 'diabetes/1.0.0'), '--profile', csv);
  expect(pushed.code, pushed.out).toBe(0);
  expect(pushed.out).toMatch(/profile +242 rows of train\.csv/);
  const { text } = await blobsOf('models').readText('diabetes/1.0.0/profile.json', never);
  const profile = parseProfile(text, 'profile.json');
  expect(profile.features.map(({ type }) => type)).toEqual(new Array(10).fill('number'));
  expect(Object.values(profile.classes ?? {}).reduce((sum, many) => sum + many, 0)).toBe(242);
  const again = await stack.hubscore('models', 'push', join(MODELS, 'diabetes/1.0.0'), '--profile', csv);
  expect(again.code, again.out).toBe(0);

  await stack.startHost(WATCHFUL);
  let sent = 0;
  for (let round = 0; round < 3; round++) {
    const other = await stack.startHost(WATCHFUL);
    for (const partition of ['0', '1']) await stack.send(60, partition);
    sent += 120;
    await other.kill();
  }
  const watched = async () => {
    const entries = await blobsOf('monitor').list(`drift/state/${REQUESTS}/`, never);
    const hours = await blobsOf('monitor').list(`windows/${REQUESTS}/`, never);
    let rows = 0;
    for (const { path } of [...entries, ...hours]) {
      const stored = JSON.parse((await blobsOf('monitor').readText(path, never)).text);
      const versions = (stored.open ?? [stored]).flatMap(
        (hour: { readonly versions: readonly VersionInputs[] }) => hour.versions,
      );
      for (const { counts } of versions as readonly VersionInputs[]) rows += counts.rows;
    }
    return rows;
  };
  await vi.waitFor(async () => expect(await watched()).toBe(sent), { timeout: 120_000, interval: 1_000 });
  expect((await json('drift', 'diabetes')).said).toMatchObject({
    version: '1.0.0',
    reference: { kind: 'training', file: 'train.csv', rows: 242 },
  });
  expect((await stack.hubscore('drift', 'diabetes', '--adopt')).code).toBe(2); // it has one

  // A plain file, without card and profile: its requests are its reference.
  const file = join(folder.path, 'plain.onnx');
  writeFileSync(file, regressor([1, 2, 0, 0, 0, 0, 0, 0, 0, 0]));
  const plain = await stack.hubscore('models', 'push', file, '--name', 'plain', '--version', '1.0.0');
  expect(plain.code, plain.out).toBe(0);
  const early = await stack.hubscore('drift', 'plain', '--adopt');
  expect([early.code, early.out]).toEqual([2, expect.stringContaining('the hub holds 0 rows')]);
  await stack.send(150, '0', 'plain');
  const adopted = await json('drift', 'plain', '--adopt');
  expect(adopted).toMatchObject({ code: 0, said: { reference: { kind: 'production', rows: 150 } } });
  expect((await json('drift', 'plain')).said.reference).toMatchObject({ kind: 'production', rows: 150 });
}, 400_000);
