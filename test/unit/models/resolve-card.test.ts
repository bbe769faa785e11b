import { describe, expect, it } from 'vitest';
import type { Signature, TensorSpec, TensorType } from '../../../src/core/tensor.ts';
import { parseCard } from '../../../src/models/card.ts';
import { resolveCard } from '../../../src/models/resolve-card.ts';
import { warmUpPlan } from '../../../src/models/warm-up-plan.ts';

const spec = (name: string, type: TensorType, dims: (number | null)[]): TensorSpec => ({ name, type, dims });
const signature = (inputs: TensorSpec[], outputs: TensorSpec[], opaqueOutputs: string[] = []): Signature => ({
  inputs,
  outputs,
  opaqueOutputs,
});
const LABEL = spec('label', 'int64', [null]);
const PROBABILITIES = spec('probabilities', 'float32', [null, 2]);
const resolve = (card: unknown, held: Signature, classes?: (string | number)[]) =>
  resolveCard(
    {
      name: 'm',
      version: '1.0.0',
      file: 'm/1.0.0/model.json',
      raw: card === undefined ? undefined : parseCard(JSON.stringify(card), 'm'),
      classes,
    },
    held,
  );
const named = (features: readonly { name: string; type: string; input: string }[]) =>
  features.map(f => `${f.name}:${f.type}>${f.input}`);

describe('features', () => {
  it.each([
    [
      'a column an input',
      [spec('age', 'int64', [null, 1]), spec('city', 'string', [null, 1]), spec('x', 'float32', [null])],
      ['age:number>age', 'city:string>city', 'x:number>x'],
    ],
    ['columns by number', [spec('in', 'float32', [null, 3])], ['in_0:number>in', 'in_1:number>in', 'in_2:number>in']],
    ['an array where the width is open', [spec('tokens', 'int64', [null, null])], ['tokens:tensor>tokens']],
    ['an array where there are more dimensions', [spec('image', 'float32', [null, 1, 8, 8])], ['image:tensor>image']],
  ])('come from the signature where the card names none: %s', (_, inputs, expected) => {
    expect(named(resolve(undefined, signature(inputs, [LABEL])).features)).toEqual(expected);
  });

  it('take their input from the card, from their name, or from there being only one', () => {
    const two = signature([spec('a', 'float32', [null, 1]), spec('b', 'string', [null, 1])], [LABEL]);
    expect(named(resolve({ features: [{ name: 'b' }, { name: 'first', input: 'a' }] }, two).features)).toEqual([
      'b:string>b',
      'first:number>a',
    ]);
    const one = signature([spec('x', 'float32', [null, 2])], [LABEL]);
    expect(named(resolve({ features: [{ name: 'p' }, { name: 'q' }] }, one).features)).toEqual([
      'p:number>x',
      'q:number>x',
    ]);
  });

  it('may fill an image pixel by pixel, or be the image', () => {
    const image = signature([spec('image', 'float32', [null, 1, 2, 2])], [LABEL]);
    expect(
      resolve({ features: [1, 2, 3, 4].map(i => ({ name: `p${i}`, input: 'image' })) }, image).features,
    ).toHaveLength(4);
    expect(named(resolve({ features: [{ name: 'picture' }] }, image).features)).toEqual(['picture:tensor>image']);
  });

  it('count one column a category where they are one-hot', () => {
    const x = signature([spec('x', 'float32', [null, 4])], [LABEL]);
    const features = [{ name: 'size' }, { name: 'kind', categories: ['a', 'b', 'c'], encode: 'onehot' }];
    expect(named(resolve({ features }, x).features)).toEqual(['size:number>x', 'kind:string>x']);
  });

  const x2 = signature([spec('x', 'float32', [null, 2])], [LABEL]);
  const texts = signature([spec('t', 'string', [null, 1])], [LABEL]);
  it.each([
    [
      'too few columns',
      { features: [{ name: 'a', type: 'number' }] },
      x2,
      'features: expected 2 columns for input x [?,2], came 1 (of 1 features)',
    ],
    [
      'an input that is not there',
      { features: [{ name: 'a', input: 'z' }] },
      x2,
      "feature a: expected one of the model's inputs (x), came z",
    ],
    [
      'an input without features',
      { features: [{ name: 'a' }] },
      signature([spec('a', 'float32', [null, 1]), spec('b', 'float32', [null, 1])], [LABEL]),
      'features: expected one for input b [?,1], came none',
    ],
    ['a name twice', { features: [{ name: 'a' }, { name: 'a' }] }, x2, 'features: a stands there twice'],
    [
      'a text for a number',
      { features: [{ name: 'a', type: 'string' }, { name: 'b' }] },
      x2,
      'feature a: expected "encode" (input x takes float32), came type "string" without it',
    ],
    [
      'a number for a text',
      { features: [{ name: 't', type: 'number' }] },
      texts,
      'feature t: expected type "string" (input t takes texts), came "number"',
    ],
    [
      'encoding without categories',
      { features: [{ name: 'a', encode: 'onehot' }, { name: 'b' }] },
      x2,
      'feature a: expected categories beside encode, came none',
    ],
    [
      'a fill of another type',
      { features: [{ name: 'a', missing: { fill: 'none' } }, { name: 'b' }] },
      x2,
      'feature a: expected a number to fill with, came "none"',
    ],
  ])('are refused with %s', (_, card, held, words) => {
    expect(() => resolve(card, held)).toThrow(`m/1.0.0/model.json: ${words}`);
  });
});

