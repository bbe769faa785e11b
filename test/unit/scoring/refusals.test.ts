import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelVersion } from '../../../src/core/model.ts';
import { batchOf, NOON } from '../../support/events.ts';
import { catalogOf, openModel } from '../../support/onnx-model.ts';
import { openScoring } from '../../support/open-scoring.ts';

const DIABETES = resolve(import.meta.dirname, '../../../samples/models/diabetes/1.1.0');
const VALUES = [63, 1, 24.4, 73, 160, 91.4, 48, 3, 4.6347, 78];

let diabetes: ModelVersion;
beforeAll(async () => {
  diabetes = await openModel(join(DIABETES));
});
afterAll(() => diabetes.backend.close());

async function score(body: unknown) {
  const scoring = openScoring(catalogOf(diabetes), { clock: () => NOON + 1 });
  const [outcome] = (await scoring.score(batchOf([body]), new AbortController().signal)).outcomes();
  return JSON.parse(outcome?.body.toString() ?? '');
}

const tensor = (shape: readonly number[], values: readonly number[] = VALUES) => ({
  inputs: [{ name: 'features', shape, datatype: 'FP32', data: values }],
});

describe('a refusal says what is wrong', () => {
  it.each<[string, unknown, string]>([
    [
      'an object where a number belongs',
      [{ $numberDecimal: '1.5' }],
      'feature age is an object; diabetes 1.1.0 takes a number',
    ],
    ['an object among the last', [63, 1, {}], 'feature bmi is an object; diabetes 1.1.0 takes a number'],
    ['a list among them', [[63, 64]], 'feature age is a list of 2; diabetes 1.1.0 takes a number'],
  ])('with %s', async (_, first, message) => {
    const features = [...(first as unknown[]), ...VALUES.slice((first as unknown[]).length)];
    expect((await score({ features })).error).toMatchObject({ code: 'schema_mismatch', stage: 'validate', message });
  });

  it('with objects among instances', async () => {
    expect((await score({ features: [VALUES, 1] })).error.message).toBe(
      'instance 1: features is a number; diabetes 1.1.0 takes a list of 10 values, or an object by name',
    );
  });

  it.each([[[1, 2, 5]], [[1, 5, 2, 1]], [[2, 5]], [[2, 1, 5]]])('with a tensor of shape %j', async shape => {
    expect((await score(tensor(shape))).error).toMatchObject({
      code: 'schema_mismatch',
      message: `input features has the shape [${shape}]; diabetes 1.1.0 takes [?,10]`,
    });
  });
});

it.each([
  ['9'.repeat(900_000), { code: 'non_finite_feature' }],
  [`-${'9'.repeat(900_000)}`, { code: 'non_finite_feature' }],
  [`0.${'3'.repeat(900_000)}`, undefined],
  [`1e${'0'.repeat(900_000)}1`, undefined],
])('a number of 900,000 digits is a number: %.9s', async (digits, error) => {
  const body = `{"request_id":"a","model":"diabetes","features":[${digits},${VALUES.slice(1)}]}`;
  const ending = await score(body);
  if (error) expect(ending.error).toMatchObject(error);
  else
    expect(ending).toMatchObject({
      prediction: (await score(body.replace(digits, String(Number(digits))))).prediction,
    });
});

it.each([[[1, 1, 10]], [[1, 10, 1]], [[1, 1, 10, 1]], [[10]]])(
  'a tensor of shape %j is taken as [1,10]',
  async shape => {
    const { prediction, probabilities } = await score(tensor(shape));
    expect(prediction).toBeDefined();
    expect({ prediction, probabilities }).toMatchObject(
      await score(tensor([1, 10])).then(({ prediction, probabilities }) => ({ prediction, probabilities })),
    );
  },
);

it('several rows with a dimension more stay several', async () => {
  const other = VALUES.map(value => value * 2);
  const [first, second] = (await score(tensor([2, 1, 10], [...VALUES, ...other]))).predictions;
  expect(first).toEqual((await score(tensor([2, 10], [...VALUES, ...other]))).predictions[0]);
  expect(second).toEqual((await score({ features: [other, VALUES] })).predictions[0]);
});
