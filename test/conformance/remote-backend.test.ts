import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEngineBackend } from '../../src/backends/onnx/engine-backend.ts';
import { openInline } from '../../src/backends/onnx/in-line.ts';
import type { RemoteOptions } from '../../src/backends/remote/open-remote.ts';
import { createRemoteLoader } from '../../src/backends/remote/remote-loader.ts';
import type { Backend, WarmUpPlan } from '../../src/core/backend.ts';
import { type InferenceServer, type Mood, startInferenceServer } from '../support/inference-server.ts';
import { floats, notes, sourceOf, temporaryFolder } from '../support/models.ts';
import { regressor } from '../support/onnx.ts';
import { holdsForLoaded } from './loaded-backend.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

const servers: InferenceServer[] = [];
const opened: Backend[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map(backend => backend.close()));
  await Promise.all(servers.splice(0).map(server => server.close()));
});

/** The server's model, in this process. */
async function serve(
  file: Buffer,
  plan: Partial<WarmUpPlan> = {},
  binary = false,
  mostRows?: number,
): Promise<InferenceServer> {
  const source = sourceOf(folder.path, file, plan);
  const backend = createEngineBackend(source, 'in-line', () => openInline(source));
  await backend.load();
  opened.push(backend);
  const server = await startInferenceServer(backend, { binary, ...(mostRows && { mostRows }) });
  servers.push(server);
  return server;
}

interface Asked {
  readonly backend?: object;
  readonly card?: object;
  readonly plan?: Partial<WarmUpPlan>;
  readonly options?: Partial<RemoteOptions>;
}

async function ask(server: InferenceServer, { backend = {}, card = {}, plan = {}, options = {} }: Asked = {}) {
  const loader = createRemoteLoader({
    hosts: [server.host],
    tokens: {},
    tokenFor: async scope => `token for ${scope}`,
    breaker: { failures: 3, resetMs: 200 },
    log: notes(),
    ...options,
  });
  const given = { kind: 'open-inference', url: server.url, model: 'm', retries: 0, timeout_seconds: 5, ...backend };
  const found = await loader.open({
    ...sourceOf(folder.path, Buffer.from('{}'), plan),
    title: 'm/1.0.0/model.json',
    file: { path: 'none', bytes: 0, derive: async () => 'none' },
    card: { ...card, backend: given },
    wishes: { placement: undefined, intraOpThreads: undefined, maxQueueDelayMs: undefined },
  });
  opened.push(found.backend);
  return { backend: found.backend, loader };
}

describe.each([
  ['JSON', false],
  ['binary tensors', true],
] as const)('a model that a server has, by %s', (_, binary) => {
  holdsForLoaded(async (file, plan) => (await ask(await serve(file, plan, binary), { plan })).backend);

  it('says what the server says of it, and where it is', async () => {
    const server = await serve(regressor([1, 2, 3]), {}, binary);
    const { backend } = await ask(server);
    expect(backend.info).toMatchObject({
      placement: 'remote',
      maxBatchSize: 16,
      signature: {
        inputs: [{ name: 'x', type: 'float32', dims: [null, 3] }],
        outputs: [{ name: 'variable', type: 'float32', dims: [null, 1] }],
      },
    });
    expect(backend.status).toEqual({ kind: 'open-inference', at: server.host, state: 'up' });
  });

  it('finds the largest slice that the server takes', async () => {
    const server = await serve(regressor([1, 2]), {}, binary, 12);
    expect((await ask(server, { plan: { maxBatchSize: 64 } })).backend.info.maxBatchSize).toBe(8);
  });
});

