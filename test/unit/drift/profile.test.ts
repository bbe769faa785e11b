import { describe, expect, it } from 'vitest';
import { InputTensors, readInputTensors } from '../../../src/core/open-inference.ts';
import { binsOf } from '../../../src/drift/bins.ts';
import { coarse } from '../../../src/drift/coarse.ts';
import { rowsOf } from '../../../src/drift/instances.ts';
import { makeProfile, RowSample } from '../../../src/drift/make-profile.ts';
import { parseProfile, storeProfile } from '../../../src/drift/profile.ts';

const reference = { kind: 'training', file: 'train.csv' } as const;
const number = (name: string, input = name) => ({ name, type: 'number', input, fill: undefined }) as const;
const text = (name: string, fill?: string) => ({ name, type: 'string', input: name, fill }) as const;
const numbers = (values: readonly unknown[]) =>
  makeProfile({ features: [number('x')], rows: values.map(value => [value]), reference });
const upTo = (many: number) => Array.from({ length: many }, (_, i) => i);

describe('a profile', () => {
  it('has deciles of a number, what is missing, and its moments', () => {
    const { features } = numbers([...upTo(100), null, '', 'nine', '7']);
    expect(features[0]).toMatchObject({
      edges: [0, 9, 19, 29, 39, 49, 59, 69, 79, 89, 99],
      missing: 3,
      min: 0,
      max: 99,
    });
    const [feature] = features;
    if (feature?.type !== 'number') throw new Error('no number');
    expect(feature.mean).toBeCloseTo((4_950 + 7) / 101, 12);
    expect(feature.counts.reduce((sum, many) => sum + many, 0)).toBe(101);
    expect([feature.counts[0], feature.counts.at(-1)]).toEqual([0, 0]);
  });

  it('gives a value that many rows have a bin of its own, such as a flag that is seldom set', () => {
    const flags = numbers(upTo(1_000).map(i => (i < 50 ? 1 : 0)));
    expect(flags.features[0]).toMatchObject({ edges: [0, 1, 1], counts: [0, 950, 50, 0] });
    const [bins] = binsOf(flags);
    expect([0, 1, '1', true, 0.5, 2, -1, null, 'x'].map(value => bins?.binOf(value))).toEqual([
      2, 3, 3, 3, 2, 4, 1, 0, 0,
    ]);
    const same = numbers([5, 5, 5]);
    expect(same.features[0]).toMatchObject({ edges: [5, 5], counts: [0, 3, 0] });
  });

  it('makes no difference between training data that went through float32 and requests that did not', () => {
    const rates = [0.1, 0.2, 0.3, 0.7];
    const values = upTo(1_000).map(i => rates[i % 4] as number);
    const [double, single] = [numbers(values), numbers(values.map(Math.fround))];
    for (const profile of [double, single])
      for (const asked of [rates, rates.map(Math.fround)])
        expect(asked.map(value => binsOf(profile)[0]?.binOf(value))).toEqual([2, 3, 4, 5]);
  });

  it('has the texts that came up often, and counts the others together', () => {
    const rows = upTo(1_000).map(i => [i % 2 === 0 ? 'a' : `free ${i}`, i < 10 ? '' : 'b']);
    const { features } = makeProfile({ features: [text('one'), text('two', 'none')], rows, reference });
    expect(features).toMatchObject([
      { top: [['a', 500]], other: 500, missing: 0 },
      { top: [['b', 990]], other: 0, missing: 10, empty_is_missing: true },
    ]);
  });

  it('keeps the place of what is not watched, and is read as it was written', () => {
    const features = [{ ...number('image'), type: 'tensor' as const }, number('x')];
    const answers = [0.04, 0.96, 1].map(confidence => ({ label: '"Yes"', confidence }));
    const profile = makeProfile({
      features,
      rows: [
        [[1, 2], 3],
        [[4], 5],
      ],
      reference,
      answers,
    });
    expect(profile.features.map(({ type }) => type)).toEqual(['unwatched', 'number']);
    expect(profile.classes).toEqual({ '"Yes"': 3 });
    expect([profile.confidences?.[0], profile.confidences?.[19]]).toEqual([1, 2]);
    expect(parseProfile(storeProfile(profile), 'profile.json')).toEqual(profile);
    expect(() => parseProfile('{"schema":2}', 'churn/1.0.0/profile.json')).toThrow(/churn\/1.0.0\/profile.json.*newer/);
  });

  it('is made of so many rows at most, each of them as likely as any', () => {
    const sample = new RowSample<number>(1_000);
    for (const i of upTo(20_000)) sample.add(i);
    expect([sample.rows.length, sample.seen]).toEqual([1_000, 20_000]);
    const mean = sample.rows.reduce((sum, row) => sum + row, 0) / 1_000;
    expect(Math.abs(mean - 10_000)).toBeLessThan(700); // 4 standard errors
  });
});

