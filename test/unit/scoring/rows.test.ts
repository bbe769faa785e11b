import { describe, expect, it } from 'vitest';
import type { RequestError } from '../../../src/core/errors.ts';
import { readInputTensors } from '../../../src/core/open-inference.ts';
import type { Tensors } from '../../../src/core/tensor.ts';
import { Encoder } from '../../../src/scoring/rows/rows.ts';
import { modelVersion } from '../../support/model-version.ts';

/** Encodes one request's features for a model with these inputs and this card. */
function encode(
  inputs: readonly string[],
  features: unknown,
  card: object = {},
): { tensors: Tensors; several: boolean; rows: number } {
  const rows = new Encoder(modelVersion({ inputs, card })).begin(1);
  const { several } = rows.add(features);
  return { tensors: rows.tensors(0, rows.count, rows.count), several, rows: rows.count };
}

function dataOf(inputs: readonly string[], features: unknown, card: object = {}): unknown[] {
  const [tensor] = Object.values(encode(inputs, features, card).tensors);
  return [...(tensor?.data ?? [])];
}

function errorOf(inputs: readonly string[], features: unknown, card: object = {}): RequestError {
  try {
    encode(inputs, features, card);
  } catch (thrown) {
    return thrown as RequestError;
  }
  throw new Error('encoded');
}

const named = (...names: string[]) => ({ features: names.map(name => ({ name })) });

describe('forms of an instance', () => {
  it.each([
    ['a list', [1, 2, 3], named('a', 'b', 'c'), 1, false],
    ['an object by feature name', { c: 3, a: 1, b: 2, other: 9 }, named('a', 'b', 'c'), 1, false],
    ['an object by input name', { x: [1, 2, 3] }, named('a', 'b', 'c'), 1, false],
    ['a list for a card without names', [1, 2, 3], {}, 1, false],
    ['a list of one list', [[1, 2, 3]], {}, 1, true],
  ])('%s', (_, features, card, rows, several) => {
    const { tensors, ...rest } = encode(['x: float32[?,3]'], features, card);
    expect(tensors).toEqual({ x: { type: 'float32', dims: [1, 3], data: new Float32Array([1, 2, 3]) } });
    expect(rest).toEqual({ rows, several });
  });

  it('several: lists, or objects, or both', () => {
    const card = named('a', 'b');
    const { tensors, several } = encode(['x: float32[?,2]'], [[1, 2], { b: 4, a: 3 }, [5, 6]], card);
    expect(several).toBe(true);
    expect(tensors.x).toEqual({ type: 'float32', dims: [3, 2], data: new Float32Array([1, 2, 3, 4, 5, 6]) });
  });

  it('a bare value, or several, for a model with one feature', () => {
    const inputs = ['text: string[?,1]'];
    expect(encode(inputs, 'hello')).toMatchObject({
      several: false,
      tensors: { text: { dims: [1, 1], data: ['hello'] } },
    });
    expect(encode(inputs, ['hello'])).toMatchObject({ several: false, rows: 1 });
    expect(encode(inputs, { text: 'hello' })).toMatchObject({ several: false, rows: 1 });
    expect(encode(inputs, ['a', 'b'])).toMatchObject({ several: true, tensors: { text: { data: ['a', 'b'] } } });
    expect(encode(inputs, [['a'], { text: 'b' }])).toMatchObject({
      several: true,
      tensors: { text: { data: ['a', 'b'] } },
    });
    expect(dataOf(['x: float32[?]'], 5)).toEqual([5]);
  });

  it('one value for each of many inputs, by name or in order', () => {
    const inputs = ['tenure: int64[?,1]', 'contract: string[?,1]', 'charge: float32[?,1]'];
    const expected = {
      tenure: { data: new BigInt64Array([7n]) },
      contract: { data: ['Two year'] },
      charge: { data: new Float32Array([2.5]) },
    };
    expect(encode(inputs, { charge: 2.5, contract: 'Two year', tenure: 7 }).tensors).toMatchObject(expected);
    expect(encode(inputs, [7, 'Two year', 2.5]).tensors).toMatchObject(expected);
    expect(encode(inputs, { charge: [2.5], contract: ['Two year'], tenure: [7] }).tensors).toMatchObject(expected);
    expect(
      encode(inputs, [
        [7, 'Two year', 2.5],
        [8, 'a', 1],
      ]),
    ).toMatchObject({ several: true, rows: 2 });
  });

  it('in the order of the card, whatever the order of the inputs', () => {
    const card = {
      features: [
        { name: 'q', input: 'b' },
        { name: 'p', input: 'a' },
        { name: 'r', input: 'b' },
      ],
    };
    const { tensors } = encode(['a: float32[?,1]', 'b: float32[?,2]'], [1, 2, 3], card);
    expect(tensors).toMatchObject({ a: { data: new Float32Array([2]) }, b: { data: new Float32Array([1, 3]) } });
  });

  it.each([
    ['too few', [1, 2], 'features has 2 values; m 1.0.0 takes 3'],
    ['one', [1], 'features has 1 value; m 1.0.0 takes 3'],
    ['none', [], 'features is empty; m 1.0.0 takes at least one instance'],
    ['a bare text', 'x', 'features is text; m 1.0.0 takes a list of 3 values, or an object by name'],
    ['a missing name', { a: 1, c: 3 }, 'feature b is missing; m 1.0.0 takes a value for it, having none to fill in'],
    ['a list inside', [1, [2, 3], 3], 'feature b is a list of 2; m 1.0.0 takes a number'],
    ['an object inside', [1, {}, 3], 'feature b is an object; m 1.0.0 takes a number'],
    [
      'the second of several',
      [
        [1, 2, 3],
        [1, 2],
      ],
      'instance 1: features has 2 values; m 1.0.0 takes 3',
    ],
    ['something among several', [[1, 2, 3], null], 'instance 1: features is null'],
    [
      'too many instances',
      new Array(10_001).fill([1, 2, 3]),
      'features has 10001 instances; m 1.0.0 takes at most 10000',
    ],
  ])('refuses %s', (_, features, message) => {
    const error = errorOf(['x: float32[?,3]'], features, named('a', 'b', 'c'));
    expect(error).toMatchObject({ code: 'schema_mismatch', stage: 'validate' });
    expect(error.message).toContain(message);
  });
});

