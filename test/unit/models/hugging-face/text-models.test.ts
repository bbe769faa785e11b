import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOnnxLoader } from '../../../../src/backends/onnx/onnx-loader.ts';
import { describeModel } from '../../../../src/http/metadata.ts';
import { NO_CARD } from '../../../../src/models/card.ts';
import { createCatalog, type ModelCatalog } from '../../../../src/models/catalog.ts';
import { openModelFiles } from '../../../../src/models/open-files.ts';
import { inspectModel, pushModel } from '../../../../src/models/publish.ts';
import { batchOf } from '../../../support/events.ts';
import { type MemoryStore, memoryStore } from '../../../support/memory-store.ts';
import { notes, temporaryFolder } from '../../../support/models.ts';
import { openScoring } from '../../../support/open-scoring.ts';

const FIXTURES = resolve(import.meta.dirname, '../../../fixtures/models');
const { signal } = new AbortController();
const loader = createOnnxLoader({ threads: 0, inlineMaxMs: 1, workerMinMs: 5, log: notes() });
afterAll(() => loader.close());

interface Case {
  readonly features: readonly [string];
  readonly expected: { readonly label?: string; readonly value?: readonly number[] };
}
const cases = (model: string) =>
  readFileSync(join(FIXTURES, model, '1.0.0/cases.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Case);

describe('a Hugging Face model', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let store: MemoryStore;
  let catalog: ModelCatalog | undefined;
  beforeEach(() => {
    folder = temporaryFolder();
    store = memoryStore();
  });
  afterEach(async () => {
    await catalog?.close();
    catalog = undefined;
    folder.remove();
  });

  /** A model of the fixtures in a folder of its own, with another card where one is given. */
  function filesOf(model: string, card?: object) {
    const path = join(folder.path, model);
    mkdirSync(path, { recursive: true });
    cpSync(join(FIXTURES, model, '1.0.0'), path, { recursive: true });
    const own = join(path, 'model.json');
    if (card !== undefined) writeFileSync(own, JSON.stringify(card));
    const hasCard = card !== undefined || model === 'phrases';
    return { name: model, version: '1.0.0', file: join(path, 'model.onnx'), card: hasCard ? own : undefined };
  }
  const inspect = (model: string, card?: object) => inspectModel(filesOf(model, card), [loader]);
  const push = async (model: string, card?: object) => {
    const files = filesOf(model, card);
    return pushModel(store, files, await inspectModel(files, [loader]), signal);
  };
  /** As the functions serve what is in storage. */
  async function answer(model: string, ...requests: object[]): Promise<Record<string, unknown>[]> {
    catalog ??= createCatalog({
      store,
      loaders: [loader],
      clock: () => 0,
      log: notes(),
      defaultModel: undefined,
      refreshMs: 3_600_000,
      loadTimeoutMs: 30_000,
      memoryBytes: 1e9,
      cacheDir: join(folder.path, 'cache'),
      cacheBytes: 1e9,
    });
    const batch = batchOf(requests.map(request => ({ model, ...request })));
    const scored = await openScoring(catalog).score(batch, signal);
    return scored.outcomes().map(({ body }) => JSON.parse(body.toString()));
  }

  it('is pushed with what lies beside it, all hashed, and answers texts from storage without a card', async () => {
    expect(await push('mood')).toBe(true);
    const card = JSON.parse((await store.readText('mood/1.0.0/model.json', signal)).text);
    expect(Object.keys(card.files).sort()).toEqual(['config.json', 'tokenizer.json', 'tokenizer_config.json']);
    const some = cases('mood').filter(({ features: [text] }) => text.trim() !== '');
    const answers = await answer('mood', ...some.map(({ features }) => ({ features: { text: features[0] } })));
    expect(answers.map(({ prediction }) => prediction)).toEqual(some.map(({ expected }) => expected.label));
    expect(await push('mood')).toBe(false);
  });

  it('says what it takes and gives, and pads texts of other lengths, whose answers stay the same', async () => {
    const { card, info, remarks } = await inspect('mood');
    expect(card.features).toMatchObject([{ name: 'text', type: 'string', input: 'input_ids' }]);
    expect(card.text).toMatchObject({ mask: 'attention_mask', types: 'token_type_ids', tokenizer: { maxLength: 48 } });
    expect(card.outputs).toMatchObject({
      classes: ['calm', 'glad', 'sad'],
      activation: 'softmax',
      probabilities: 'logits',
    });
    expect(info.pads).toBe(true);
    expect(remarks.filter(remark => remark.includes('padding'))).toEqual([]);
    const phrases = await inspect('phrases');
    expect(phrases.info).toMatchObject({ pads: true, signature: { outputs: [{ dims: [null, 12], type: 'float32' }] } });
    expect(phrases.card.features.map(({ name }) => name)).toEqual(['phrase']);
  });

  it('answers packs and lists of bare texts as it does each alone', async () => {
    await push('phrases');
    const some = cases('phrases').slice(0, 9);
    const texts = some.map(({ features }) => features[0]);
    const [pack] = await answer('phrases', { features: texts, ids: texts.map((_, i) => `p${i}`) });
    const { predictions } = pack as { predictions: { id: string; prediction: number[] }[] };
    expect(predictions.map(({ id }) => id)).toEqual(texts.map((_, i) => `p${i}`));
    for (const [i, { prediction }] of predictions.entries()) {
      for (const [at, value] of (some[i]?.expected.value ?? []).entries()) expect(prediction[at]).toBeCloseTo(value, 4);
      expect(Math.hypot(...prediction)).toBeCloseTo(1, 5);
    }
    const skipped = { features: ['bread', 7, 'water'], ids: ['a', 'b', 'c'], on_error: 'skip' };
    const [gappy] = await answer('phrases', skipped);
    expect(gappy?.predictions).toMatchObject([{ id: 'a' }, null, { id: 'c' }]);
    expect(gappy?.errors).toMatchObject([{ index: 1, id: 'b', code: 'schema_mismatch' }]);
  });

  it('takes pairs of texts, by name or by place', async () => {
    await push('mood', { tokenizer: { text: 'question', pair: 'answer', max_length: 12 } });
    const [byName, byPlace, alone] = await answer(
      'mood',
      { features: { question: 'Good bread', answer: 'seven water' } },
      { features: ['Good bread', 'seven water'] },
      { features: { question: 'Good bread' } },
    );
    expect(byName?.prediction).toBeTypeOf('string');
    expect(byPlace?.probabilities).toEqual(byName?.probabilities);
    expect(alone?.error).toMatchObject({
      code: 'schema_mismatch',
      message: 'feature answer is missing; mood 1.0.0 takes a value for it, having none to fill in',
    });
  });

  it('is described, and asked by the Open Inference Protocol, as one that takes texts', async () => {
    const { version, close } = await openModelFiles(filesOf('mood'), NO_CARD, [loader]);
    expect(describeModel(version, undefined).inputs).toEqual([{ name: 'text', datatype: 'BYTES', shape: [-1, 1] }]);
    await close();
    await push('mood');
    const texts = ['bread and water', 'ΟΔΟΣ'];
    const inputs = [{ name: 'text', shape: [2, 1], datatype: 'BYTES', data: texts }];
    const [tensors, plain] = await answer('mood', { inputs, parameters: { model: 'mood' } }, { features: texts });
    expect(tensors).toMatchObject({ predictions: [{}, {}] });
    expect(tensors?.predictions).toEqual(plain?.predictions);
  });

  it('ends what is no text as a dead letter that names the step', async () => {
    await push('mood');
    const bad = [7, null, ['a', 'b'], 'x'.repeat(2 ** 16 + 1), 'a\0b'];
    const answers = await answer('mood', ...bad.map(text => ({ features: { text } })), { features: { text: 'bread' } });
    expect(answers.map(({ error }) => (error as { message: string } | undefined)?.message)).toEqual([
      'features is a number; mood 1.0.0 takes text',
      'features is missing; mood 1.0.0 takes a value for it, having none to fill in',
      'features is a list of 2; mood 1.0.0 takes text',
      'features has 65537 characters; mood 1.0.0 takes at most 65536',
      'features contains a NUL character; mood 1.0.0 takes text without',
      undefined,
    ]);
  });

  it('is refused where its golden texts have other ids, with the place', async () => {
    const golden = [{ text: 'Good bread', ids: [2, 1, 3] }];
    await expect(inspect('mood', { tokenizer: { golden } })).rejects.toThrow(
      /model\.json: tokenizer\.golden\[0\]: expected the id 1 at place 1, came \d+$/,
    );
  });

  it('is refused where card and files do not fit', async () => {
    await expect(inspect('mood', { tokenizer: { input: 'tokens' } })).rejects.toThrow(
      "tokenizer.input: expected one of the model's inputs (input_ids, attention_mask, token_type_ids), came tokens",
    );
    await expect(inspect('mood', { tokenizer: { max_length: 2 } })).rejects.toThrow(
      'tokenizer.max_length: expected at least 3, came 2',
    );
    await expect(inspect('mood', { outputs: { pooling: 'mean' } })).rejects.toThrow(
      'outputs.pooling: expected an output [N, tokens, size], which outputs.value names; came logits of 2 dimensions',
    );
    await expect(inspect('phrases', { outputs: { normalize: true } })).rejects.toThrow('outputs.normalize: expected');
    const files = filesOf('mood', { tokenizer: {} });
    writeFileSync(join(folder.path, 'mood/tokenizer.json'), '{"model":');
    await expect(inspectModel(files, [loader])).rejects.toThrow(/model\.onnx: tokenizer\.json: not JSON: /);
    rmSync(join(folder.path, 'mood/tokenizer.json'));
    await expect(inspectModel(files, [loader])).rejects.toThrow('no tokenizer.json is beside it');
  });

  it('takes ids as before where its card names them as features', async () => {
    const ids = { name: 'input_ids', pad: { value: 0, mask: 'attention_mask' } };
    await push('mood', { features: [ids, { name: 'token_type_ids' }] });
    const [given] = await answer('mood', { features: { input_ids: [2, 5, 3], token_type_ids: [0, 0, 0] } });
    expect(given?.outputs ?? given?.prediction).toBeDefined();
  });

  it('pools by its first token too, and is not normalised unless that is said', async () => {
    const tokenizer = { text: 'phrase', max_length: 48 };
    await push('phrases', { tokenizer, outputs: { pooling: 'cls' } });
    const [first, longer] = await answer('phrases', { features: 'bread' }, { features: 'bread and water, seven' });
    const embedding = first?.prediction as number[] | undefined;
    expect(embedding).toHaveLength(12);
    expect(Math.hypot(...(embedding ?? []))).not.toBeCloseTo(1, 3);
    expect(longer?.prediction).not.toEqual(embedding);
  });
});