describe('outputs', () => {
  const x = [spec('x', 'float32', [null, 2])];
  const roles = (outputs: TensorSpec[], classes?: (string | number)[], card?: unknown) =>
    resolve(card, signature(x, outputs), classes).outputs;

  it.each([
    [
      'a classifier',
      [LABEL, PROBABILITIES],
      [0, 1],
      { label: 'label', probabilities: 'probabilities', classes: [0, 1], extra: [] },
    ],
    [
      'a classifier with other names',
      [spec('output_label', 'string', [null]), spec('output_probability', 'float32', [null, null])],
      ['a', 'b', 'c'],
      { label: 'output_label', probabilities: 'output_probability', classes: ['a', 'b', 'c'] },
    ],
    [
      'probabilities alone',
      [spec('probabilities', 'float32', [null, 10])],
      undefined,
      { label: undefined, probabilities: 'probabilities', classes: undefined },
    ],
    [
      'an extra output first',
      [spec('embedding', 'float32', [null, 3]), PROBABILITIES, LABEL],
      [0, 1],
      { label: 'label', probabilities: 'probabilities', extra: ['embedding'] },
    ],
    [
      'a regressor',
      [spec('variable', 'float32', [null, 1])],
      undefined,
      { value: 'variable', label: undefined, extra: [] },
    ],
    ['several targets', [spec('variable', 'float32', [null, 3])], undefined, { value: 'variable' }],
    ['one nameless column', [spec('output', 'float32', [null, 1])], undefined, { value: 'output' }],
    [
      'something else',
      [spec('hidden', 'float32', [null, 16])],
      undefined,
      { label: undefined, probabilities: undefined, value: undefined, extra: [] },
    ],
    [
      'several of something else',
      [spec('h1', 'float32', [null, 16]), spec('h2', 'float32', [null, 4])],
      undefined,
      { value: undefined, extra: ['h1', 'h2'] },
    ],
  ])('are told apart: %s', (_, outputs, classes, expected) => {
    expect(roles(outputs, classes)).toMatchObject(expected);
  });

  it('are what the card says', () => {
    const card = { outputs: { probabilities: 'scores', classes: ['no', 'yes'], threshold: 0.3 } };
    expect(roles([spec('scores', 'float32', [null, 2]), LABEL], [0, 1], card)).toMatchObject({
      label: undefined,
      probabilities: 'scores',
      value: undefined,
      classes: ['no', 'yes'],
      threshold: 0.3,
      extra: ['label'],
    });
  });

  it('are refused where two classes have one name', () => {
    const outputs = [spec('scores', 'float32', [null, 3])];
    const roleOf = (classes: unknown[]) => roles(outputs, undefined, { outputs: { probabilities: 'scores', classes } });
    expect(() => roleOf(['a', 'b', 'a'])).toThrow(
      'outputs.classes: expected different labels, came "a" more than once',
    );
    expect(() => roleOf([1, 2, '1'])).toThrow('came "1" more than once');
    expect(roleOf(['a', 'b', 'A']).classes).toEqual(['a', 'b', 'A']);
  });

  it('leave out classes of the file that do not fit', () => {
    expect(roles([LABEL, spec('probabilities', 'float32', [null, 3])], [0, 1]).classes).toBeUndefined();
  });

  it('do without probabilities that are no tensor', () => {
    const held = signature(x, [LABEL], ['probabilities']);
    expect(resolve({ outputs: { label: 'label', probabilities: 'probabilities' } }, held).outputs).toMatchObject({
      label: 'label',
      probabilities: undefined,
    });
  });

  it.each([
    [
      { outputs: { label: 'nope' } },
      "outputs.label: expected one of the model's outputs (label, probabilities), came nope",
    ],
    [
      { outputs: { probabilities: 'probabilities', classes: [1, 2, 3] } },
      'outputs.classes: expected 2 (columns of probabilities), came 3',
    ],
    [
      { outputs: { label: 'label', classes: [1, 2, 3], threshold: 0.5 } },
      'outputs.threshold: expected two classes, came 3',
    ],
  ])('%j is refused', (card, words) => {
    expect(() => roles([LABEL, PROBABILITIES], undefined, card)).toThrow(`m/1.0.0/model.json: ${words}`);
  });
});

