import { describe, expect, it } from 'vitest';
import { difference, parseGolden } from '../../../src/models/golden.ts';

describe('golden rows', () => {
  it('are requests with what is expected of them', () => {
    const rows = parseGolden(
      '\uFEFF{"features":[1],"expected":{"prediction":2}}\n\n{"features":[2],"expected":{"prediction":4}}\n',
      'g',
    );
    expect(rows).toEqual([
      { line: 1, request: '{"features":[1]}', expected: { prediction: 2 } },
      { line: 3, request: '{"features":[2]}', expected: { prediction: 4 } },
    ]);
  });

  it.each([
    ['{"features":[1]}', 'g:1: expected a request with "expected"'],
    ['{"features":[1],"expected":{}}', 'g:1: expected a request'],
    ['{', 'g:1: not JSON'],
    ['', 'g: no rows'],
  ])('are none: %s', (text, words) => {
    expect(() => parseGolden(text, 'g')).toThrow(words);
  });

  it.each([
    [{ prediction: 1 }, { prediction: 2 }, 'prediction: expected 1, came 2'],
    [{ prediction: 'Yes' }, { prediction: 'No' }, 'prediction: expected "Yes", came "No"'],
    [
      { probabilities: { Yes: 0.73 } },
      { probabilities: { Yes: 0.7302, No: 0.27 } },
      'probabilities.Yes: expected 0.73, came 0.7302',
    ],
    [{ probabilities: { Yes: 0.73 } }, { probabilities: { Yes: 0.73009 } }, undefined],
    [{ prediction: 1234.5 }, { prediction: 1234.6 }, undefined],
    [{ prediction: 1234.5 }, { prediction: 1234.7 }, 'prediction: expected 1234.5, came 1234.7'],
    [{ prediction: [1, 2] }, { prediction: [1] }, 'prediction: expected [1,2], came [1]'],
    [{ prediction: 1 }, {}, 'prediction: expected 1, came nothing'],
  ])('of %j differ from %j: %s', (expected, came, words) => {
    expect(difference(expected, came)).toBe(words);
  });
});
