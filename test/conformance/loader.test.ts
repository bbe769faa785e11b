import { afterAll, describe, expect, it } from 'vitest';
import { createOnnxLoader } from '../../src/backends/onnx/onnx-loader.ts';
import type { WarmUpPlan } from '../../src/core/backend.ts';
import type { Loader, LoadSource } from '../../src/core/loader.ts';
import type { Signature, Tensors } from '../../src/core/tensor.ts';
import { floats, notes, sourceOf, temporaryFolder } from '../support/models.ts';
import { BAD, classifier } from '../support/onnx.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const limits = { inlineMaxMs: 1, workerMinMs: 5, log: notes() };
const none = { intraOpThreads: undefined, maxQueueDelayMs: undefined };

/** A kind of model: its loader, and two files of it (labels 10 and 20 by two features), one of which does not open. */
interface Kind {
  readonly loader: Loader;
  readonly good: () => LoadSource;
  readonly bad: () => LoadSource;
}

function onnx(placement: 'in-line' | 'worker'): Kind {
  const source = (file: Buffer): LoadSource => {
    const { file: path, bytes, ...rest } = sourceOf(folder.path, file);
    const derive = async (_: string, content: Uint8Array) => sourceOf(folder.path, Buffer.from(content)).file;
    return { ...rest, file: { path, bytes, derive }, card: {}, wishes: { ...none, placement } };
  };
  const loader = createOnnxLoader({ threads: 1, ...limits });
  return { loader, good: () => source(classifier({ zipMap: true })), bad: () => source(BAD.truncated!.file) };
}

describe.each([
  ['ONNX files in-line', onnx('in-line')],
  ['ONNX files in worker processes', onnx('worker')],
])('loader: %s', (_, { loader, good, bad }) => {
  afterAll(() => loader.close());

  it('takes the cards of its kind', () => {
    expect(loader.takes(good().card)).toBe(true);
  });

  it('opens a model, warm, once its card was held against all that the model says of itself', async () => {
    const told: { signature: Signature; classes: unknown }[] = [];
    const tried: number[] = [];
    const source = good();
    const plan = (signature: Signature, classes: Parameters<LoadSource['plan']>[1]): WarmUpPlan => {
      told.push({ signature, classes });
      const { inputs, ...planned } = source.plan(signature, classes);
      const watched = (rows: number): Tensors => {
        tried.push(rows);
        return inputs(rows);
      };
      return { ...planned, inputs: watched };
    };
    const { backend, producer, opsets } = await loader.open({ ...source, plan });
    expect(told[0]).toEqual({ signature: backend.info.signature, classes: [10, 20] });
    expect(backend.info.signature.outputs.map(({ name }) => name)).toEqual(['label', 'probabilities']);
    expect(tried[0]).toBe(1);
    expect(producer).toBe('hand-made');
    expect(opsets.get('ai.onnx')).toBe(17);
    const { label } = await backend.predict({ features: floats([2, 2], 5, 5, -5, -5) });
    expect(Array.from(label?.data ?? [], Number)).toEqual([20, 10]);
    await backend.close();
  });

  it('says what is wrong, by the name it was given', async () => {
    await expect(loader.open(bad())).rejects.toThrow('some/1.0.0/model.onnx: not an ONNX file, or a damaged one');
  });

  it('opens nothing that its card does not fit, and goes on', async () => {
    const plan = () => {
      throw new Error('some/1.0.0/model.json: does not fit');
    };
    await expect(loader.open({ ...good(), plan })).rejects.toThrow('some/1.0.0/model.json: does not fit');
    const { backend } = await loader.open(good());
    await backend.close();
  });
});
