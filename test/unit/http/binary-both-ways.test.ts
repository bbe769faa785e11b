import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { afterAll, expect, it } from 'vitest';
import type { ModelVersion } from '../../../src/core/model.ts';
import type { Ending } from '../../../src/core/outcome.ts';
import type { TensorType } from '../../../src/core/tensor.ts';
import { binaryBody, post, readBinary, serveModels } from '../../support/http-api.ts';
import { temporaryFolder } from '../../support/models.ts';
import { model, node, value } from '../../support/onnx.ts';
import { catalogOf, openModel } from '../../support/onnx-model.ts';

const DIABETES = resolve(import.meta.dirname, '../../../samples/models/diabetes/1.1.0');
const folder = temporaryFolder();
const diabetes = await openModel(DIABETES);
const opened: ModelVersion[] = [diabetes];
afterAll(async () => {
  for (const { backend } of opened) await backend.close();
  folder.remove();
});

const api = serveModels(catalogOf(diabetes));
const rows = readFileSync(join(DIABETES, 'cases.jsonl'), 'utf8')
  .split('\n', 40)
  .map(line => (JSON.parse(line) as { features: number[] }).features);
const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView<ArrayBuffer>) =>
  new Uint8Array(buffer, byteOffset, byteLength);
const features = (some: number[][]) => ({
  name: 'features',
  datatype: 'FP32',
  shape: [some.length, 10],
  bytes: bytesOf(Float32Array.from(some.flat())),
});
const asJson = (some: number[][]) => ({
  inputs: [{ name: 'features', datatype: 'FP32', shape: [some.length, 10], data: some.flat() }],
});
const DIABETES_AT = { name: 'diabetes' };
const whole = JSON.parse(String((await post(api, 'v2-infer', DIABETES_AT, asJson(rows))).body)).outputs;
const textsOf = (bytes: Uint8Array<ArrayBuffer>) => {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = new DataView(bytes.buffer).getUint32(at, true);
    texts.push(Buffer.from(bytes.subarray(at + 4, at + 4 + length)).toString());
    at += 4 + length;
  }
  return texts;
};

/** A model that gives what it is given. */
async function echo(name: string, type: TensorType, more: string[] = ['Identity']): Promise<ModelVersion> {
  const nodes = more.map((operator, i) =>
    node(operator, [i === 0 ? 'x' : `t${i}`], [i === more.length - 1 ? 'y' : `t${i + 1}`]),
  );
  const file = model({ nodes, inputs: [value('x', type, [null, 2])], outputs: [value('y', type, [null, 2])] });
  mkdirSync(join(folder.path, name, '1.0.0'), { recursive: true });
  writeFileSync(join(folder.path, name, '1.0.0', 'model.onnx'), file);
  const version = await openModel(join(folder.path, name, '1.0.0'));
  opened.push(version);
  return version;
}

it.each<[string, TensorType, ArrayBufferView<ArrayBuffer>]>([
  ['BOOL', 'bool', Uint8Array.of(1, 0, 0, 1)],
  ['UINT8', 'uint8', Uint8Array.of(0, 255, 7, 1)],
  ['UINT16', 'uint16', Uint16Array.of(0, 65_535, 7, 1)],
  ['UINT32', 'uint32', Uint32Array.of(0, 2 ** 32 - 1, 7, 1)],
  ['UINT64', 'uint64', BigUint64Array.of(0n, 2n ** 64n - 1n, 2n ** 53n + 1n, 1n)],
  ['INT8', 'int8', Int8Array.of(-128, 127, 7, -1)],
  ['INT16', 'int16', Int16Array.of(-32_768, 32_767, 7, -1)],
  ['INT32', 'int32', Int32Array.of(-(2 ** 31), 2 ** 31 - 1, 7, -1)],
  ['INT64', 'int64', BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n, -1n)],
  ['FP16', 'float16', Uint16Array.of(0x3c00, 0xfbff, 0x0001, 0x3555)],
  ['FP32', 'float32', Float32Array.of(1 / 3, -3.4e38, 1e-45, 0.1)],
  ['FP64', 'float64', Float64Array.of(1 / 3, -1.7e308, 5e-324, 0.1)],
])('%s comes back bit by bit', async (datatype, type, values) => {
  const version = await echo(`echo-${type}`, type);
  const bytes = bytesOf(values);
  const { body, headers } = binaryBody([{ name: 'x', datatype, shape: [2, 2], bytes }]);
  const reply = await post(serveModels(catalogOf(version)), 'v2-infer', { name: version.name }, body, headers);
  expect(reply.status, String(reply.body)).toBe(200);
  const { answer, tensors, left } = readBinary(reply);
  expect(answer.outputs).toEqual([
    { name: 'y', datatype, shape: [2, 2], parameters: { binary_data_size: bytes.length } },
  ]);
  expect(tensors.y).toEqual(bytes);
  expect(left).toBe(0);
  expect(reply.headers['content-type']).toBe('application/octet-stream');
});