describe('numbers', () => {
  const scalar = (type: string, value: unknown) => dataOf([`x: ${type}[?,1]`], value)[0];
  const refusal = (type: string, value: unknown) => errorOf([`x: ${type}[?,1]`], value);

  it.each([
    ['float32', '600.0', 600],
    ['float64', ' -1.5e3 ', -1500],
    ['float32', '.5', 0.5],
    ['float64', true, 1],
    ['float32', false, 0],
    ['float64', 1e308, 1e308],
    ['float32', 3.4028235e38, 3.4028234663852886e38],
    ['int64', 5, 5n],
    ['int64', '9223372036854775807', 9223372036854775807n],
    ['int64', '+12', 12n],
    ['int64', '600.0', 600n],
    ['int64', true, 1n],
    ['uint64', '18446744073709551615', 18446744073709551615n],
    ['int32', '-2147483648', -2147483648],
    ['uint8', 255, 255],
    ['bool', true, 1],
    ['bool', 0, 0],
    ['bool', '1', 1],
    ['bool', 'true', 1],
    ['bool', ' False ', 0],
    ['float16', 1.5, 0x3e00],
    ['float16', -2, 0xc000],
    ['float16', 65504, 0x7bff],
    ['float16', 2 ** -24, 1],
    ['float16', 2 ** -14, 0x0400],
  ])('%s takes %j', (type, value, expected) => {
    expect(scalar(type, value)).toBe(expected);
  });

  it.each([
    ['float32', Number.POSITIVE_INFINITY],
    ['float32', 1e39],
    ['float32', -3.4028236e38],
    ['float32', 'NaN'],
    ['float64', '-Infinity'],
    ['float64', '1e999'],
    ['float16', 65520],
    ['int64', Number.POSITIVE_INFINITY],
  ])('%s refuses %j as not finite', (type, value) => {
    expect(refusal(type, value)).toMatchObject({
      code: 'non_finite_feature',
      stage: 'validate',
      message: expect.stringContaining('feature x'),
    });
  });

  it.each([
    ['float32', 'abc', 'feature x is text that is no number; m 1.0.0 takes a number'],
    ['float32', '0x10', 'is text that is no number'],
    ['float32', '1,5', 'is text that is no number'],
    ['int64', 1.5, 'feature x is not whole; m 1.0.0 takes a whole number'],
    ['int64', '1.5', 'is not whole'],
    ['int64', 2 ** 53, 'is beyond 2^53; m 1.0.0 takes such a number as text, digit by digit'],
    ['int64', '9223372036854775808', 'is out of bounds; m 1.0.0 takes int64'],
    ['uint64', -1, 'is out of bounds'],
    ['int32', 2147483648, 'is out of bounds; m 1.0.0 takes int32, -2147483648 to 2147483647'],
    ['uint8', 256, 'is out of bounds; m 1.0.0 takes uint8, 0 to 255'],
    ['int8', 0.5, 'is not whole'],
    ['bool', 2, 'is neither true nor false'],
    ['string', 5, 'feature x is a number; m 1.0.0 takes text'],
    ['string', 'a\0b', 'feature x contains a NUL character'],
    ['string', 'a\ud83d', 'feature x contains half of a character; m 1.0.0 takes text that is Unicode'],
    ['string', '\ude00\ud83d', 'feature x contains half of a character'],
  ])('%s refuses %j', (type, value, message) => {
    const error = refusal(type, value);
    expect(error.code).toBe('schema_mismatch');
    expect(error.message).toContain(message);
  });

  it('never puts the value into the message', () => {
    expect(refusal('float32', 'secret').message).not.toContain('secret');
  });
});

