import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Catalog } from '../../../src/core/catalog.ts';
import { InfrastructureError, RequestError } from '../../../src/core/errors.ts';
import type { ModelVersion } from '../../../src/core/model.ts';
import type { Ending } from '../../../src/core/outcome.ts';
import type { TensorSpec } from '../../../src/core/tensor.ts';
import { VERSION } from '../../../src/core/version.ts';
import { createHttpApi, type HttpApi, type HttpApiOptions } from '../../../src/http/api.ts';
import type { RouteName } from '../../../src/http/routes.ts';
import type { RawCard } from '../../../src/models/card.ts';
import { NOON, quiet } from '../../support/events.ts';
import { notes, temporaryFolder } from '../../support/models.ts';
import { model, node, tensor, value } from '../../support/onnx.ts';
import { catalogOf, openModel } from '../../support/onnx-model.ts';
import { openScoring } from '../../support/open-scoring.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const sample = (path: string) => join(ROOT, 'samples/models', path);
const fixture = (path: string) => join(ROOT, 'test/fixtures/models', path);

const opened: ModelVersion[] = [];
async function open(...[folder, change]: Parameters<typeof openModel>): Promise<ModelVersion> {
  const version = await openModel(folder, change);
  opened.push(version);
  return version;
}

let recorded: Ending[] = [];
let answers: { route: string; status: number }[] = [];

function serve(catalog: Catalog, change: Partial<HttpApiOptions> = {}): HttpApi {
  recorded = [];
  answers = [];
  const options = { catalog, clock: () => NOON, requestTimeoutMs: undefined, maxBodyBytes: 1_000_000, log: quiet };
  return createHttpApi({
    jobs: () => Promise.reject(new Error('there are no jobs here')),
    ...options,
    ...openScoring(options.catalog, options),
    record: ending => recorded.push(ending),
    recordSlices: () => {},
    recordAsked: () => {},
    recordHttp: (route, status) => answers.push({ route, status }),
    prometheus: async () => 'up 1\n',
    version: '1.2.3',
    maxConcurrent: 4,
    timeoutMs: 5_000,
    ...change,
  });
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: a JSON answer of any shape
  readonly body: any;
}

async function ask(
  api: HttpApi,
  route: RouteName,
  params: Record<string, string> = {},
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body ?? null);
  const reply = await api.answer(route, {
    params,
    headers: new Headers(headers),
    arrayBuffer: async () => new TextEncoder().encode(text).buffer,
  });
  return {
    ...reply,
    body: reply.headers['content-type'] === 'application/json' ? JSON.parse(String(reply.body)) : reply.body,
  };
}

const [FEATURES, OTHER] = readFileSync(join(sample('diabetes/1.1.0'), 'cases.jsonl'), 'utf8')
  .split('\n', 2)
  .map(line => (JSON.parse(line) as { features: number[] }).features) as [number[], number[]];
const inputs = (...rows: number[][]) => [
  { name: 'features', shape: [rows.length, rows[0]?.length], datatype: 'FP32', data: rows.flat() },
];

let diabetes: ModelVersion;
beforeAll(async () => {
  diabetes = await open(sample('diabetes/1.1.0'));
});
afterAll(async () => {
  for (const { backend } of opened) await backend.close();
});

