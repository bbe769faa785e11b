import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createChoiceLoaders } from '../../src/backends/choice/choice-loader.ts';
import { createEngineBackend } from '../../src/backends/onnx/engine-backend.ts';
import { openInline } from '../../src/backends/onnx/in-line.ts';
import { createOnnxLoader } from '../../src/backends/onnx/onnx-loader.ts';
import { createRemoteLoader } from '../../src/backends/remote/remote-loader.ts';
import type { Backend, WarmUpPlan } from '../../src/core/backend.ts';
import type { Loader } from '../../src/core/loader.ts';
import { type InferenceServer, startInferenceServer } from '../support/inference-server.ts';
import { floats, type Notes, notes, sourceOf, temporaryFolder } from '../support/models.ts';
import { regressor } from '../support/onnx.ts';
import { holdsForLoaded } from './loaded-backend.ts';

const folder = temporaryFolder();
const opened: Backend[] = [];
const servers: InferenceServer[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map(backend => backend.close()));
  await Promise.all(servers.splice(0).map(server => server.close()));
});
afterAll(() => folder.remove());

async function serve(file: Buffer, plan: Partial<WarmUpPlan> = {}): Promise<InferenceServer> {
  const source = sourceOf(folder.path, file, plan);
  const backend = createEngineBackend(source, 'in-line', () => openInline(source));
  await backend.load();
  opened.push(backend);
  const server = await startInferenceServer(backend, { binary: true });
  servers.push(server);
  return server;
}

function loadersFor(servers: readonly InferenceServer[], log: Notes): readonly Loader[] {
  const remote = createRemoteLoader({
    hosts: servers.map(({ host }) => host),
    tokens: {},
    tokenFor: async () => '',
    breaker: { failures: 2, resetMs: 100 },
    log,
  });
  const onnx = createOnnxLoader({ threads: 0, inlineMaxMs: 1, workerMinMs: 5, log });
  return createChoiceLoaders({ remote, onnx, log, retryMs: 0 });
}

async function ask(
  backends: readonly object[],
  {
    file = Buffer.from('{}'),
    plan = {},
    log = notes(),
  }: { file?: Buffer; plan?: Partial<WarmUpPlan>; log?: Notes } = {},
): Promise<Backend> {
  const card = { name: 'm', backends };
  const source = sourceOf(folder.path, file, plan);
  const loader = loadersFor(servers, log).find(each => each.takes(card)) as Loader;
  const { backend } = await loader.open({
    title: 'm/1.0.0/model.json',
    file: { path: source.file, bytes: source.bytes, derive: async () => source.file },
    card,
    wishes: { placement: undefined, intraOpThreads: undefined, maxQueueDelayMs: undefined },
    plan: signature => source.plan(signature),
  });
  opened.push(backend);
  return backend;
}

const at = (server: InferenceServer) => ({
  kind: 'open-inference',
  url: server.url,
  model: 'm',
  retries: 0,
  timeout_seconds: 5,
});
const rowsOf = (count: number) => ({
  x: floats([count, 2], ...Array.from({ length: count }, (_, i) => [i, 0]).flat()),
});
/** What one instance is answered with, which tells the backends of these tests apart. */
async function factor(backend: Backend, count: number): Promise<number | undefined> {
  const { variable } = await backend.predict(rowsOf(count));
  const data = variable?.data as Float32Array;
  expect(Array.from(data)).toEqual(Array.from({ length: count }, (_, i) => i * (data[1] as number)));
  return data[1];
}

describe('several backends of one model', () => {
  holdsForLoaded(async (file, plan) => {
    const server = await serve(file, plan);
    return ask([{ kind: 'onnx', max_instances: 2 }, at(server)], { file, ...(plan && { plan }) });
  });
});