describe('what is missing', () => {
  const card = { features: [{ name: 'a', missing: { fill: 7 } }, { name: 'b' }] };

  it.each([null, '', '  ', undefined])('%j is filled', value => {
    expect(dataOf(['x: float32[?,2]'], [value, 2], card)).toEqual([7, 2]);
  });

  it('an absent feature is filled', () => {
    expect(dataOf(['x: float32[?,2]'], { b: 2 }, card)).toEqual([7, 2]);
  });

  it('is a mismatch where the card has nothing to fill in', () => {
    expect(errorOf(['x: float32[?,2]'], [1, null], card).message).toMatch(/^feature b is missing/);
  });

  it('texts are filled too', () => {
    const texts = { features: [{ name: 'a', missing: { fill: 'none' } }, { name: 'b' }] };
    expect(dataOf(['a: string[?,1]', 'b: string[?,1]'], { a: '', b: 'x' }, texts)).toEqual(['none']);
    expect(errorOf(['a: string[?,1]', 'b: string[?,1]'], { a: 'x', b: null }, texts).message).toMatch(
      /^feature b is missing/,
    );
  });

  it('an empty text is none where nothing fills it, nor where it is no category', () => {
    const encoder = new Encoder(modelVersion({ inputs: ['a: string[?,1]', 'b: string[?,1]'] }));
    const rows = encoder.begin(1);
    rows.add({ a: 'x', b: '' });
    expect(rows.tensors(0, 1, 1).b?.data).toEqual(['']);
    const named = { features: [{ name: 'a', categories: ['x'] }] };
    expect(errorOf(['a: string[?,1]'], { a: '' }, named).message).toMatch(/^feature a is missing/);
  });

  it('a text may have characters beyond the first plane, and the one that stands for what is none', () => {
    expect(dataOf(['text: string[?,1]'], '\u{1F600}\uFFFD')).toEqual(['\u{1F600}\uFFFD']);
  });

  it('an empty text is none of it for a text feature, unless the card has a fill', () => {
    expect(dataOf(['a: string[?,2]'], ['', 'x'])).toEqual(['', 'x']);
    expect(dataOf(['a: string[?,2]'], ['', ' '], { features: [{ name: 'a' }, { name: 'b' }] })).toEqual(['', ' ']);
    const known = (more: object) => ({ features: [{ name: 'a', categories: ['x', ''], ...more }] });
    expect(dataOf(['a: string[?,1]'], [''], known({}))).toEqual(['']);
    expect(dataOf(['a: string[?,1]'], [''], known({ missing: { fill: 'x' } }))).toEqual(['x']);
    expect(dataOf(['a: float32[?,1]'], [''], known({ encode: 'ordinal' }))).toEqual([1]);
    expect(dataOf(['a: float32[?,2]'], [''], known({ encode: 'onehot' }))).toEqual([0, 1]);
    expect(dataOf(['a: float32[?,1]'], [''], known({ encode: 'ordinal', missing: { fill: 'x' } }))).toEqual([0]);
    const others = { features: [{ name: 'a', categories: ['x'] }] };
    expect(errorOf(['a: string[?,1]'], [''], others).message).toMatch(/^feature a is missing/);
    const ignored = { features: [{ name: 'a', categories: ['x'], unknown: 'ignore', encode: 'onehot' }] };
    expect(dataOf(['a: float32[?,1]'], [''], ignored)).toEqual([0]);
    expect(dataOf(['text: string[?,1]'], '')).toEqual(['']);
    expect(dataOf(['text: string[?,1]'], '', { features: [{ name: 'text', missing: { fill: 'none' } }] })).toEqual([
      'none',
    ]);
    expect(errorOf(['text: string[?,1]'], null).message).toMatch(/is missing/);
  });
});

