import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOnnxLoader } from '../../src/backends/onnx/onnx-loader.ts';
import type { Loader } from '../../src/core/loader.ts';
import type { ModelVersion } from '../../src/core/model.ts';
import { batchOf, NOON } from '../support/events.ts';
import { type Notes, notes } from '../support/models.ts';
import { eating, looping, regressor } from '../support/onnx.ts';
import { catalogOf, openModel } from '../support/onnx-model.ts';
import { openScoring } from '../support/open-scoring.ts';

/** A model that one request can keep at work for ever, or make take all memory, ends nothing but that request; others go on beside it. */
describe('a request that runs away', () => {
  let folder: string;
  let log: Notes;
  let loader: Loader;
  const opened: ModelVersion[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hubscore-test-'));
    log = notes();
    const limits = { timeoutMs: 60_000, growBytes: 300e6, loadTimeoutMs: 60_000 };
    loader = createOnnxLoader({ threads: 1, inlineMaxMs: 1000, workerMinMs: 1000, log, limits });
    for (const [name, file] of Object.entries({ looping: looping(), eating: eating(), plain: regressor([2]) })) {
      const path = join(folder, name, '1.0.0');
      await mkdir(path, { recursive: true });
      await writeFile(join(path, 'model.onnx'), file);
      opened.push(await openModel(path, {}, loader));
    }
  });
  afterAll(async () => {
    await Promise.all(opened.map(version => version.backend.close()));
    await loader.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('is of a model that runs in a process of its own, quick as it is', () => {
    expect(opened.map(({ name, backend }) => [name, backend.info.placement])).toEqual([
      ['looping', 'worker'],
      ['eating', 'worker'],
      ['plain', 'in-line'],
    ]);
  });

  it.each([
    [
      'looping',
      1e15,
      /^looping 1\.0\.0 failed: an inference process did not answer within [2-9](\.\d)? s and was ended/,
    ],
    [
      'eating',
      4e8,
      // On a busy machine its time is up before its memory is.
      /^eating 1\.0\.0 failed: (it took the process with it, twice: an inference process took more than 286 MB|an inference process did not answer within)/,
    ],
  ])('ends alone: %s', async (model, much, says) => {
    const features = (i: number) => (i === 33 ? much : (i % 50) + 1);
    const bodies = Array.from({ length: 64 }, (_, i) => ({ request_id: i, model, features: features(i) }));
    const scoring = openScoring(catalogOf(...opened), { clock: () => NOON });
    const plain = Array.from({ length: 200 }, (_, i) => ({ request_id: i, model: 'plain', features: i }));
    const { signal } = new AbortController();
    const order: string[] = [];
    const told = async <T>(name: string, work: Promise<T>): Promise<T> => {
      const given = await work;
      order.push(name);
      return given;
    };
    const [scored, others] = await Promise.all([
      told('runaway', scoring.score(batchOf(bodies), signal)),
      told('plain', scoring.score(batchOf(plain), signal)),
    ]);
    const endings = scored.outcomes().map(({ body }) => JSON.parse(body.toString()));
    expect(endings[33].error).toMatchObject({ code: 'inference_failed', stage: 'infer' });
    expect(endings[33].error.message).toMatch(says);
    for (const [i, ending] of endings.entries()) {
      if (i !== 33) expect(ending, `request ${i}`).toMatchObject({ request_id: i, prediction: features(i) * 2 });
    }
    expect(others.outcomes().map(({ body }) => JSON.parse(body.toString()).prediction)).toEqual(
      plain.map(({ features }) => features * 2),
    );
    expect(order).toEqual(['plain', 'runaway']);
  });
});
