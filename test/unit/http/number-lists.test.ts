import { describe, expect, it } from 'vitest';
import { listOf } from '../../../src/core/open-inference.ts';
import { readInferenceRequest } from '../../../src/http/inference-request.ts';
import { lighten } from '../../../src/http/number-lists.ts';
import { createRandom } from '../../support/seeded-random.ts';

const random = createRandom(Number(process.env.TEST_SEED));
const numbers = (count: number) => Array.from({ length: count }, () => random.pick([random.between(-1e6, 1e6), 1, 0]));
const short = (count: number) => numbers(count).map(value => Number(value.toFixed(3)));
const bytesOf = (text: string) => Buffer.from(text) as Uint8Array<ArrayBuffer>;
const long = short(600);

/** What the protocol has in a body, by JSON.parse alone. */
function valuesIn(text: string): unknown[] {
  const { inputs } = JSON.parse(text) as { inputs: { data: unknown[] }[] };
  return inputs.map(({ data }) => data.flat(Number.POSITIVE_INFINITY));
}

const read = (text: string) =>
  readInferenceRequest(bytesOf(text), undefined).features.inputs.map(input => listOf(input));

describe('lighten', () => {
  it('takes long lists out, and gives each back to its input', () => {
    const inputs = [
      { name: 'a', shape: [600], datatype: 'FP64', data: long },
      { name: 'b', shape: [2], datatype: 'BYTES', data: ['x', 'y'] },
      { name: 'c', shape: [600], datatype: 'INT32', data: long.map(Math.trunc) },
    ];
    const light = lighten(bytesOf(JSON.stringify({ inputs })));
    expect(light?.json.length).toBeLessThan(400);
    const filled = light?.fill((JSON.parse(String(light.json)) as { inputs: unknown[] }).inputs);
    expect(filled).toEqual([
      { ...inputs[0], data: Float64Array.from(long) },
      inputs[1],
      { ...inputs[2], data: Float64Array.from(long, Math.trunc) },
    ]);
  });

  it.each([
    ['short', [1, 2, 3]],
    ['texts', Array(600).fill('text')],
    ['nested', Array(300).fill([1, 2])],
    ['of long numbers', Array(300).fill(24.399999618530273)],
  ])('leaves lists that are %s', (_, data) => {
    expect(lighten(bytesOf(JSON.stringify({ inputs: [{ data }] })))).toBeUndefined();
  });

  it.each([
    ['as JSON.stringify writes it', (data: unknown) => JSON.stringify({ inputs: [tensor(data)] })],
    ['with white space', (data: unknown) => JSON.stringify({ inputs: [tensor(data)] }, undefined, 2)],
    [
      'beside parameters of that name',
      (data: unknown) => JSON.stringify({ inputs: [tensor(data)], parameters: { data } }),
    ],
    [
      'beside texts that look like it',
      (data: unknown) => JSON.stringify({ id: JSON.stringify({ data }), inputs: [tensor(data)] }),
    ],
    [
      'named twice, of which the last one counts',
      (data: unknown) =>
        `{"inputs":[{"name":"x","datatype":"FP64","shape":[600],"data":[${short(700)}],"data":${JSON.stringify(data)}}]}`,
    ],
    [
      'with others of its kind in vain',
      (data: unknown) => JSON.stringify({ inputs: [{ ...tensor(data), parameters: { data } }] }),
    ],
  ])('changes no value of a body %s', (_, write) => {
    for (const data of [long, numbers(600), [...long.slice(1), 1e300], Array(300).fill([1.5, 2])]) {
      const text = write(data);
      expect(read(text)).toEqual(valuesIn(text));
    }
  });

  it.each([',', '1 2', '01', '1e', '.5', '1.', '+1', 'NaN', '1,'])(
    'refuses %s in a list, with where it stands',
    fault => {
      const text = JSON.stringify({ inputs: [tensor(long)] }).replace(/\]\}\]\}$/, `,${fault}]}]}`);
      expect(() => JSON.parse(text)).toThrow();
      expect(() => readInferenceRequest(bytesOf(text), undefined)).toThrow(/JSON/);
    },
  );

  it('refuses a list of another length than its shape says', () => {
    const text = JSON.stringify({ inputs: [{ ...tensor(long), shape: [601] }] });
    expect(() => readInferenceRequest(bytesOf(text), undefined)).toThrow(
      /data has 600 values; shape \[601\] takes 601/,
    );
  });
});

const tensor = (data: unknown) => ({ name: 'x', datatype: 'FP64', shape: [600], data });