describe('what the card does to a value', () => {
  const one = (feature: object) => ({ features: [{ name: 'a', ...feature }] });

  it('scales after filling', () => {
    const card = one({ missing: { fill: 10 }, scale: { mean: 4, std: 2 } });
    expect(dataOf(['x: float32[?,1]'], 5, card)).toEqual([0.5]);
    expect(dataOf(['x: float32[?,1]'], null, card)).toEqual([3]);
  });

  it('holds the value as it came against its range', () => {
    const card = one({ range: [-10, 10], scale: { mean: 0, std: 0.1 } });
    expect(dataOf(['x: float32[?,1]'], -10, card)).toEqual([-100]);
    expect(errorOf(['x: float32[?,1]'], 10.5, card).message).toBe(
      'feature a is outside its range; m 1.0.0 takes -10 to 10',
    );
    expect(errorOf(['x: float32[?,1]'], null, one({ range: [0, 1], missing: { fill: 2 } })).message).toMatch(/range/);
  });

  it('allows the texts it names', () => {
    const card = one({ categories: ['yes', 'no'] });
    expect(dataOf(['a: string[?,1]'], 'no', card)).toEqual(['no']);
    expect(errorOf(['a: string[?,1]'], 'maybe', card).message).toBe(
      'feature a is a text outside its categories; m 1.0.0 takes yes, no',
    );
    expect(dataOf(['a: string[?,1]'], 'maybe', one({ categories: ['yes'], unknown: 'ignore' }))).toEqual(['maybe']);
  });

  it('turns texts into numbers', () => {
    const categories = ['red', 'green', 'blue'];
    const card = { features: [{ name: 'c', categories, encode: 'onehot' }, { name: 'n' }] };
    expect(dataOf(['x: float32[?,4]'], { c: 'green', n: 5 }, card)).toEqual([0, 1, 0, 5]);
    expect(errorOf(['x: float32[?,4]'], ['pink', 5], card).code).toBe('schema_mismatch');
    const ignoring = { features: [{ name: 'c', categories, encode: 'onehot', unknown: 'ignore' }] };
    expect(dataOf(['x: float32[?,3]'], [['red'], ['pink'], ['blue']], ignoring)).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 1]);
    expect(dataOf(['x: int64[?,1]'], 'blue', one({ categories, encode: 'ordinal' }))).toEqual([2n]);
    expect(dataOf(['x: float32[?,1]'], 'pink', one({ categories, encode: 'ordinal', unknown: 'ignore' }))).toEqual([
      -1,
    ]);
  });
});