it('BYTES comes back text by text', async () => {
  const version = await echo('echo-string', 'string');
  const texts = ['', 'grüße ✓', 'a\nb', '7'];
  const parts = texts.flatMap(text => [bytesOf(Uint32Array.of(Buffer.byteLength(text))), Buffer.from(text)]);
  const tensor = { name: 'x', datatype: 'BYTES', shape: [2, 2], bytes: Buffer.concat(parts) };
  const { body, headers } = binaryBody([tensor]);
  const reply = await post(serveModels(catalogOf(version)), 'v2-infer', { name: version.name }, body, headers);
  expect(textsOf(readBinary(reply).tensors.y as Uint8Array<ArrayBuffer>)).toEqual(texts);
});

it('whole numbers beyond 2^53 are exact as JSON, both ways', async () => {
  const version = await echo('echo-long', 'int64');
  const said =
    '{"inputs":[{"name":"x","shape":[2,2],"datatype":"INT64","data":[9007199254740993,-9223372036854775808,9223372036854775807,7]}]}';
  const { status, body } = await post(serveModels(catalogOf(version)), 'v2-infer', { name: version.name }, said);
  expect(status, String(body)).toBe(200);
  expect(body).toContain('"data":[9007199254740993,-9223372036854775808,9223372036854775807,7]');
});

it('all outputs come as bytes where the request says so of all, with the values that JSON has', async () => {
  const { body, headers } = binaryBody([features(rows)]);
  const { answer, tensors } = readBinary(await post(api, 'v2-infer', DIABETES_AT, body, headers));
  expect(answer.outputs.map(({ name }: { name: string }) => name)).toEqual(['label', 'probabilities']);
  expect(Array.from(new BigInt64Array(tensors.label?.buffer as ArrayBuffer), Number)).toEqual(whole[0].data);
  const probabilities = new Float32Array(tensors.probabilities?.buffer as ArrayBuffer);
  expect([...probabilities]).toEqual(whole[1].data.map(Math.fround));
});

it('each output comes in the order and the form in which it is asked for', async () => {
  const outputs = [
    { name: 'probabilities', parameters: { binary_data: true } },
    { name: 'label', parameters: { binary_data: false } },
  ];
  const reply = await post(api, 'v2-infer', DIABETES_AT, { ...asJson(rows.slice(0, 2)), outputs });
  const { answer, tensors } = readBinary(reply);
  expect(answer.outputs).toEqual([
    { name: 'probabilities', datatype: 'FP32', shape: [2, 2], parameters: { binary_data_size: 16 } },
    { ...whole[0], shape: [2], data: whole[0].data.slice(0, 2) },
  ]);
  expect(Object.keys(tensors)).toEqual(['probabilities']);
  const twice = { ...asJson(rows.slice(0, 2)), outputs: [{ name: 'label' }, { name: 'label' }] };
  expect(await post(api, 'v2-infer', DIABETES_AT, twice)).toMatchObject({ status: 400 });
  const classes = { ...asJson(rows.slice(0, 2)), outputs: [{ name: 'label', parameters: { classification: 2 } }] };
  expect(String((await post(api, 'v2-infer', DIABETES_AT, classes)).body)).toContain('classification is not given');
});