describe('of several backends', () => {
  it('the first answers that takes a batch so large', async () => {
    const server = await serve(regressor([100, 0]));
    const backend = await ask([{ kind: 'onnx', max_instances: 3 }, at(server)], { file: regressor([1, 0]) });
    expect([await factor(backend, 3), await factor(backend, 4), await factor(backend, 2)]).toEqual([1, 100, 1]);
    expect(backend.info).toMatchObject({ maxBatchSize: 16, placement: 'remote' });
    expect(backend.status).toEqual({
      kind: 'backends',
      at: 'onnx at in-line',
      state: 'up',
      parts: [
        { title: 'up to 3 instances', kind: 'onnx', at: 'in-line', state: 'up' },
        { title: 'any number of instances', kind: 'open-inference', at: server.host, state: 'up' },
      ],
    });
  });

  it('the next answers while one is away, in pieces where it takes fewer, and the first again when it is back', async () => {
    const server = await serve(regressor([100, 0]));
    const backend = await ask([at(server), { kind: 'onnx', max_instances: 3 }], { file: regressor([1, 0]) });
    expect(await factor(backend, 8)).toBe(100);
    server.mood = 'unavailable';
    for (let time = 0; time < 4; time++) expect(await factor(backend, 8)).toBe(1);
    expect(backend.status).toMatchObject({
      at: 'onnx at in-line',
      state: 'up',
      reason: expect.stringMatching(new RegExp(`open-inference ${server.host}: .*503`)),
    });
    server.mood = 'well';
    await expect.poll(() => factor(backend, 8)).toBe(100);
  });

  it('one that is not there from the start is passed over, said once, and asked again', async () => {
    const server = await serve(regressor([100, 0]));
    const log = notes();
    server.mood = 'unavailable';
    const backend = await ask([{ kind: 'onnx', max_instances: 3 }, at(server)], { file: regressor([1, 0]), log });
    expect(await factor(backend, 9)).toBe(1);
    expect(await factor(backend, 9)).toBe(1);
    expect(log.about(/open-inference at .* is missing: .*503.*; the other backends answer/)).toHaveLength(1);
    server.mood = 'well';
    await expect.poll(() => factor(backend, 9)).toBe(100);
    expect(await factor(backend, 3)).toBe(1);
  });

  it('none is left where all are away', async () => {
    const [one, other] = [await serve(regressor([1, 0])), await serve(regressor([2, 0]))];
    const backend = await ask([{ ...at(one), max_instances: 4 }, at(other)]);
    expect([await factor(backend, 2), await factor(backend, 5)]).toEqual([1, 2]);
    one.mood = other.mood = 'unavailable';
    await expect(backend.predict(rowsOf(2))).rejects.toMatchObject({
      code: 'model_unavailable',
      message: expect.stringContaining('m/1.0.0/model.json: no backend is there: open-inference at '),
    });
    await expect(ask([at(one), at(other)])).rejects.toMatchObject({ retryable: true });
  });

  it('a slice that the first fails on fails: the next is for those that are away', async () => {
    const server = await serve(regressor([1, 0]));
    const backend = await ask([{ kind: 'onnx' }, at(server)], { file: regressor([1, 0]) });
    const before = server.asked.length;
    await expect(backend.predict({ x: floats([1, 3], 1, 2, 3) })).rejects.not.toMatchObject({
      code: 'model_unavailable',
    });
    expect(server.asked.length).toBe(before);
  });

  it('one that takes other inputs is refused, with what was expected', async () => {
    const server = await serve(regressor([1, 2, 3]));
    await expect(ask([{ kind: 'onnx' }, at(server)], { file: regressor([1, 0]) })).rejects.toThrow(
      `m/1.0.0/model.json: backends: open-inference at ${server.host}: expected input x: float32[?,2], came x: float32[?,3]`,
    );
  });

  it.each([
    [[], 'backends: Too small'],
    [[{ kind: 'open-inference' }], 'backends: expected a url, but for onnx'],
    [[{ kind: 'onnx' }, { kind: 'onnx', max_instances: 3 }], 'backends: expected the model file once'],
    [[{ kind: 'onnx', max_instances: 0 }], 'backends.0.max_instances'],
  ])('%o in a card is refused, with what was expected', async (backends, says) => {
    await expect(ask(backends)).rejects.toThrow(`m/1.0.0/model.json: ${says}`);
  });
});