describe('tensors', () => {
  const flat = Array.from({ length: 64 }, (_, i) => i);
  const square = Array.from({ length: 8 }, (_, row) => flat.slice(row * 8, row * 8 + 8));
  const pixels = named(...flat.map(i => `pixel_${i}`));

  it.each([
    ['flat', flat, 1],
    ['nested', [square], 1],
    ['nested without the channel', square, 1],
    ['flat by name', { image: flat }, 1],
    ['nested by name', { image: [square] }, 1],
    ['several flat', [flat, flat, flat], 3],
    ['several nested', [[square], [square]], 2],
    ['several without the channel', [square, square], 2],
  ])('an image comes %s', (_, features, rows) => {
    for (const card of [{}, pixels]) {
      const { tensors } = encode(['image: float32[?,1,8,8]'], features, card);
      expect(tensors.image?.dims).toEqual([rows, 1, 8, 8]);
      expect([...(tensors.image?.data ?? [])].slice(-64)).toEqual(flat);
    }
  });

  it('an image by named pixels', () => {
    const byName = Object.fromEntries(flat.map(i => [`pixel_${i}`, i]));
    expect(dataOf(['image: float32[?,1,8,8]'], byName, pixels)).toEqual(flat);
  });

  it.each([
    [flat.slice(1), 'features has 63 values; m 1.0.0 takes 64'],
    [[...flat.slice(1), 'x'], 'a value of features is text that is no number'],
    [[...flat.slice(1), null], 'a value of features is null'],
    ['x', 'features is text; m 1.0.0 takes a list of shape [1,8,8]'],
    [{ image: [flat.slice(1), flat] }, 'features has the shape [2,63] or is uneven; m 1.0.0 takes [1,8,8]'],
    [[...square.slice(1), [1]], 'features has the shape [8,8] or is uneven'],
    [{}, 'features is missing'],
  ])('refuses an image that does not fit (%#)', (features, message) => {
    expect(errorOf(['image: float32[?,1,8,8]'], features).message).toContain(message);
  });

  const tokens = ['ids: int64[?,?]', 'mask: int64[?,?]'];

  it('groups tokens by their length, and puts those of equal length into one tensor', () => {
    const rows = new Encoder(modelVersion({ inputs: ['ids: int64[?,?]'] })).begin(1);
    for (const ids of [[1, 2], [4], [5, 6]]) rows.add(ids);
    expect(rows.byShape()).toEqual([[0, 2], [1]]);
    const alike = rows.pick([0, 2]);
    expect(alike.byShape()).toBeUndefined();
    expect(alike.tensors(0, 2, 2).ids).toEqual({
      type: 'int64',
      dims: [2, 2],
      data: new BigInt64Array([1n, 2n, 5n, 6n]),
    });
    expect(alike.tensors(1, 2, 3).ids?.data).toEqual(new BigInt64Array([5n, 6n, 5n, 6n, 5n, 6n]));
  });

  it('groups rows by the shapes of all their tensors', () => {
    const rows = new Encoder(modelVersion({ inputs: tokens })).begin(1);
    for (const mask of [[1, 1], [1], [1, 0]]) rows.add({ ids: [1, 2], mask });
    expect(rows.byShape()).toEqual([[0, 2], [1]]);
  });

  it('takes several tensors by name or in order, one instance or several', () => {
    const expected = {
      ids: { dims: [1, 3], data: new BigInt64Array([1n, 2n, 3n]) },
      mask: { data: new BigInt64Array([1n, 1n, 0n]) },
    };
    expect(encode(tokens, { ids: [1, 2, 3], mask: [1, 1, 0] })).toMatchObject({ several: false, tensors: expected });
    expect(
      encode(tokens, [
        [1, 2, 3],
        [1, 1, 0],
      ]),
    ).toMatchObject({ several: false, tensors: expected });
    expect(
      encode(tokens, [
        [
          [1, 2],
          [1, 1],
        ],
        [
          [3, 4],
          [1, 1],
        ],
      ]),
    ).toMatchObject({ several: true, rows: 2 });
    expect(errorOf(tokens, { ids: [1] }).message).toMatch(/^feature mask is missing/);
    expect(errorOf(tokens, { ids: [1], mask: 5 }).message).toContain('feature mask is a number; m 1.0.0 takes a list');
  });

  it('one token list or several for a model that takes nothing else', () => {
    expect(encode(['ids: int64[?,?]'], [1, 2, 3])).toMatchObject({ several: false, rows: 1 });
    expect(encode(['ids: int64[?,?]'], [[1, 2, 3], [4]])).toMatchObject({ several: true, rows: 2 });
  });

  it('pads what the model was seen to answer the same, and makes its mask', () => {
    const version = modelVersion({ inputs: tokens });
    const [ids] = version.card.features;
    if (ids === undefined) throw new Error('no feature');
    const card = { ...version.card, features: [{ ...ids, pad: { value: 7, mask: 'mask' } }] };
    const { backend } = version;
    const info = { ...backend.info, pads: true };
    const rows = new Encoder({ ...version, card, backend: { ...backend, info } }).begin(1);
    rows.add([[1, 2, 3], [4]]);
    expect(rows.byShape()).toBeUndefined();
    expect(rows.tensors(0, 2, 2)).toEqual({
      ids: { type: 'int64', dims: [2, 3], data: BigInt64Array.of(1n, 2n, 3n, 4n, 7n, 7n) },
      mask: { type: 'int64', dims: [2, 3], data: BigInt64Array.of(1n, 1n, 1n, 1n, 0n, 0n) },
    });
    expect(rows.pick([1]).tensors(0, 1, 1).mask?.dims).toEqual([1, 1]);
  });

  it('keeps an instance whose arrays have different lengths from those that padding would make it like', () => {
    const version = modelVersion({ inputs: tokens });
    const features = version.card.features.map(feature => ({ ...feature, pad: { value: 0, mask: undefined } }));
    const { backend } = version;
    const info = { ...backend.info, pads: true };
    const rows = new Encoder({ ...version, card: { ...version.card, features }, backend: { ...backend, info } }).begin(
      1,
    );
    for (const [ids, mask] of [
      [
        [1, 2, 3],
        [1, 1, 1],
      ],
      [[1], [1, 1]],
      [[1], [1]],
    ])
      rows.add({ ids, mask });
    expect(rows.byShape()).toEqual([[0, 2], [1]]);
  });

  it('groups by every dynamic dimension', () => {
    const rows = new Encoder(modelVersion({ inputs: ['s: float32[?,?,2,?]'] })).begin(1);
    const [wide, long] = [
      [
        [
          [1, 2],
          [3, 4],
        ],
      ],
      [
        [[5], [6]],
        [[7], [8]],
      ],
    ]; // [1,2,2] and [2,2,1]: as many elements
    rows.add([wide, long]);
    expect(rows.byShape()).toEqual([[0], [1]]);
  });

  it('takes a flat list where one dimension is dynamic', () => {
    expect(encode(['s: float32[?,?,2]'], { s: [1, 2, 3, 4] }).tensors.s).toMatchObject({ dims: [1, 2, 2] });
    expect(errorOf(['s: float32[?,?,2]'], { s: [1, 2, 3] }).message).toContain('has the shape [3]');
  });

  it('fills a fixed batch up with its last row', () => {
    const rows = new Encoder(modelVersion({ inputs: ['x: float32[4,2]'] })).begin(4);
    for (const row of [
      [1, 2],
      [3, 4],
      [5, 6],
    ])
      rows.add(row);
    expect(rows.tensors(0, 3, 4).x?.data).toEqual(new Float32Array([1, 2, 3, 4, 5, 6, 5, 6]));
    expect(rows.tensors(2, 3, 4).x?.data).toEqual(new Float32Array([5, 6, 5, 6, 5, 6, 5, 6]));
  });
});