describe('batches', () => {
  const free = signature([spec('x', 'float32', [null, 2])], [LABEL]);
  it('are what the model insists on, or what the card says, or left to the backend', () => {
    expect(resolve(undefined, free).batching.maxBatchSize).toBeUndefined();
    expect(resolve({ batching: { max_batch_size: 32 } }, free).batching.maxBatchSize).toBe(32);
    expect(
      resolve({ batching: { max_batch_size: 32 } }, signature([spec('x', 'float32', [1, 2])], [LABEL])).batching
        .maxBatchSize,
    ).toBe(1);
  });
});

describe('what a card asks for', () => {
  it('is refused where a slice would take gigabytes', () => {
    const image = signature([spec('image', 'float32', [null, 3, 224, 224])], [LABEL]);
    expect(resolve({ batching: { max_batch_size: 445 } }, image).batching.maxBatchSize).toBe(445);
    expect(() => resolve({ batching: { max_batch_size: 65_536 } }, image)).toThrow(
      'm/1.0.0/model.json: batching.max_batch_size: expected at most 445 (an instance has 150528 values, and a slice at most 67108864), came 65536',
    );
  });

  it('is held against the model at once, however many features it names', () => {
    const features = Array.from({ length: 10_000 }, (_, i) => ({ name: `f${i}`, input: i % 2 ? 'a' : 'b' }));
    const wide = signature([spec('a', 'float32', [null, 5_000]), spec('b', 'float32', [null, 5_000])], [LABEL]);
    const start = performance.now();
    expect(resolve({ features }, wide).features).toHaveLength(10_000);
    expect(performance.now() - start).toBeLessThan(3_000); // each held against all others, it took 6 s
  });

  it('is not made up where the file declares a table wider than that: its values are one feature', () => {
    const wide = signature([spec('x', 'float32', [null, 1e9])], [LABEL]);
    expect(named(resolve(undefined, wide).features)).toEqual(['x:tensor>x']);
  });
});

describe('warm-up', () => {
  it('tries plausible instances: in range, scaled, first category, fill', () => {
    const held = signature(
      [spec('x', 'float32', [null, 2]), spec('t', 'string', [null, 2]), spec('tokens', 'int64', [null, null])],
      [LABEL],
    );
    const card = resolve(
      {
        features: [
          { name: 'a', input: 'x', range: [5, 9] },
          { name: 'b', input: 'x', scale: { mean: 10, std: 2 } },
          { name: 'c', input: 't', categories: ['red', 'blue'] },
          { name: 'd', input: 't', missing: { fill: 'none' } },
          { name: 'e', input: 'tokens' },
        ],
      },
      held,
    );
    const plan = warmUpPlan(held, card);
    expect(plan.inputs(1)).toEqual({
      x: { type: 'float32', dims: [1, 2], data: Float32Array.of(5, -5) },
      t: { type: 'string', dims: [1, 2], data: ['red', 'none'] },
      tokens: { type: 'int64', dims: [1, 1], data: BigInt64Array.of(0n) },
    });
    const many = plan.inputs(50).x?.data as Float32Array;
    expect(new Set(many).size).toBeGreaterThan(80); // varied, or a forest would seem quick
    for (let row = 0; row < 50; row++) {
      expect(many[row * 2]).toBeGreaterThanOrEqual(5);
      expect(many[row * 2]).toBeLessThanOrEqual(9);
    }
  });

  it('takes a scalar as one number', () => {
    const held = signature([spec('x', 'float32', [null, 2]), spec('rate', 'int64', [])], [LABEL]);
    const card = resolve(undefined, held);
    expect(card.features.map(({ name, type }) => [name, type])).toEqual([
      ['x_0', 'number'],
      ['x_1', 'number'],
      ['rate', 'number'],
    ]);
    expect(warmUpPlan(held, card).inputs(2).rate).toEqual({ type: 'int64', dims: [], data: BigInt64Array.of(0n) });
  });

  it('keeps to a fixed batch', () => {
    const held = signature([spec('x', 'float32', [4, 2])], [LABEL]);
    expect(warmUpPlan(held, resolve(undefined, held))).toMatchObject({ maxBatchSize: 4, fixedBatch: true });
  });
});