describe('infer', () => {
  it('answers a tensor of instances with the tensors of the model, and echoes the id', async () => {
    const api = serve(catalogOf(diabetes));
    const request = { id: 'abc', inputs: inputs(FEATURES, OTHER) };
    const { status, body } = await ask(api, 'v2-infer', { name: 'diabetes' }, request);
    expect(status).toBe(200);
    expect(body).toMatchObject({ model_name: 'diabetes', model_version: diabetes.label, id: 'abc' });
    expect(body.parameters).toBeUndefined();
    const [label, probabilities] = body.outputs;
    expect(label).toMatchObject({ name: 'label', datatype: 'INT64', shape: [2] });
    expect(probabilities).toMatchObject({ name: 'probabilities', datatype: 'FP32', shape: [2, 2] });
    const [a, b, c, d] = probabilities.data as [number, number, number, number];
    expect(a + b).toBeCloseTo(1, 5);
    expect(label.data).toEqual([b > a ? 1 : 0, d > c ? 1 : 0]);
    expect(a).not.toBeCloseTo(c, 3);
    expect(recorded).toMatchObject([{ kind: 'answered' }]);
    expect(answers).toEqual([{ route: 'v2-infer', status: 200 }]);
  });

  it.each([
    [sample('diabetes/1.0.0'), 3],
    [fixture('house-price/1.0.0'), 3],
    [fixture('survey-int64/1.0.0'), 3],
    [fixture('wine-multi/1.0.0'), 3],
    [fixture('iris-fixed-batch/1.0.0'), 1],
    [fixture('targets/1.0.0'), 4],
    [fixture('chance/1.0.0'), 3],
    [fixture('image/1.0.0'), 2],
  ])('gives what the model itself gives: %s', async (folder, rows) => {
    const version = await open(folder);
    const tensors = version.signature.inputs.map(spec => someTensor(spec, rows));
    const raw = await version.backend.predict(Object.fromEntries(tensors.map(({ name, tensor }) => [name, tensor])));
    const request = { inputs: tensors.map(({ asked }) => asked) };
    const { status, body } = await ask(serve(catalogOf(version)), 'v2-infer', { name: version.name }, request);
    expect(status, JSON.stringify(body)).toBe(200);
    const roles = version.card.outputs;
    for (const output of body.outputs) {
      const tensor = raw[output.name];
      if (tensor === undefined) {
        expect(output.name).toBe('label');
        continue;
      }
      const named = output.name === roles.label && roles.classes?.some(name => typeof name === 'string');
      expect(output.shape.reduce((product: number, one: number) => product * one, 1)).toBe(tensor.data.length);
      if (named) expect(roles.classes).toContain(output.data[0]);
      else if (tensor.type === 'float32') expect(output.data.map(Math.fround)).toEqual(Array.from(tensor.data, Number));
      else expect(output.data).toEqual(Array.from(tensor.data, Number));
    }
    const names = [roles.label, roles.probabilities, roles.value].filter(name => name !== undefined);
    expect(body.outputs.map(({ name }: { name: string }) => name)).toEqual(expect.arrayContaining(names));
  });

  it('keeps the dimension of 1 that a regressor declares', async () => {
    const version = await open(fixture('house-price/1.0.0'));
    const request = { inputs: inputs([120, 300, 3, 2, 1990, 1, 0, 5], [80, 200, 2, 1, 1970, 0, 1, 9]) };
    const { body } = await ask(serve(catalogOf(version)), 'v2-infer', { name: 'house-price' }, request);
    expect(body.outputs).toMatchObject([{ name: 'variable', datatype: 'FP64', shape: [2, 1] }]);
  });

  it('takes texts and gives texts', async () => {
    const version = await open(sample('topic/1.0.0'));
    const data = ['My invoice is wrong', 'The app crashes when I log in'];
    const request = { inputs: [{ name: 'text', shape: [2, 1], datatype: 'BYTES', data }] };
    const { body } = await ask(serve(catalogOf(version)), 'v2-infer', { name: 'topic' }, request);
    const [label, probabilities] = body.outputs;
    expect(label).toMatchObject({ datatype: 'BYTES', shape: [2] });
    const best = probabilities.data.slice(0, 5).indexOf(Math.max(...probabilities.data.slice(0, 5)));
    expect(label.data[0]).toBe(version.card.outputs.classes?.[best]);
    expect(label.data[0]).not.toBe(label.data[1]);
  });

  it('passes over bad rows where the request says so, and lists them', async () => {
    const features = {
      name: 'features',
      shape: [3, 10],
      datatype: 'FP32',
      data: [...FEATURES, ...FEATURES.map(() => null), ...OTHER],
    };
    const api = serve(catalogOf(diabetes));
    const asked = (parameters: object) =>
      ask(api, 'v2-infer', { name: 'diabetes' }, { inputs: [features], parameters });
    const { status, body } = await asked({ on_error: 'skip', ids: ['a', 7, 'c'] });
    expect(status).toBe(200);
    expect(body.parameters).toEqual({
      ids: ['a', 7, 'c'],
      errors: [{ index: 1, id: 7, code: 'schema_mismatch', message: expect.stringContaining('missing') }],
    });
    const [label, probabilities] = body.outputs;
    const whole = await ask(api, 'v2-infer', { name: 'diabetes' }, { inputs: inputs(FEATURES, OTHER) });
    const [labels, columns] = whole.body.outputs;
    expect(label).toMatchObject({ shape: [3], data: [labels.data[0], null, labels.data[1]] });
    const [one, two, three, four] = columns.data;
    expect(probabilities).toMatchObject({ shape: [3, 2], data: [one, two, null, null, three, four] });
    expect(recorded[0]).toMatchObject({ kind: 'answered', errors: [{ index: 1, id: 7 }] });
    const refused = await asked({ ids: ['a', 7, 'c'] });
    expect(refused).toMatchObject({ status: 400, body: { error: expect.stringMatching(/^instance 1: /) } });
    const wrong = await asked({ ids: ['a'] });
    expect(wrong).toMatchObject({ status: 400, body: { error: expect.stringContaining('ids has 1') } });
  });

  it('gives only the outputs that are asked for, and refuses one that is not there', async () => {
    const api = serve(catalogOf(diabetes));
    const wanted = (name: string) => ({ inputs: inputs(FEATURES), outputs: [{ name }] });
    const some = await ask(api, 'v2-infer', { name: 'diabetes' }, wanted('label'));
    expect(some.body.outputs).toHaveLength(1);
    const none = await ask(api, 'v2-infer', { name: 'diabetes' }, wanted('shap'));
    expect(none).toMatchObject({ status: 400, body: { error: expect.stringContaining('label, probabilities') } });
  });

  it('answers an absent version by production, and says so', async () => {
    const api = serve(catalogOf(diabetes));
    const params = { name: 'diabetes', version: '9.9.9' };
    const { status, body } = await ask(api, 'v2-infer-version', params, { inputs: inputs(FEATURES) });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      model_version: diabetes.label,
      parameters: { fallback: true, requested_version: '9.9.9' },
    });
  });

  it('answers by a version that is named', async () => {
    const older = await open(sample('diabetes/1.0.0'));
    const api = serve(catalogOf(older, diabetes));
    const params = { name: 'diabetes', version: '1.0.0' };
    const { body } = await ask(api, 'v2-infer-version', params, { inputs: inputs(FEATURES) });
    expect(body.model_version).toBe(older.label);
  });

  it('writes integers beyond 2^53 as they are', async () => {
    const label = { name: 'id', type: 'int64', dims: [null] } as const;
    const signature = { inputs: [], outputs: [label], opaqueOutputs: [] };
    const outputs = { ...diabetes.card.outputs, label: 'id', probabilities: undefined, classes: undefined };
    const version = { ...diabetes, signature, card: { ...diabetes.card, outputs } };
    const predictions = [{ prediction: '9007199254740993' }, { prediction: 5 }];
    const ending = {
      kind: 'answered',
      version,
      predictions,
      errors: [],
      several: true,
      fallback: false,
    } as unknown as Ending;
    const api = serve(catalogOf(diabetes), { predict: async () => [ending] });
    const reply = await api.answer('v2-infer', {
      params: { name: 'diabetes' },
      headers: new Headers(),
      arrayBuffer: async () => new TextEncoder().encode(JSON.stringify({ inputs: inputs(FEATURES) })).buffer,
    });
    expect(reply.body).toContain('"data":[9007199254740993,5]');
    expect(reply.body).toContain('"datatype":"INT64"');
  });

  it("leaves out the outputs that a card's default lacks", async () => {
    const ending = {
      kind: 'answered',
      version: diabetes,
      predictions: [{ prediction: 'Unknown', confidence: 0 }],
      errors: [],
      several: true,
      degraded: true,
    } as unknown as Ending;
    const api = serve(catalogOf(diabetes), { predict: async () => [ending] });
    const { body } = await ask(api, 'v2-infer', { name: 'diabetes' }, { inputs: inputs(FEATURES) });
    expect(body.outputs).toEqual([{ name: 'label', datatype: 'BYTES', shape: [1], data: ['Unknown'] }]);
    expect(body.parameters).toEqual({ degraded: true });
  });

  it.each<[string, number, unknown, RegExp]>([
    ['no JSON', 400, '{"inputs":', /^the body is not JSON \(position 10\)$/],
    ['NaN', 400, '{"inputs":[NaN]}', /^NaN is no JSON \(position 11\); null or the text "NaN" would be understood$/],
    ['no inputs', 400, { id: '1' }, /inputs/],
    ['an id that is no text', 400, { id: 7, inputs: [] }, /id: /],
    ['empty inputs', 400, { inputs: [] }, /inputs is empty/],
    [
      'no rows',
      400,
      { inputs: [{ name: 'features', shape: [0, 10], datatype: 'FP32', data: [] }] },
      /features is empty/,
    ],
    ['too few data', 400, { inputs: [{ name: 'features', shape: [2, 10], datatype: 'FP32', data: FEATURES }] }, /20/],
    ['too few features', 400, { inputs: inputs([1, 2, 3]) }, /10/],
    ['an unknown input', 400, { inputs: [...inputs(FEATURES), { ...inputs(FEATURES)[0], name: 'x' }] }, /input x/],
    ['text where numbers belong', 400, { inputs: inputs(FEATURES.map(String).with(0, 'many') as never) }, /many|text/],
    ['a time-out that is none', 400, { inputs: inputs(FEATURES), parameters: { timeout_ms: -1 } }, /timeout_ms/],
  ])('refuses %s', async (_, status, body, says) => {
    const reply = await ask(serve(catalogOf(diabetes)), 'v2-infer', { name: 'diabetes' }, body);
    expect(reply.status).toBe(status);
    expect(Object.keys(reply.body)).toEqual(['error']);
    expect(reply.body.error).toMatch(says);
  });

  it('refuses an unknown model with 404', async () => {
    const reply = await ask(serve(catalogOf(diabetes)), 'v2-infer', { name: 'nothing' }, { inputs: inputs(FEATURES) });
    expect(reply).toMatchObject({ status: 404, body: { error: expect.stringContaining('nothing') } });
    expect(recorded).toMatchObject([{ kind: 'refused' }]);
  });

  it('refuses a body that is too large', async () => {
    const api = serve(catalogOf(diabetes), { maxBodyBytes: 100 });
    expect(await ask(api, 'v2-infer', { name: 'diabetes' }, { inputs: inputs(FEATURES) })).toMatchObject({
      status: 413,
    });
  });

  it.each<[string, Error, number]>([
    ['storage is away', new InfrastructureError('models cannot be read'), 503],
    ['the model is broken', new RequestError('model_unavailable', 'route', 'checksum differs'), 503],
    ['the model fails', new RequestError('inference_failed', 'infer', 'no'), 500],
    ['the deadline has passed', new RequestError('deadline_exceeded', 'infer', 'late'), 504],
    ['something else broke', new Error('what?'), 500],
  ])('says by the status that %s', async (_, error, status) => {
    const api = serve(catalogOf(diabetes), { predict: () => Promise.reject(error) });
    const reply = await ask(api, 'v2-infer', { name: 'diabetes' }, { inputs: inputs(FEATURES) });
    expect(reply).toMatchObject({ status, body: { error: error.message } });
    expect(reply.headers['retry-after']).toBe(status === 503 ? '1' : undefined);
  });

  it('gives up after the time-out that the request names', async () => {
    const predict: HttpApiOptions['predict'] = (_, signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const api = serve(catalogOf(diabetes), { predict });
    const body = { inputs: inputs(FEATURES), parameters: { timeout_ms: 20 } };
    expect(await ask(api, 'v2-infer', { name: 'diabetes' }, body)).toMatchObject({ status: 504 });
    const failure = new InfrastructureError('listing models: timed out');
    const away = serve({ ...catalogOf(diabetes), failure }, { predict });
    const asked = await ask(away, 'v2-infer', { name: 'diabetes' }, body);
    expect(asked).toMatchObject({ status: 503, body: { error: 'listing models: timed out' } });
  });

  it('takes no more at once than it may, and takes others afterwards', async () => {
    const waiting: ((endings: readonly Ending[]) => void)[] = [];
    const predict: HttpApiOptions['predict'] = () => new Promise(resolve => waiting.push(resolve));
    const api = serve(catalogOf(diabetes), { predict, maxConcurrent: 2 });
    const send = () => ask(api, 'v2-infer', { name: 'diabetes' }, { inputs: inputs(FEATURES) });
    const first = [send(), send()];
    expect(await send()).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    const error = new RequestError('inference_failed', 'infer', 'no');
    const refused: Ending = { kind: 'refused', error, version: undefined, variant: undefined, failedAtMs: NOON };
    await expect.poll(() => waiting.length).toBe(1); // they share a run
    waiting.pop()?.([refused, refused]);
    expect(await Promise.all(first)).toMatchObject([{ status: 500 }, { status: 500 }]);
    const next = send();
    await expect.poll(() => waiting.length).toBe(1);
    waiting[0]?.([refused]);
    expect(await next).toMatchObject({ status: 500 });
  });
});