describe('Open Inference Protocol tensors', () => {
  const input = (name: string, shape: number[], data: unknown[], datatype = 'FP32') => ({
    name,
    shape,
    datatype,
    data,
  });
  const tensors = (...inputs: object[]) => readInputTensors(inputs);

  it('fill an input of the model', () => {
    expect(encode(['x: float32[?,2]'], tensors(input('x', [2, 2], [1, 2, 3, 4])))).toMatchObject({
      several: true,
      tensors: { x: { dims: [2, 2], data: new Float32Array([1, 2, 3, 4]) } },
    });
    expect(encode(['x: float32[?,2]'], tensors(input('x', [1, 2], [1, 2])))).toMatchObject({ several: false, rows: 1 });
    expect(encode(['x: float32[?,2]'], tensors(input('x', [2], [1, 2])))).toMatchObject({ several: false, rows: 1 });
  });

  it('fill many inputs, texts and numbers', () => {
    const two = tensors(input('a', [2, 1], ['p', 'q'], 'BYTES'), input('b', [2], [5, 6], 'INT64'));
    expect(encode(['a: string[?,1]', 'b: int64[?,1]'], two).tensors).toMatchObject({
      a: { data: ['p', 'q'] },
      b: { data: new BigInt64Array([5n, 6n]) },
    });
  });

  it('fill a column by its feature name', () => {
    const two = tensors(input('b', [2], [5, 6]), input('a', [2], [7, 8]));
    expect(dataOf(['x: float32[?,2]'], two, named('a', 'b'))).toEqual([7, 5, 8, 6]);
  });

  it('fill images and tokens', () => {
    const images = tensors(input('x', [2, 1, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]));
    expect(encode(['x: float32[?,1,2,2]'], images).tensors.x).toMatchObject({ dims: [2, 1, 2, 2] });
    expect(encode(['x: float32[?,1,2,2]'], tensors(input('x', [2, 4], [1, 2, 3, 4, 5, 6, 7, 8]))).rows).toBe(2);
    expect(encode(['x: int64[?,?]'], tensors(input('x', [2, 3], [1, 2, 3, 4, 5, 6]))).tensors.x).toMatchObject({
      dims: [2, 3],
    });
  });

  it('may call the only input of a model by any name', () => {
    expect(encode(['x: float32[?,2]'], tensors(input('predict', [1, 2], [1, 2]))).rows).toBe(1);
  });

  it.each([
    [[input('x', [1, 3], [1, 2, 3])], 'input x has the shape [1,3]; m 1.0.0 takes [?,2]'],
    [[input('x', [1, 2], [1, 2]), input('z', [1, 2], [1, 2])], 'input z is not there; m 1.0.0 takes x, w'],
    [[input('x', [1, 2], [1, 2])], 'feature w is missing'],
    [[input('x', [2, 2], [1, 2, 3, 4]), input('w', [3, 1], [1, 2, 3])], 'inputs have 2 and 3 rows'],
    [[input('x', [0, 2], []), input('w', [0, 1], [])], 'features is empty'],
    [
      [input('x', [2, 2], [1, 2, 'x', 4]), input('w', [2, 1], [1, 2])],
      'instance 1: feature x_0 is text that is no number',
    ],
  ])('are refused where they do not fit (%#)', (inputs, message) => {
    const error = errorOf(['x: float32[?,2]', 'w: float32[?,1]'], tensors(...inputs));
    expect(error.code).toBe('schema_mismatch');
    expect(error.message).toContain(message);
  });
});