describe('the rows of a request', () => {
  const features = [number('a', 'X'), number('b', 'X'), text('c')];
  const profile = makeProfile({
    features,
    rows: [
      [1, 2, 'x'],
      [2, 3, 'x'],
    ],
    reference,
  });
  const plain = makeProfile({ features: [number('X_0', 'X'), number('X_1', 'X')], rows: [[1, 2]], reference });
  const single = makeProfile({ features: [number('x')], rows: [[1], [2]], reference });
  const tensors = (inputs: readonly object[]) => readInputTensors(inputs);

  it.each([
    ['a list', [1, 2, 'x'], false, [[1, 2, 'x']]],
    ['an object by name', { c: 'x', a: 1 }, false, [[1, undefined, 'x']]],
    ['an object by input', { X: [1, 2], c: ['x'] }, false, [[1, 2, 'x']]],
    [
      'several lists',
      [
        [1, 2, 'x'],
        [3, 4, 'y'],
      ],
      false,
      [
        [1, 2, 'x'],
        [3, 4, 'y'],
      ],
    ],
    ['several objects', [{ a: 1, b: 2, c: 'x' }], false, [[1, 2, 'x']]],
    ['a pack of one', [[1, 2, 'x']], true, [[1, 2, 'x']]],
    ['a list that is too short', [1, 2], false, []],
  ])('are read from %s', (_, asked, isPack, rows) => {
    expect(rowsOf(asked, isPack, profile)).toEqual(rows);
  });

  it('are read from whole tensors, by the name of an input or of a feature', () => {
    const whole = { name: 'X', shape: [2, 2], datatype: 'FP32', data: [1, 2, 3, 4] };
    const own = { name: 'c', shape: [2, 1], datatype: 'BYTES', data: ['x', 'y'] };
    expect(rowsOf(tensors([whole, own]), false, profile)).toEqual([
      [1, 2, 'x'],
      [3, 4, 'y'],
    ]);
    expect(rowsOf(tensors([{ ...whole, name: 'input-0' }]), false, plain)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(rowsOf(new InputTensors([]), false, plain)).toEqual([]);
  });

  it('are read from bare values where a model takes one', () => {
    expect([rowsOf(5, false, single), rowsOf([5], false, single), rowsOf([5, 6], false, single)]).toEqual([
      [[5]],
      [[5]],
      [[5], [6]],
    ]);
    expect(rowsOf([[5], [6]], false, single)).toEqual([[5], [6]]);
  });
});

describe('bins with few rows', () => {
  it('are merged with their neighbours where they have an order, else with each other', () => {
    expect(coarse([100, 1, 1, 98], [100, 0, 2, 98], true)).toEqual([
      [100, 100],
      [100, 100],
    ]);
    expect(coarse([100, 1, 1, 98], [100, 0, 2, 98], false)).toEqual([
      [100, 98, 2],
      [100, 98, 2],
    ]);
  });

  it('stay where one side has many', () => {
    expect(coarse([100, 0], [60, 40], false)).toEqual([
      [100, 0],
      [60, 40],
    ]);
  });
});
