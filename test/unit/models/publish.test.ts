import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createOnnxLoader } from '../../../src/backends/onnx/onnx-loader.ts';
import { parseCard } from '../../../src/models/card.ts';
import { inspectModel, pushModel } from '../../../src/models/publish.ts';
import { memoryStore } from '../../support/memory-store.ts';
import { notes, temporaryFolder } from '../../support/models.ts';
import { BAD, classifier, model, node, regressor, value } from '../../support/onnx.ts';

const signal = AbortSignal.timeout(60_000);
const folder = temporaryFolder();
const loaders = [createOnnxLoader({ threads: 0, inlineMaxMs: 1, workerMinMs: 5, log: notes() })];
afterAll(() => folder.remove());

const write = (name: string, content: Buffer | string) => {
  const path = join(folder.path, name);
  writeFileSync(path, content);
  return path;
};
const inspect = (file: Buffer, card?: object, change: { name?: string; version?: string } = {}) =>
  inspectModel(
    {
      name: 'm',
      version: '1.0.0',
      file: write('m.onnx', file),
      card: card && write('m.json', JSON.stringify(card)),
      ...change,
    },
    loaders,
  );

describe('inspecting a model', () => {
  it('says what it found, as it will serve', async () => {
    const found = await inspect(classifier({ zipMap: true }), { training_data_hash: 'a1b2c3d4e5' });
    expect(found).toMatchObject({
      producer: 'hand-made',
      label: '1.0.0+a1b2c3d4',
      card: { outputs: { label: 'label', probabilities: 'probabilities', classes: [10, 20] } },
      info: { placement: 'in-line', maxBatchSize: 1000 },
      remarks: [],
    });
    expect(found.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('remarks on what serves, but not as one might wish', async () => {
    const network = model({
      nodes: [node('Softmax', ['x'], ['probabilities'])],
      inputs: [value('x', 'float32', [null, 3])],
      outputs: [value('probabilities', 'float32', [null, 3])],
    });
    expect((await inspect(network)).remarks).toEqual([expect.stringMatching(/^the classes are unknown/)]);
    expect(
      (await inspect(network, { outputs: { probabilities: 'probabilities', classes: ['a', 'b', 'c'] } })).remarks,
    ).toEqual([]);
  });

  it('remarks on a model whose answers hang on their neighbours, or on chance', async () => {
    const centred = model({
      nodes: [node('ReduceMean', ['x'], ['m'], { axes: [0], keepdims: 1 }), node('Sub', ['x', 'm'], ['y'])],
      inputs: [value('x', 'float32', [null, 2])],
      outputs: [value('y', 'float32', [null, 2])],
    });
    expect(await inspect(centred)).toMatchObject({
      info: { apart: true, maxBatchSize: 1 },
      remarks: ['its answer to an instance changes with those beside it: it takes one at a time'],
    });
    const noisy = model({
      nodes: [node('RandomUniformLike', ['x'], ['noise']), node('Add', ['x', 'noise'], ['y'])],
      inputs: [value('x', 'float32', [null, 2])],
      outputs: [value('y', 'float32', [null, 2])],
    });
    expect(await inspect(noisy)).toMatchObject({
      info: { varies: true, maxBatchSize: 1000 },
      remarks: ['it may answer the same instance differently each time: its answers are not cached'],
    });
  });

  it('does not take chance for neighbours where two answers happen to be the same', async () => {
    const coin = model({
      nodes: [
        node('RandomUniformLike', ['x'], ['share']),
        node('Round', ['share'], ['side']),
        node('Add', ['x', 'side'], ['y']),
      ],
      inputs: [value('x', 'float32', [null, 1])],
      outputs: [value('y', 'float32', [null, 1])],
    });
    for (let time = 0; time < 20; time++) {
      expect((await inspect(coin)).info).toMatchObject({ varies: true, maxBatchSize: 1000 });
    }
  });

  it('remarks on a model that padding would change, and refuses padding that does not fit', async () => {
    const mean = model({
      nodes: [node('ReduceMean', ['x'], ['y'], { axes: [1], keepdims: 1 })],
      inputs: [value('x', 'float32', [null, null])],
      outputs: [value('y', 'float32', [null, 1])],
    });
    const padded = (pad: object) => inspect(mean, { features: [{ name: 'x', pad }] });
    const found = await padded({ value: 0 });
    expect(found.info).not.toHaveProperty('pads');
    expect(found.remarks).toEqual(['padding changes its answers: arrays of different lengths share no run']);
    await expect(padded({ value: 0, mask: 'm' })).rejects.toThrow(
      'feature x: pad: expected a mask among the inputs of the model, came m',
    );
    await expect(padded({ value: '' })).rejects.toThrow('feature x: pad: expected a value for float32, came ""');
    await expect(
      inspect(regressor([1, 2]), { features: [{ name: 'x', type: 'tensor', pad: { value: 0 } }] }),
    ).rejects.toThrow('feature x: pad: expected an array of open length, came input x');
  });

  it('refuses a model that declares a batch of 0', async () => {
    const none = model({
      nodes: [node('Neg', ['x'], ['y'])],
      inputs: [value('x', 'float32', [0, 2])],
      outputs: [value('y', 'float32', [0, 2])],
    });
    await expect(inspect(none)).rejects.toThrow('m.onnx: input x has the shape [0,2], which holds nothing');
  });

  it.each(Object.entries(BAD))('refuses a file that is %s', async (_, { file, says }) => {
    await expect(inspect(file)).rejects.toThrow(says);
  });

  it('refuses a card that does not fit, or speaks of another file', async () => {
    await expect(inspect(regressor([1, 2]), { features: [{ name: 'a', type: 'number' }] })).rejects.toThrow(
      /m\.json: features: expected 2 columns/,
    );
    await expect(inspect(regressor([1, 2]), { sha256: '0'.repeat(64) })).rejects.toThrow(
      /m\.onnx: checksum differs: .*m\.json says 000/,
    );
  });

  it('refuses names and versions that storage could not hold', async () => {
    await expect(inspect(regressor([1]), undefined, { name: 'a/b' })).rejects.toThrow(
      'model name "a/b": expected one without slashes',
    );
    await expect(inspect(regressor([1]), undefined, { version: '1.0' })).rejects.toThrow(
      'version 1.0: expected a semantic version',
    );
  });
});

describe('pushing a card that is nearly too large', () => {
  const push = async (bytes: number) => {
    const card = { notes: Array.from({ length: bytes / 10 }, () => 'x'.repeat(7)) };
    const files = {
      name: 'm',
      version: '1.0.0',
      file: write('m.onnx', regressor([1, 2])),
      card: write('m.json', JSON.stringify(card)),
    };
    const store = memoryStore();
    await pushModel(store, files, await inspectModel(files, loaders), signal);
    return store;
  };

  it('writes one that will be read', async () => {
    const { text } = await (await push(2_000_000)).readText('m/1.0.0/model.json', signal);
    expect(parseCard(text, 'model.json')).toMatchObject({ name: 'm', notes: { length: 200_000 } });
  });

  it('refuses one that would not', async () => {
    await expect(push(2_097_120)).rejects.toThrow(
      /^m\/1\.0\.0\/model\.json: 2097\d+ bytes; a card has at most 2097152/,
    );
  });
});