describe('rows', () => {
  it('leave no trace of a request that does not fit', () => {
    const rows = new Encoder(modelVersion({ inputs: ['x: float32[?,2]'] })).begin(1);
    rows.add([1, 2]);
    expect(() => rows.add([[3, 4], [5, 6], [7]])).toThrow('instance 2');
    expect(() => rows.add([8, 'x'])).toThrow('x_1');
    expect(
      rows.add([
        [9, 10],
        [11, 12],
      ]),
    ).toEqual({ from: 1, to: 3, several: true });
    expect(rows.tensors(0, 3, 3).x?.data).toEqual(new Float32Array([1, 2, 9, 10, 11, 12]));
  });
});

describe('what a request may take', () => {
  const tokens = ['ids: int64[?,?]'];

  it('along an open dimension is what its card allows', () => {
    const ids = (length: number) => new Array(length).fill(1);
    expect(encode(tokens, ids(8_192)).tensors.ids?.dims).toEqual([1, 8_192]);
    expect(errorOf(tokens, ids(60_000))).toMatchObject({
      code: 'schema_mismatch',
      message: 'features has a length of 60000; m 1.0.0 takes at most 8192 (batching.max_length of its card)',
    });
    const card = { batching: { max_length: 60_000 } };
    expect(encode(tokens, ids(60_000), card).tensors.ids?.dims).toEqual([1, 60_000]);
    expect(errorOf(tokens, [ids(3), ids(60_001)], card).message).toBe(
      'instance 1: features has a length of 60001; m 1.0.0 takes at most 60000 (batching.max_length of its card)',
    );
    expect(errorOf(['x: float32[?,3,?,?]'], new Array(3).fill([ids(9_000)])).message).toContain('a length of 9000');
  });

  it('is counted in instances before there is room made for them', () => {
    const images = ['x: float32[?,3,224,224]'];
    expect(errorOf(images, new Array(10_000).fill([[[0]]])).message).toBe(
      'features has 10000 instances; m 1.0.0 takes at most 222 a request',
    );
    const nothing = (rows: number) =>
      readInputTensors([{ name: 'ids', shape: [rows, 0], datatype: 'INT64', data: [] }]);
    expect(errorOf(tokens, nothing(2 ** 40)).message).toBe(
      `features has ${2 ** 40} instances; m 1.0.0 takes at most 10000 a request`,
    );
  });
});