describe('metadata', () => {
  it('bears the version of the package', () => {
    const text = readFileSync(join(ROOT, 'package.json'), 'utf8');
    expect(VERSION).toBe((JSON.parse(text) as { version: string }).version);
  });

  it('describes the server and its health', async () => {
    const api = serve(catalogOf(diabetes));
    expect(await ask(api, 'v2-server')).toMatchObject({ status: 200, body: { name: 'hubscore', version: '1.2.3' } });
    expect(await ask(api, 'v2-live')).toMatchObject({ status: 200, body: { live: true } });
    expect(await ask(api, 'v2-ready')).toMatchObject({ status: 200, body: { ready: true } });
    expect(await ask(api, 'metrics')).toMatchObject({ status: 200, body: 'up 1\n' });
  });

  it('is not ready while models cannot be looked up; why is in the log, for who asks has no key', async () => {
    const list = () => Promise.reject(new InfrastructureError('storage is away'));
    const log = notes();
    const api = serve({ ...catalogOf(diabetes), list }, { log });
    expect(await ask(api, 'v2-ready')).toMatchObject({ status: 503, body: { ready: false } });
    const since = serve({ ...catalogOf(diabetes), failure: new InfrastructureError('listing models: away') });
    expect(await ask(since, 'v2-ready')).toMatchObject({ status: 503, body: { ready: false } });
    expect(log.lines).toEqual(['http: GET /v2/health/ready: 503 storage is away']);
    expect(await ask(api, 'v2-live')).toMatchObject({ status: 200 });
    const model = await ask(api, 'v2-model', { name: 'diabetes' });
    expect(model).toMatchObject({ status: 503, body: { error: 'storage is away' } });
  });

  it('leaves the stack of a fault of ours in the log, and nowhere else', async () => {
    const fault = new TypeError('oops');
    const log = notes();
    const api = serve({ ...catalogOf(diabetes), routing: () => Promise.reject(fault) }, { log });
    expect(await ask(api, 'v2-model', { name: 'diabetes' })).toMatchObject({ status: 500, body: { error: 'oops' } });
    expect(log.lines).toEqual([`http: GET /v2/models/{name}: 500 ${fault.stack}`]);
  });

  it('describes a model by the tensors that it takes and gives', async () => {
    const summary = {
      name: 'diabetes',
      versions: ['1.0.0', '1.1.0'],
      aliases: { champion: '1.1.0' },
      production: '1.1.0',
      loaded: ['1.1.0'],
    };
    const api = serve({ ...catalogOf(diabetes), list: async () => [summary] });
    const { body } = await ask(api, 'v2-model', { name: 'diabetes' });
    expect(body).toMatchObject({
      name: 'diabetes',
      versions: ['1.0.0', '1.1.0'],
      platform: 'onnx_onnxv1',
      inputs: [{ name: 'features', datatype: 'FP32', shape: [-1, 10] }],
      parameters: { version_label: diabetes.label, aliases: { champion: '1.1.0' }, classes: [0, 1] },
    });
    expect(body.outputs.map(({ name }: { name: string }) => name)).toEqual(['label', 'probabilities']);
  });

  it('takes any number of instances where the file has a fixed batch', async () => {
    const version = await open(fixture('targets/1.0.0'));
    const { body } = await ask(serve(catalogOf(version)), 'v2-model', { name: 'targets' });
    expect([body.inputs[0].shape[0], body.outputs[0].shape[0]]).toEqual([-1, -1]);
    const tensors = version.signature.inputs.map(spec => someTensor(spec, 7).asked);
    const reply = await ask(serve(catalogOf(version)), 'v2-infer', { name: 'targets' }, { inputs: tensors });
    expect(reply.body.outputs[0].shape[0]).toBe(7);
  });

  it('lists the features where the card encodes them', async () => {
    const version = await open(fixture('chance/1.0.0'));
    const [input] = version.signature.inputs as [TensorSpec];
    const common = {
      input: input.name,
      fill: undefined,
      unknown: 'error',
      scale: undefined,
      range: undefined,
    } as const;
    const features = [
      { ...common, name: 'colour', type: 'string', categories: ['red', 'blue'], encode: 'onehot' },
      { ...common, name: 'size', type: 'number', categories: undefined, encode: undefined },
    ] as const;
    const api = serve(catalogOf({ ...version, card: { ...version.card, features } }));
    const { body } = await ask(api, 'v2-model', { name: 'chance' });
    expect(body.inputs).toEqual([
      { name: 'colour', datatype: 'BYTES', shape: [-1, 1] },
      { name: 'size', datatype: 'FP32', shape: [-1, 1] },
    ]);
  });

  it('knows no version that another would stand in for', async () => {
    const api = serve(catalogOf(diabetes));
    const missing = { name: 'diabetes', version: '9.9.9' };
    expect(await ask(api, 'v2-model-version', missing)).toMatchObject({ status: 404 });
    expect(await ask(api, 'v2-model-version-ready', missing)).toMatchObject({ status: 404 });
    expect(await ask(api, 'v2-model-ready', { name: 'nothing' })).toMatchObject({ status: 404 });
    const there = { name: 'diabetes', version: '1.1.0' };
    expect(await ask(api, 'v2-model-version-ready', there)).toMatchObject({ status: 200, body: { ready: true } });
  });

  it('a model whose inputs share no batch takes whole tensors, and gives whole ones', async () => {
    const version = await open(join(ROOT, 'test/fixtures/cases/no-common-batch-axis'));
    const api = serve(catalogOf(version));
    const a = Array.from({ length: 60 }, (_, i) => i);
    const inputs = [
      { name: 'a', shape: [3, 4, 5], datatype: 'FP32', data: a },
      { name: 'b', shape: [5], datatype: 'FP32', data: [100, 200, 300, 400, 500] },
    ];
    const { body } = await ask(api, 'v2-infer', { name: version.name }, { inputs });
    expect(body.outputs).toEqual([
      { name: 'y', shape: [3, 4, 5], datatype: 'FP32', data: a.map(i => i + 100 * ((i % 5) + 1)) },
    ]);
    const described = (await ask(api, 'v2-model', { name: version.name })).body;
    expect(described.inputs.map(({ shape }: { shape: number[] }) => shape)).toEqual([[3, 4, 5], [5]]);
    expect(described.outputs).toEqual([{ name: 'y', datatype: 'FP32', shape: [3, 4, 5] }]);
    const short = [{ ...inputs[0], shape: [3, 4, 4], data: a.slice(0, 48) }, inputs[1]];
    expect((await ask(api, 'v2-infer', { name: version.name }, { inputs: short })).body.error).toContain(
      'feature a has the shape [3,4,4]',
    );
  });

  it.each([
    ['a mean of all that there is', [node('ReduceMean', ['x'], ['y'], { keepdims: 0 })], [2, 3], [], [3.5]],
    ['a batch that comes last', [node('Transpose', ['x'], ['y'])], [2, 3], [3, 2], [1, 4, 2, 5, 3, 6]],
    ['an output without the one row', [node('Squeeze', ['x', 'first'], ['y'])], [1, 6], [6], [1, 2, 3, 4, 5, 6]],
    ['a shape', [node('Shape', ['x'], ['y'])], [2, 3], [2], [2, 3]],
    ['nothing', [node('Slice', ['x', 'to', 'to', 'first'], ['y'])], [2, 3], [0, 3], []],
  ])('gives tensors in the shapes of a file that has one size: %s', async (what, nodes, takes, gives, data) => {
    const type = what === 'a shape' ? 'int64' : 'float32';
    const folder = temporaryFolder();
    const file = model({
      nodes,
      inputs: [value('x', 'float32', takes)],
      outputs: [value('y', type, gives)],
      initializers: [tensor('first', [1], [0]), tensor('to', [1], [0])],
    });
    writeFileSync(join(folder.path, 'model.onnx'), file);
    const version = await open(folder.path);
    const inputs = [{ name: 'x', shape: takes, datatype: 'FP32', data: [1, 2, 3, 4, 5, 6] }];
    const { body } = await ask(serve(catalogOf(version)), 'v2-infer', { name: version.name }, { inputs });
    expect(body.outputs).toEqual([{ name: 'y', shape: gives, datatype: type === 'int64' ? 'INT64' : 'FP32', data }]);
    folder.remove();
  });

  it('a scalar is given once for all rows, or by the card', async () => {
    const folder = join(ROOT, 'test/fixtures/cases/scalar-input-unservable');
    const x = { name: 'x', shape: [2, 2], datatype: 'FP32', data: [1, 2, 3, 4] };
    const rate = { name: 'rate', shape: [1], datatype: 'FP32', data: [10] };
    const plain = await open(folder);
    const given = await ask(serve(catalogOf(plain)), 'v2-infer', { name: plain.name }, { inputs: [x, rate] });
    const scalar = { ...rate, shape: [] };
    const same = await ask(serve(catalogOf(plain)), 'v2-infer', { name: plain.name }, { inputs: [x, scalar] });
    expect(same.body.outputs).toEqual(given.body.outputs);
    const features = [
      { name: 'x', type: 'tensor' },
      { name: 'rate', missing: { fill: 10 } },
    ] as RawCard['features'];
    const filled = await open(folder, { features });
    const left = await ask(serve(catalogOf(filled)), 'v2-infer', { name: filled.name }, { inputs: [x] });
    expect(given.body.outputs).toMatchObject([{ name: 'y', shape: [2, 2] }]);
    expect(left.body.outputs).toEqual(given.body.outputs);
  });
});

/** Numbers for a model input, as its backend takes them and as the protocol says them. */
function someTensor({ name, type, dims }: TensorSpec, rows: number) {
  const shape = [rows, ...dims.slice(1).map(size => size ?? 2)];
  const length = shape.reduce((product, size) => product * size, 1);
  const kind = KINDS[type as keyof typeof KINDS];
  const data = Array.from({ length }, (_, i) => kind.value(i));
  const tensor = { type, dims: shape, data: kind.pack(data) };
  return { name, tensor, asked: { name, shape, datatype: kind.datatype, data } };
}

const wave = (i: number) => Math.sin(i * 7) * 0.7;
const KINDS = {
  float32: {
    datatype: 'FP32',
    value: (i: number) => Math.fround(wave(i)),
    pack: (all: number[]) => Float32Array.from(all),
  },
  float64: { datatype: 'FP64', value: wave, pack: (all: number[]) => Float64Array.from(all) },
  int64: { datatype: 'INT64', value: (i: number) => i % 5, pack: (all: number[]) => BigInt64Array.from(all, BigInt) },
} as const;
