import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { createLoaders } from '../../../src/app/create-loaders.ts';
import { createTrial } from '../../../src/app/create-trial.ts';
import { settingsOrDefaults } from '../../../src/config/config.ts';
import { NO_CARD } from '../../../src/models/card.ts';
import { type GatheredVersion, gatherVersion } from '../../../src/models/open-version.ts';
import { tryApart } from '../../../src/models/trial.ts';
import type { Passed, Verdict } from '../../../src/models/verdict.ts';
import { quiet } from '../../support/events.ts';
import { temporaryFolder } from '../../support/models.ts';
import { BAD, eater, hanger, killer, network, regressor } from '../../support/onnx.ts';

const folder = temporaryFolder();
const { loaders } = createLoaders({ ...settingsOrDefaults({}), WORKER_THREADS: 0 }, quiet);
const trial = createTrial({ MODEL_LOAD_TIMEOUT_SECONDS: 3, MODEL_MEMORY_MB: 300 });

afterAll(() => folder.remove());

let written = 0;
async function prepared(content: Buffer): Promise<GatheredVersion> {
  const path = join(folder.path, `${written++}.onnx`);
  writeFileSync(path, content);
  const unused = async (): Promise<never> => {
    throw new Error('not asked for');
  };
  const file = { path, bytes: content.length, derive: unused, gather: unused, has: async () => false };
  const titles = { model: 'm/1.0.0/model.onnx', card: 'm/1.0.0/model.json' };
  return gatherVersion({ name: 'm', version: '1.0.0', raw: NO_CARD, sha256: 'f'.repeat(64), titles, file }, loaders);
}

const verdictOn = async (content: Buffer, signal = AbortSignal.timeout(60_000)): Promise<Verdict> =>
  tryApart(trial, await prepared(content), signal);

interface Asked {
  readonly name: string;
  readonly content: Buffer;
  readonly again?: boolean;
}

/** Has them tried, asked for in that order. @returns their names in the order in which they ended */
async function inTurn(asked: readonly Asked[]): Promise<readonly string[]> {
  const ended: string[] = [];
  const versions = await Promise.all(asked.map(({ content }) => prepared(content)));
  const signal = AbortSignal.timeout(60_000);
  await Promise.all(
    asked.map(async ({ name, again }, i) => {
      await sleep(300 * i);
      await tryApart(trial, versions[i] as GatheredVersion, signal, again);
      ended.push(name);
    }),
  );
  return ended;
}

describe('a file that is tried apart', () => {
  it('passes where it can serve, with what it takes, however often it is tried', async () => {
    const content = network();
    const [first, second] = (await Promise.all([verdictOn(content), verdictOn(content)])) as [Passed, Passed];
    expect(first).toMatchObject({ ok: true, apart: false, varies: false });
    expect(first.maxBatchSize).toBeGreaterThanOrEqual(8);
    expect(first.warmUpMs).toBeGreaterThan(0);
    for (const { memoryBytes, peakBytes } of [first, second]) {
      expect(memoryBytes).toBeGreaterThanOrEqual(content.length);
      expect(memoryBytes).toBeLessThan(5 * content.length);
      expect(peakBytes).toBeGreaterThanOrEqual(memoryBytes);
    }
    expect(Math.abs(first.memoryBytes - second.memoryBytes)).toBeLessThan(first.memoryBytes / 2);
  });

  it('takes little where it is small: what the runtime takes once is not counted', async () => {
    const { memoryBytes } = (await verdictOn(regressor([1, 2]))) as Passed;
    expect(memoryBytes).toBeLessThan(8e6);
  });

  it('is refused in words as it would be elsewhere', async () => {
    for (const { file, says } of Object.values(BAD)) {
      expect(await verdictOn(file)).toEqual({
        schema: 1,
        ok: false,
        message: expect.stringMatching(says),
        at: expect.any(String),
      });
    }
  });

  it('ends nobody else where it ends the process that opens it', async () => {
    expect(await verdictOn(killer())).toMatchObject({
      ok: false,
      loss: 'died',
      message: 'm/1.0.0/model.onnx: opening it ended the process that tried it: the process was ended by SIGFPE',
    });
  });

  it('takes nobody else’s memory', async () => {
    expect(await verdictOn(eater(600e6))).toMatchObject({
      ok: false,
      loss: 'memory',
      message: 'm/1.0.0/model.onnx: took more than 300 MB where it was tried',
    });
  });

  it('is ended where it never answers', async () => {
    expect(await verdictOn(hanger())).toMatchObject({
      ok: false,
      loss: 'time',
      message: 'm/1.0.0/model.onnx: not loaded within 3 s, where it was tried',
    });
  });

  it('has a turn: two at most are tried at once', async () => {
    const hangers = [1, 2].map(() => ({ name: 'hanger', content: hanger() }));
    expect((await inTurn([...hangers, { name: 'good', content: regressor([1, 2]) }]))[0]).toBe('hanger');
  });

  it('waits for none that was refused before: of those one is tried at a time', async () => {
    const hangers = [1, 2].map(() => ({ name: 'again', content: hanger(), again: true }));
    const good = [1, 2].map(weight => ({ name: 'good', content: regressor([weight, 2]) }));
    const ended = await inTurn([...hangers, ...good]);
    expect(ended[0]).toBe('good');
    expect(ended.at(-1)).toBe('again');
  });

  it('is given up with the signal, whatever it does', async () => {
    const stop = new AbortController();
    const work = verdictOn(hanger(), stop.signal);
    setTimeout(() => stop.abort(new Error('Ctrl-C')), 1_000);
    const start = performance.now();
    await expect(work).rejects.toThrow('Ctrl-C');
    expect(performance.now() - start).toBeLessThan(2_900);
  });
});
