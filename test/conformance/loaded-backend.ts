import { expect, it } from 'vitest';
import type { Backend, WarmUpPlan } from '../../src/core/backend.ts';
import { floats } from '../support/models.ts';
import { model, node, regressor, value } from '../support/onnx.ts';

/** What holds for every backend once it is loaded, wherever its model runs. */
export function holdsForLoaded(load: (file: Buffer, plan?: Partial<WarmUpPlan>) => Promise<Backend>): void {
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
    const backend = await load(echo, { maxBatchSize: 1, inputs: () => tensors as never });
    const outputs = await backend.predict(tensors as never);
    for (const type of types) expect(outputs[`${type}_out`]).toEqual(tensors[type]);
  });

  it('takes a batch of none', async () => {
    const backend = await load(regressor([1, 2]));
    expect((await backend.predict({ x: floats([0, 2]) })).variable?.dims).toEqual([0, 1]);
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

  it('waits for running slices when it closes, and then takes no more', async () => {
    const backend = await load(regressor([1, 0]));
    const running = backend.predict({ x: floats([1, 2], 7, 0) });
    await Promise.all([backend.close(), backend.close()]);
    expect((await running).variable?.data).toEqual(Float32Array.of(7));
    await expect(backend.predict({ x: floats([1, 2], 1, 2) })).rejects.toThrow(/closed/);
  });
}
