import { describe, expect, it } from 'vitest';
import { parseCard, wishesOf } from '../../../src/models/card.ts';

const FILE = 'churn/2.1.3/model.json';
const parse = (card: unknown) => parseCard(JSON.stringify(card), FILE);

describe('model.json', () => {
  it('may say nothing', () => {
    expect(parse({})).toEqual({});
  });

  it('reads null as absent and keeps what it does not know', () => {
    const card = parse({ task: null, features: [{ name: 'a', range: null, unit: 'm' }], metrics: { auc: 0.9 } });
    expect(card.task).toBeUndefined();
    expect(card.features?.[0]).toMatchObject({ name: 'a', unit: 'm' });
    expect(card.metrics).toEqual({ auc: 0.9 });
  });

  it('reads one with a byte order mark', () => {
    expect(parseCard('\uFEFF{"task":"regression"}', FILE).task).toBe('regression');
  });

  it.each([
    [{ features: {} }, 'features: expected array, came {}'],
    [{ features: [{ type: 'number' }] }, 'features[0].name: expected string, came nothing'],
    [
      { features: [{ name: 'a' }, { name: 'b', range: [3, 1] }] },
      'features[1].range: expected [lowest, highest], came [3,1]',
    ],
    [
      { features: [{ name: 'a', scale: { mean: 0, std: 0 } }] },
      'features[0].scale.std: expected a number other than 0, came 0',
    ],
    [{ outputs: { threshold: 'high' } }, 'outputs.threshold: expected number, came "high"'],
    [{ batching: { max_batch_size: 0 } }, 'batching.max_batch_size: Too small: expected number to be >=1, came 0'],
    [
      { batching: { max_batch_size: 1e9 } },
      'batching.max_batch_size: Too big: expected number to be <=65536, came 1000000000',
    ],
    [{ runtime: { placement: 'gpu' } }, 'runtime.placement: expected one of "in-line"|"worker", came "gpu"'],
    [{ sha256: 'abc' }, 'sha256: expected 64 hex digits, came "abc"'],
    [[], 'the whole: expected object, came []'],
  ])('%j is refused: %s', (card, words) => {
    expect(() => parse(card)).toThrow(`${FILE}: ${words}`);
  });

  it.each<[string, object, string]>([
    [
      '100,000 features',
      { features: Array.from({ length: 100_000 }, (_, i) => i) },
      'features: expected at most 10000: give more values than that as one of type "tensor", came [0,1,2,',
    ],
    ['17 MB', { notes: 'x'.repeat(17_000_000) }, '17000012 bytes; a card has at most 2097152'],
  ])('of %s is refused', (_, card, words) => {
    expect(() => parse(card)).toThrow(`${FILE}: ${words}`);
  });

  it('asks for a placement, threads and a delay, where it does', () => {
    const card = { batching: { max_queue_delay_ms: 5 }, runtime: { placement: 'worker', intra_op_threads: 2 } };
    expect(wishesOf(parse(card))).toEqual({ placement: 'worker', intraOpThreads: 2, maxQueueDelayMs: 5 });
    expect(wishesOf(parse({}))).toEqual({});
  });

  it('is refused where it is no UTF-8', () => {
    const text = '{"outputs":{"classes":["Zürich","Bern"]}}';
    expect(() => parseCard(Buffer.from(text, 'latin1'), FILE)).toThrow(`${FILE}: not UTF-8 text`);
    expect(parseCard(Buffer.from(text), FILE).outputs?.classes).toEqual(['Zürich', 'Bern']);
  });

  it('keeps the digits of class labels beyond 2^53', () => {
    const card = parseCard(
      '{ "outputs": { "classes": [1, 9007199254740993, "a"] }, "seed": 9007199254740992 }',
      'model.json',
    );
    expect(card.outputs?.classes).toEqual([1, '9007199254740993', 'a']);
    expect(card.seed).toBe(9007199254740992);
  });

  it('says where it is no JSON', () => {
    expect(() => parseCard('{"name": ', FILE)).toThrow(/^churn\/2\.1\.3\/model\.json: not JSON: /);
  });
});