it('a bad row that is passed over is NaN, 0 or an empty text among bytes', async () => {
  const some = [...rows.slice(0, 2), rows[2]?.map(() => Number.NaN) ?? []];
  const parameters = { on_error: 'skip', binary_data_output: true };
  const { body, headers } = binaryBody([features(some)], { parameters });
  const { answer, tensors } = readBinary(await post(api, 'v2-infer', DIABETES_AT, body, headers));
  expect(answer.parameters.errors).toMatchObject([{ index: 2, code: 'non_finite_feature' }]);
  const labels = whole[0].data.slice(0, 2).map(BigInt);
  expect([...new BigInt64Array(tensors.label?.buffer as ArrayBuffer)]).toEqual([...labels, 0n]);
  expect([...new Float32Array(tensors.probabilities?.buffer as ArrayBuffer)].slice(4)).toEqual([
    Number.NaN,
    Number.NaN,
  ]);
  const texts = {
    ...diabetes,
    card: { ...diabetes.card, outputs: { ...diabetes.card.outputs, classes: ['no', 'yes'] } },
  };
  const ending = {
    kind: 'answered',
    version: texts,
    predictions: [{ prediction: 'yes' }, undefined],
    rows: 2,
    errors: [],
  } as unknown as Ending;
  const named = serveModels(catalogOf(diabetes), { predict: async () => [ending] });
  const reply = await post(named, 'v2-infer', DIABETES_AT, body, headers);
  expect(textsOf(readBinary(reply).tensors.label as Uint8Array<ArrayBuffer>)).toEqual(['yes', '']);
});

it('a body that is one tensor, without JSON, has an answer of bytes', async () => {
  const { bytes } = features(rows.slice(0, 3));
  const reply = await post(api, 'v2-infer', DIABETES_AT, bytes, { 'inference-header-content-length': '0' });
  const { tensors } = readBinary(reply);
  expect(Array.from(new BigInt64Array(tensors.label?.buffer as ArrayBuffer), Number)).toEqual(
    whole[0].data.slice(0, 3),
  );
});

it.each([
  ['gzip', gzipSync, gunzipSync],
  ['deflate', deflateSync, inflateSync],
] as const)('%s both ways, as JSON and as bytes', async (coding, pack, unpack) => {
  const both = { 'content-encoding': coding, 'accept-encoding': coding };
  const plain = await post(api, 'v2-infer', DIABETES_AT, pack(JSON.stringify(asJson(rows))), both);
  expect(plain.headers['content-encoding']).toBe(coding);
  expect(JSON.parse(unpack(plain.body).toString()).outputs).toEqual(whole);
  // The header counts what is unpacked.
  const many = Array.from({ length: 10 }, () => rows).flat();
  const { body, headers } = binaryBody([features(many)]);
  const reply = await post(api, 'v2-infer', DIABETES_AT, pack(body), { ...headers, ...both });
  expect(reply.headers['content-encoding']).toBe(coding);
  const { tensors, left } = readBinary({ ...reply, body: unpack(reply.body) });
  expect([tensors.label?.length, left]).toEqual([3200, 0]);
});

it.each<[string, Uint8Array, string, number]>([
  ['is not what it says', Buffer.from('{}'), 'gzip', 400],
  ['is packed otherwise', Buffer.from('{}'), 'br', 415],
  ['is too large once it is unpacked', gzipSync(Buffer.alloc(9_000_000)), 'gzip', 413],
])('a body that %s is refused', async (_, body, coding, status) => {
  const reply = await post(api, 'v2-infer', DIABETES_AT, body, { 'content-encoding': coding });
  expect(reply.status).toBe(status);
  expect(JSON.parse(String(reply.body))).toEqual({ error: expect.any(String) });
});
