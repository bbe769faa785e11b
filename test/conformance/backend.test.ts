import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createMicroBatcher } from '../../src/backends/micro-batcher.ts';
import { createEngineBackend } from '../../src/backends/onnx/engine-backend.ts';
import { openInline } from '../../src/backends/onnx/in-line.ts';
import { createInferencePool, type InferencePool } from '../../src/backends/onnx/inference-pool.ts';
import type { OnnxSource } from '../../src/backends/onnx/onnx-source.ts';
import type { Backend, WarmUpPlan } from '../../src/core/backend.ts';
import { floats, notes, sourceOf, temporaryFolder } from '../support/models.ts';
import { BAD, classifier, model, node, regressor, tensor, value } from '../support/onnx.ts';
import { holdsForLoaded } from './loaded-backend.ts';

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
  const load = async (file: Buffer, plan: Partial<WarmUpPlan> = {}) => {
    const backend = open(sourceOf(folder.path, file, plan));
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

  holdsForLoaded((file, plan) => load(file, plan));

  it('leaves out outputs that are no tensors, and names them', async () => {
    const backend = await load(classifier({ zipMap: true }));
    expect(backend.info.signature.opaqueOutputs).toEqual(['probabilities']);
    const outputs = await backend.predict({ features: floats([2, 2], 1, 1, -1, -1) });
    expect(Object.keys(outputs)).toEqual(['label']);
    expect(outputs.label?.data).toEqual(BigInt64Array.of(20n, 10n));
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
