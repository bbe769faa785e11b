import { describe, expect, it } from 'vitest';
import { isSame, lineOf, pairUp, tallyOf } from '../../../src/shadow/pairs.ts';
import { type Told, toldOf } from '../../../src/shadow/told.ts';

const told = (resultId: string, said: Partial<Told>): Told => ({
  ...{ resultId, requestId: resultId, version: '1.0.0', isAnswer: true },
  ...said,
});

describe('two predictions', () => {
  it.each([
    [1, 1, true],
    [1, '1', true],
    [true, 1, true],
    ['Yes', 'No', false],
    [0, 1, false],
    [2_000, 2_000.1, true],
    [2_000, 2_001, false],
    [0.00001, 0.00002, true],
    [[1, 2], [1, 2.00001], true],
    [[1, 2], [1], false],
    [[1, null], [1, 0], false],
  ])('%j and %j: the same is %s', (one, other, same) => {
    expect(isSame(one, other)).toBe(same);
  });
});

describe('pairs', () => {
  it('are of requests that the baseline answered itself; one that the candidate does not answer is a flip', () => {
    const baselines = [
      told('h/0/1', { prediction: 0 }),
      told('h/0/2', { prediction: 1 }),
      told('h/0/3', { prediction: 1 }),
      told('h/0/4', { isAnswer: false, code: 'fallback' }),
    ];
    const candidates = [
      told('h/0/1', { prediction: 0 }),
      told('h/0/2', { prediction: 0, enqueuedAtMs: 0 }),
      told('h/0/3', { isAnswer: false, code: 'inference_failed' }),
      told('h/0/4', { prediction: 1 }),
      told('h/0/5', { prediction: 1 }),
    ];
    const { pairs, unpaired } = pairUp(new Map(baselines.map(each => [each.resultId, each])), candidates);
    expect(tallyOf(pairs, unpaired)).toEqual({ pairs: 3, flips: 2, errors: 1, unpaired: 2 });
    expect(pairs.map(lineOf)[1]).toBe(
      '{"result_id":"h/0/2","request_id":"h/0/2","enqueued_at":"1970-01-01T00:00:00.000Z","baseline":{"version":"1.0.0","prediction":1},"candidate":{"version":"1.0.0","prediction":0},"flip":true}',
    );
  });
});

describe('an ending', () => {
  const read = (body: object) =>
    toldOf({ resultId: 'h/0/1', version: '1.0.0', body: Buffer.from(JSON.stringify(body)) });
  it('is an answer, a pack of answers, or none', () => {
    expect(read({ request_id: 7, prediction: 'Yes', confidence: 0.9 })).toMatchObject({
      ...{ isAnswer: true, requestId: 7, prediction: 'Yes', confidence: 0.9 },
    });
    expect(read({ predictions: [{ id: 1, prediction: 3 }, null] })).toMatchObject({
      prediction: [3, null],
      several: true,
    });
    expect(read({ prediction: 1, fallback: true })).toMatchObject({ isAnswer: false, code: 'fallback' });
    expect(read({ error: { code: 'inference_failed' } })).toMatchObject({ isAnswer: false, code: 'inference_failed' });
    expect(toldOf({ resultId: 'h/0/1', version: undefined, body: Buffer.from('no JSON') })).toBeUndefined();
  });
});
