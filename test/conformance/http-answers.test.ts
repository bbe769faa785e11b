import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ModelVersion } from '../../src/core/model.ts';
import type { Request } from '../../src/core/request.ts';
import type { HttpApi } from '../../src/http/api.ts';
import { binaryBody, post, readBinary, serveModels } from '../support/http-api.ts';
import { temporaryFolder } from '../support/models.ts';
import { model, node, value } from '../support/onnx.ts';
import { catalogOf, openModel } from '../support/onnx-model.ts';
import { openScoring } from '../support/open-scoring.ts';
import { createRandom } from '../support/seeded-random.ts';

/*
 * Answers never mix: ten thousand requests are under way at once, of models of several widths and types, of one row and of many, as JSON, as bytes and in the hub's form; some of them bad. Most models
 * give back what they are given, and every request gives what no other does, so that an answer says whose it is.
 */

const REQUESTS = 10_000;
const ROOT = resolve(import.meta.dirname, '../..');
const folder = temporaryFolder();
const opened: ModelVersion[] = [];
const random = createRandom(27);
let runs = 0;
let api: HttpApi;

beforeAll(async () => {
  for (const width of [1, 3, 10]) {
    opened.push(await echo(`floats-${width}`, 'float32', width), await echo(`longs-${width}`, 'int64', width));
  }
  for (const version of ['1.0.0', '1.1.0'])
    opened.push(await openModel(join(ROOT, 'samples/models/diabetes', version)));
  const catalog = catalogOf(...opened);
  const { predict, score } = openScoring(catalog);
  api = serveModels(catalog, {
    maxConcurrent: REQUESTS,
    timeoutMs: 600_000,
    predict: (requests: readonly Request[], ...rest) => {
      runs++;
      return predict(requests, ...rest);
    },
    score,
  });
});
afterAll(async () => {
  await Promise.all(opened.map(({ backend }) => backend.close()));
  folder.remove();
});

async function echo(name: string, type: 'float32' | 'int64', width: number): Promise<ModelVersion> {
  const path = join(folder.path, name, '1.0.0');
  mkdirSync(path, { recursive: true });
  const [x, y] = [value('x', type, [null, width]), value('y', type, [null, width])];
  writeFileSync(
    join(path, 'model.onnx'),
    model({ nodes: [node('Identity', ['x'], ['y'])], inputs: [x], outputs: [y] }),
  );
  return openModel(path);
}

/** Sends request `i`, and says what is wrong with its answer; undefined where nothing is. */
type Exchange = (i: number) => Promise<string | undefined>;

/** Numbers that no other request has. */
const own = (i: number, count: number) => Array.from({ length: count }, (_, k) => i * 128 + k);
const differs = (got: unknown, wanted: unknown) =>
  JSON.stringify(got) === JSON.stringify(wanted)
    ? undefined
    : `${JSON.stringify(got)} is not ${JSON.stringify(wanted)}`;

function asTensors(type: 'floats' | 'longs', binary: boolean): Exchange {
  const datatype = type === 'floats' ? 'FP32' : 'INT64';
  return async i => {
    const width = [1, 3, 10][i % 3] as number;
    const rows = i % 50 === 0 ? 12 : 1 + (i % 3);
    const [id, shape, data] = [String(i), [rows, width], own(i, rows * width)];
    const at = { name: `${type}-${width}` };
    if (!binary) {
      const reply = await post(api, 'v2-infer', at, { id, inputs: [{ name: 'x', datatype, shape, data }] });
      const answer = JSON.parse(String(reply.body));
      return differs([answer.id, answer.outputs?.[0]?.shape, answer.outputs?.[0]?.data], [id, shape, data]);
    }
    const values = type === 'floats' ? Float32Array.from(data) : BigInt64Array.from(data, BigInt);
    const bytes = new Uint8Array(values.buffer);
    const asked = binaryBody([{ name: 'x', datatype, shape, bytes }], { id, parameters: { binary_data_output: true } });
    const reply = await post(api, 'v2-infer', at, asked.body, asked.headers);
    const { answer, tensors } = readBinary(reply);
    return differs([answer.id, [...(tensors.y ?? [])]], [id, [...bytes]]);
  };
}

const asInTheHub: Exchange = async i => {
  const width = [1, 3, 10][i % 3] as number;
  const features = own(i, width);
  const reply = await post(api, 'predict', { name: `floats-${width}` }, { request_id: i, features });
  const { request_id, prediction } = JSON.parse(String(reply.body));
  return differs([request_id, [prediction].flat()], [i, features]);
};

const cases = ['1.0.0', '1.1.0'].map(version =>
  readFileSync(join(ROOT, 'samples/models/diabetes', version, 'cases.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as { features: number[]; expected: { probabilities: number[] } }),
);

const byVersion: Exchange = async i => {
  const version = i % 2;
  const all = cases[version] ?? [];
  const one = all[i % all.length];
  const inputs = [{ name: 'features', shape: [1, 10], datatype: 'FP32', data: one?.features }];
  const at = { name: 'diabetes', version: ['1.0.0', '1.1.0'][version] as string };
  const reply = await post(api, 'v2-infer-version', at, { id: String(i), inputs });
  const { id, outputs } = JSON.parse(String(reply.body));
  const wanted = one?.expected.probabilities ?? [];
  const close = wanted.every((probability, k) => Math.abs(outputs[1].data[k] - probability) < 1e-4);
  return close ? differs(id, String(i)) : `${JSON.stringify(outputs)} is not ${wanted}`;
};

/** Another error than its own would be another's. */
const bad: Exchange = async i => {
  const data = new Array(i % 7).fill(1);
  const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, i % 7], data }];
  const reply = await post(api, 'v2-infer', { name: 'floats-10' }, { inputs });
  const { error } = JSON.parse(String(reply.body));
  return reply.status === 400 && /floats-10/.test(error) ? undefined : `${reply.status} ${error}`;
};

it('each of 10,000 requests at once has its own answer', { timeout: 300_000 }, async () => {
  const kinds: readonly Exchange[] = [
    asTensors('floats', false),
    asTensors('floats', true),
    asTensors('longs', false),
    asTensors('longs', true),
    asInTheHub,
    byVersion,
    bad,
  ];
  const asked = Array.from({ length: REQUESTS }, (_, i) => random.pick(kinds)(i));
  const wrong = (await Promise.all(asked)).filter(said => said !== undefined);
  expect(wrong.slice(0, 5)).toEqual([]);
  // Nothing shared would be one a request.
  expect(runs).toBeLessThan(REQUESTS / 10);
});
