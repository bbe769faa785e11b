import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ModelVersion } from '../../../src/core/model.ts';
import { type InputTensor, InputTensors } from '../../../src/core/open-inference.ts';
import type { Tensors } from '../../../src/core/tensor.ts';
import { Encoder } from '../../../src/scoring/rows/rows.ts';
import { openModel } from '../../support/onnx-model.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const opened: ModelVersion[] = [];
async function open(folder: string) {
  const version = await openModel(join(ROOT, folder));
  opened.push(version);
  return version;
}
afterAll(() => Promise.all(opened.map(({ backend }) => backend.close())));

const [diabetes, churn, survey] = [
  await open('samples/models/diabetes/1.1.0'),
  await open('samples/models/churn/1.0.0'),
  await open('test/fixtures/models/survey-int64/1.0.0'),
];

/** What the model is given for these features. */
function given(version: ModelVersion, features: unknown, terms = {}): { tensors: Tensors; several: boolean } {
  const rows = new Encoder(version).begin(1);
  const { several } = rows.add(features, terms);
  return { tensors: rows.tensors(0, rows.count, rows.count), several };
}

const floats = (...rows: number[][]): InputTensor => ({
  name: 'features',
  datatype: 'FP32',
  shape: [rows.length, 10],
  data: Float32Array.from(rows.flat()),
});
const row = (seed: number) => Array.from({ length: 10 }, (_, i) => Math.fround(Math.sin(seed * 10 + i)));

describe('whole tensors', () => {
  it('give the model what their rows would one by one', () => {
    const rows = [row(1), row(2), row(3)];
    const expected = given(diabetes, rows);
    expect(given(diabetes, new InputTensors([floats(...rows)]))).toEqual(expected);
    const list = { ...floats(...rows), data: rows.flat() };
    expect(given(diabetes, new InputTensors([list]))).toEqual(expected);
    const doubles = { ...list, datatype: 'FP64', data: Float64Array.from(rows.flat()) };
    expect(given(diabetes, new InputTensors([{ ...doubles, name: 'anything' }]))).toEqual(expected);
  });

  it('of several inputs, texts and numbers, do as well', () => {
    const cases = readFileSync(join(ROOT, 'samples/models/churn/1.0.0/cases.jsonl'), 'utf8').trim().split('\n');
    const records = cases
      .slice(0, 20)
      .map(line => (JSON.parse(line) as { features: Record<string, unknown> }).features);
    const columns = churn.card.features.map(
      ({ name, input, type }): InputTensor => ({
        name: input,
        datatype: type === 'string' ? 'BYTES' : 'FP32',
        shape: [records.length, 1],
        data: records.map(record => record[name]),
      }),
    );
    expect(given(churn, new InputTensors(columns))).toEqual(given(churn, records));
  });

  it('of 64 bits keep all digits', () => {
    const [input] = survey.signature.inputs;
    const width = survey.card.features.length;
    const data = BigInt64Array.from({ length: 2 * width }, (_, i) => 2n ** 60n + BigInt(i));
    const tensor = { name: input?.name ?? '', datatype: 'INT64', shape: [2, width], data };
    expect(given(survey, new InputTensors([tensor])).tensors[tensor.name]?.data).toEqual(data);
    const digits = { ...tensor, data: Array.from(data, String) };
    expect(given(survey, new InputTensors([digits])).tensors[tensor.name]?.data).toEqual(data);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('name the row that has %s', bad => {
    for (const place of [0, 9, 10, 29]) {
      const tensor = floats(row(1), row(2), row(3));
      (tensor.data as Float32Array)[place] = bad;
      const message = new RegExp(`^instance ${Math.floor(place / 10)}: `);
      expect(() => given(diabetes, new InputTensors([tensor]))).toThrow(message);
    }
  });

  it('leave no trace where they do not fit', () => {
    const rows = new Encoder(diabetes).begin(1);
    rows.add(new InputTensors([floats(row(1), row(2))]));
    const bad = floats(row(3), row(4).with(9, Number.NaN));
    expect(() => rows.add(new InputTensors([bad]))).toThrow();
    rows.add(new InputTensors([floats(row(5))]));
    expect(rows.count).toBe(3);
    expect(rows.tensors(0, 3, 3)).toEqual(given(diabetes, [row(1), row(2), row(5)]).tensors);
  });

  it('of one row are one instance, unless an id a row makes them a list', () => {
    expect(given(diabetes, new InputTensors([floats(row(1))])).several).toBe(false);
    expect(given(diabetes, new InputTensors([floats(row(1))]), { ids: ['a'] }).several).toBe(true);
    expect(() => given(diabetes, new InputTensors([floats(row(1))]), { ids: ['a', 'b'] })).toThrow(/ids has 2/);
  });
});
