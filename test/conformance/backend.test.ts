import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createMicroBatcher } from '../../src/backends/micro-batcher.ts';
import { createEngineBackend } from '../../src/backends/onnx/engine-backend.ts';
import { openInline } from '../../src/backends/onnx/in-line.ts';
import { createInferencePool, type InferencePool } from '../../src/backends/onnx/inference-pool.ts';
import type { OnnxSource } from '../../src/backends/onnx/onnx-source.ts';
import type { Backend } from '../../src/core/backend.ts';
import { floats, notes, sourceOf, temporaryFolder } from '../support/models.ts';
import { BAD, classifier, model, node, regressor, tensor, value } from '../support/onnx.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

/** One suite for every place where a model may run. */
describe.each([
  ['in-line', 'in-line'],
  ['worker', 'worker'],
  ['micro-batches in a worker', 'worker'],
] as const)('backend, %s', (name, placement) => {
  let pool: InferencePool;
  const opened: Backend[] = [];
  const open = (source: OnnxSource) => {
    const engine = () => (placement === 'in-line' ? openInline(source) : pool.open(source));
    const plain = createEngineBackend(source, placement, engine);
    const batched = name === 'micro-batches in a worker';
    const backend = batched ? createMicroBatcher(plain, { runs: 2, maxQueueDelayMs: 0 }) : plain;
    opened.push(backend);
    return backend;
  };
  const load = async (file: Buffer) => {
    const backend = open(sourceOf(folder.path, file));
    await backend.load();
    return backend;
  };

  beforeAll(() => {
    pool = createInferencePool({
      size: 2,
      log: notes(),
      limits: { timeoutMs: 60_000, growBytes: 2 ** 29, loadTimeoutMs: 60_000 },
    });
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(backend => backend.close()));
  });
  afterAll(() => pool.close());

  it('says what the model takes and gives, and where it runs', async () => {
    const backend = await load(regressor([1, 2, 3]));
    expect(backend.info).toMatchObject({
      placement,
      maxBatchSize: 16,
      signature: {
        inputs: [{ name: 'x', type: 'float32', dims: [null, 3] }],
        outputs: [{ name: 'variable', type: 'float32', dims: [null, 1] }],
        opaqueOutputs: [],
      },
    });
    expect(backend.info.memoryBytes).toBeGreaterThan(0);
  });

  it('predicts every row by its own values', async () => {
    const backend = await load(regressor([1, 10], 0.5));
    const { variable } = await backend.predict({ x: floats([3, 2], 1, 2, 3, 4, 5, 6) });
    expect(variable).toEqual({ type: 'float32', dims: [3, 1], data: Float32Array.of(21.5, 43.5, 65.5) });
  });

  it('leaves the inputs as they were: a failed slice is halved and sent again', async () => {
    const backend = await load(regressor([1, 10]));
    const x = floats([2, 2], 1, 2, 3, 4);
    await backend.predict({ x });
    expect(x.data).toEqual(Float32Array.of(1, 2, 3, 4));
    expect((await backend.predict({ x })).variable?.data).toEqual(Float32Array.of(21, 43));
  });

  it('takes a slice that is a view on a larger buffer', async () => {
    const backend = await load(regressor([1, 10]));
    const all = Float32Array.of(9, 9, 1, 2, 9, 9);
    const { variable } = await backend.predict({ x: { type: 'float32', dims: [1, 2], data: all.subarray(2, 4) } });
    expect(variable?.data).toEqual(Float32Array.of(21));
  });

  it('takes and gives texts, 64-bit integers, doubles and booleans', async () => {
    const types = ['string', 'int64', 'float64', 'bool'] as const;
    const echo = model({
      nodes: types.map(type => node('Identity', [type], [`${type}_out`])),
      inputs: types.map(type => value(type, type, [null, 2])),
      outputs: types.map(type => value(`${type}_out`, type, [null, 2])),
    });
    const tensors = {
      string: { type: 'string', dims: [1, 2], data: ['Zoë', ''] },
      int64: { type: 'int64', dims: [1, 2], data: BigInt64Array.of(-5n, 2n ** 60n) },
      float64: { type: 'float64', dims: [1, 2], data: Float64Array.of(0.1, -1e300) },
      bool: { type: 'bool', dims: [1, 2], data: Uint8Array.of(1, 0) },
    } as const;
    const backend = open({
      ...sourceOf(folder.path, echo),
      plan: () => ({ maxBatchSize: 1, fixedBatch: false, inputs: () => tensors as never }),
    });
    await backend.load();
    const outputs = await backend.predict(tensors as never);
    for (const type of types) expect(outputs[`${type}_out`]).toEqual(tensors[type]);
  });

  it('takes a batch of none', async () => {
    const backend = await load(regressor([1, 2]));
    expect((await backend.predict({ x: floats([0, 2]) })).variable?.dims).toEqual([0, 1]);
  });

  it('leaves out outputs that are no tensors, and names them', async () => {
    const backend = await load(classifier({ zipMap: true }));
    expect(backend.info.signature.opaqueOutputs).toEqual(['probabilities']);
    const outputs = await backend.predict({ features: floats([2, 2], 1, 1, -1, -1) });
    expect(Object.keys(outputs)).toEqual(['label']);
    expect(outputs.label?.data).toEqual(BigInt64Array.of(20n, 10n));
  });

  it('fails with the slice that the model fails on, and goes on', async () => {
    const backend = await load(regressor([1, 2]));
    await expect(backend.predict({ x: floats([1, 3], 1, 2, 3) })).rejects.toThrow(/x/);
    await expect(backend.predict({ x: floats([1, 2], 1, 2) })).resolves.toBeDefined();
  });

  it('answers many slices at once, each with its own', async () => {
    const backend = await load(regressor([1, 0]));
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => backend.predict({ x: floats([1, 2], i, 99) }, { priority: i % 3 })),
    );
    expect(answers.map(({ variable }) => variable?.data[0])).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });

  it('does not begin a slice whose time is over', async () => {
    const backend = await load(regressor([1, 0]));
    const predicting = backend.predict(
      { x: floats([1, 2], 1, 2) },
      { signal: AbortSignal.abort(new Error('too late')) },
    );
    await expect(predicting).rejects.toThrow('too late');
  });

  it('loads once however often it is asked', async () => {
    let plans = 0;
    const source = sourceOf(folder.path, regressor([1, 2]));
    const plan: OnnxSource['plan'] = signature => {
      plans++;
      return source.plan(signature);
    };
    const backend = open({ ...source, plan });
    const [first, second] = await Promise.all([backend.load(), backend.load()]);
    expect(second).toBe(first);
    expect(plans).toBe(1);
  });

  it('waits for running slices when it closes, and then takes no more', async () => {
    const backend = await load(regressor([1, 0]));
    const running = backend.predict({ x: floats([1, 2], 7, 0) });
    await Promise.all([backend.close(), backend.close()]);
    expect((await running).variable?.data).toEqual(Float32Array.of(7));
    await expect(backend.predict({ x: floats([1, 2], 1, 2) })).rejects.toThrow(/closed/);
  });

  it('is no use before it is loaded', async () => {
    const backend = open(sourceOf(folder.path, regressor([1, 2])));
    expect(() => backend.info).toThrow(/not loaded/);
    await expect(backend.predict({ x: floats([1, 2], 1, 2) })).rejects.toThrow(/not loaded/);
  });

  it('serves one by one what takes no larger slice', async () => {
    const onlyOne = model({
      nodes: [node('Reshape', ['x', 'shape'], ['y'])],
      inputs: [value('x', 'float32', [null, 2])],
      outputs: [value('y', 'float32', [null, 2])],
      initializers: [tensor('shape', [2], [1, 2])],
    });
    expect((await load(onlyOne)).info.maxBatchSize).toBe(1);
  });

  it.each(Object.entries(BAD))('refuses a file that is %s, naming file and cause', async (_, { file, says }) => {
    const backend = open(sourceOf(folder.path, file));
    const refused = await backend.load().then(
      () => undefined,
      thrown => thrown as Error,
    );
    expect(refused?.message).toMatch(/^some\/1\.0\.0\/model\.onnx: /);
    expect(refused?.message).toMatch(says);
    expect(refused?.message).not.toContain(folder.path);
  });

  it('refuses a model that its card does not fit', async () => {
    const backend = open({
      ...sourceOf(folder.path, regressor([1, 2])),
      plan: () => {
        throw new Error('some/1.0.0/model.json: expected 2 columns, came 3');
      },
    });
    await expect(backend.load()).rejects.toThrow('some/1.0.0/model.json: expected 2 columns, came 3');
  });
});