describe('a server', () => {
  let server: InferenceServer;
  beforeEach(async () => {
    server = await serve(regressor([1, 10]));
  });
  const row = { x: floats([1, 2], 1, 2) };

  it('that is MLflow is asked by the names of features', async () => {
    const features = [
      { name: 'a', input: 'x' },
      { name: 'b', input: 'x' },
    ];
    const { backend } = await ask(server, {
      backend: { kind: 'mlflow' },
      card: { features },
      plan: { inputs: rows => ({ x: { type: 'float64', dims: [rows, 2], data: new Float64Array(2 * rows) } }) },
    });
    const x = { type: 'float64', dims: [2, 2], data: Float64Array.of(1, 2, 3, 4) } as const;
    expect(await backend.predict({ x })).toEqual({
      predictions: { type: 'float64', dims: [2], data: Float64Array.of(21, 43) },
    });
  });

  it.each<[Mood, RegExp]>([
    ['unavailable', /answers \/v2\/models\/m\/infer with 503: {"error":"not now"}/],
    ['breaks off', /socket hang up|ECONNRESET/],
    ['mute', /no answer within 0\.3 s/],
  ])('that is %s is away: at once after some failures, and there again as soon as it is', async (mood, says) => {
    const { backend, loader } = await ask(server, { backend: { timeout_seconds: 0.3 } });
    server.mood = mood;
    for (let time = 0; time < 3; time++) {
      await expect(backend.predict(row)).rejects.toMatchObject({
        code: 'model_unavailable',
        message: expect.stringMatching(says),
      });
    }
    expect(loader.breakers()).toEqual({ [server.host]: 'open' });
    const before = server.asked.length;
    await expect(backend.predict(row)).rejects.toMatchObject({ code: 'model_unavailable' });
    expect(server.asked.length).toBe(before);
    expect(backend.status).toMatchObject({ state: 'away', reason: expect.stringMatching(says) });
    server.mood = 'well';
    await expect
      .poll(() =>
        backend.predict(row).then(
          () => 'answered',
          () => 'away',
        ),
      )
      .toBe('answered');
    expect(backend.status).toEqual({ kind: 'open-inference', at: server.host, state: 'up' });
  });

  it('that leads elsewhere is not followed', async () => {
    const { backend } = await ask(server);
    server.mood = 'redirects';
    await expect(backend.predict(row)).rejects.toThrow('307; redirects are not followed');
  });

  it('that talks nonsense fails the slice, not the server', async () => {
    const { backend, loader } = await ask(server);
    server.mood = 'talks nonsense';
    for (let time = 0; time < 5; time++) await expect(backend.predict(row)).rejects.toThrow(/no JSON: <html>/);
    expect(loader.breakers()).toEqual({ [server.host]: 'closed' });
  });

  it('that fails on one instance fails that one, however often, and nothing else', async () => {
    const { backend } = await ask(server);
    for (let time = 0; time < 5; time++) {
      await expect(backend.predict({ x: floats([1, 3], 1, 2, 3) })).rejects.not.toMatchObject({
        code: 'model_unavailable',
      });
    }
    expect((await backend.predict(row)).variable?.data).toEqual(Float32Array.of(21));
  });

  it('is asked again where the card says so', async () => {
    const { backend } = await ask(server, { backend: { retries: 5 } });
    server.mood = 'unavailable';
    const predicting = backend.predict(row);
    const asked = server.asked.length;
    await expect.poll(() => server.asked.length).toBeGreaterThan(asked);
    server.mood = 'well';
    expect((await predicting).variable?.data).toEqual(Float32Array.of(21));
  });

  it('is sent the token that the card names, or that the identity gets', async () => {
    const tokens = { mine: 's3cret' };
    const named = await ask(server, { backend: { token: 'mine' }, options: { tokens } });
    await named.backend.predict(row);
    expect(new Set(server.asked.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer s3cret']));
    const { backend } = await ask(server, { backend: { scope: 'api://models/.default' } });
    await backend.predict(row);
    expect(server.asked.at(-1)?.authorization).toBe('Bearer token for api://models/.default');
    await expect(ask(server, { backend: { token: 'other' } })).rejects.toThrow(
      'm/1.0.0/model.json: backend.token: REMOTE_TOKENS has none called other',
    );
  });

  it('is called only where REMOTE_HOSTS names it', async () => {
    const { asked } = server;
    await expect(ask(server, { options: { hosts: ['models.example.com'] } })).rejects.toThrow(
      `m/1.0.0/model.json: backend.url: ${server.host} is not called: REMOTE_HOSTS has to name it; it names models.example.com`,
    );
    await expect(ask(server, { options: { hosts: [] } })).rejects.toThrow('it names none');
    expect(asked).toEqual([]);
  });

  it.each(['169.254.169.254', '[fe80::1]', '[::ffff:169.254.169.254]', '168.63.129.16'])(
    'at %s is never called, whatever REMOTE_HOSTS says',
    async host => {
      const asking = ask(server, {
        backend: { url: `http://${host}/` },
        options: { hosts: [host, new URL(`http://${host}`).hostname] },
      });
      await expect(asking).rejects.toThrow(/link-local address/);
    },
  );

  it('that is not there while the model is opened is away, not broken', async () => {
    server.mood = 'unavailable';
    await expect(ask(server)).rejects.toMatchObject({ name: 'ServerAway', retryable: true });
  });

  it.each([
    [{ url: 'ftp://x' }, 'backend.url: expected http:// or https://'],
    [{ url: 'http://a:b@x/' }, 'backend.url: expected http:// or https://'],
    [{ kind: 'triton' }, 'backend.kind: Invalid option'],
    [{ retries: -1 }, 'backend.retries'],
  ])('%o in a card is refused, with what was expected', async (backend, says) => {
    await expect(ask(server, { backend })).rejects.toThrow(`m/1.0.0/model.json: ${says}`);
  });
});
