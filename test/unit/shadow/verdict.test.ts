import { describe, expect, it } from 'vitest';
import { LabelledPairs, readLabels } from '../../../src/shadow/labels.ts';
import type { Told } from '../../../src/shadow/told.ts';
import { judgePairs } from '../../../src/shadow/verdict.ts';
import { writeChunk } from '../../../src/sweep/labels/chunks.ts';
import { NINE } from '../../support/endings.ts';
import { memoryBlobs } from '../../support/memory-blobs.ts';

const pairs = (pairs: number, flips: number, errors = 0) => ({ pairs, flips, errors, unpaired: 0 });
const labels = (onlyBaseline: number, onlyCandidate: number, more = {}) => ({ onlyBaseline, onlyCandidate, ...more });

describe('the verdict on pairs', () => {
  it('is by A with p0 = ½ on the labels where the two differ', () => {
    const [, judged] = judgePairs(pairs(1000, 100), labels(30, 10)).triggers;
    expect(judged).toMatchObject({ bad: 30, trials: 40, verdict: 'fail' });
    expect(judged?.fail_evidence).toBeCloseTo(4.146746, 6);
    expect(judgePairs(pairs(1000, 100), labels(60, 40)).triggers[1]?.fail_evidence).toBeCloseTo(0.578891, 6);
    expect(judgePairs(pairs(1000, 100), labels(12, 12)).triggers[1]?.fail_evidence).toBeCloseTo(-1.393644, 6);
  });
  it('passes where the new one is right more often, or never differs and does not fail', () => {
    expect(judgePairs(pairs(1000, 100), labels(10, 30)).verdict).toBe('pass');
    expect(judgePairs(pairs(1000, 0), labels(0, 0)).verdict).toBe('pass');
    expect(judgePairs(pairs(20, 0), labels(0, 0)).verdict).toBe('undecided'); // that it fails seldom is not shown
  });
  it('is undecided where they differ and nobody says which is right', () => {
    const { verdict, triggers } = judgePairs(pairs(1000, 100), labels(0, 0));
    expect([verdict, triggers[1]?.why]).toEqual(['undecided', 'they differ, and no label says which of them is right']);
  });
  it('passes where both are right as often, once labels of all pairs rule the drop out', () => {
    const both = { labelled: 20_000, baselineRight: 18_000, candidateRight: 17_990 };
    expect(judgePairs(pairs(20_000, 500), labels(110, 100, both)).verdict).toBe('pass');
    expect(judgePairs(pairs(20_000, 500), labels(110, 100)).verdict).toBe('undecided');
  });
  it('fails by errors alone', () => {
    const { verdict, triggers } = judgePairs(pairs(1000, 40, 40), labels(0, 0));
    expect([verdict, triggers[0]?.verdict]).toEqual(['fail', 'fail']);
  });
});

describe('labels', () => {
  const told = (prediction: unknown, more: Partial<Told> = {}): Told => ({
    ...{ resultId: 'h/0/1', requestId: 'a', version: '1', isAnswer: true, prediction },
    ...more,
  });
  it('say which of the two was right; a pack has none of its own', () => {
    const counted = new LabelledPairs(() => 'Yes');
    const add = (baseline: Told, candidate: Told) =>
      counted.add({ baseline, candidate, isFlip: baseline.prediction !== candidate.prediction });
    add(told('Yes'), told('Yes'));
    add(told('Yes'), told('No'));
    add(told('No'), told('Yes'));
    add(told('No'), told('Maybe'));
    add(told('Yes'), told(undefined, { isAnswer: false, code: 'unexpected' }));
    add(told(['Yes'], { several: true }), told(['No'], { several: true }));
    expect(counted).toMatchObject({
      labelled: 5,
      baselineRight: 3,
      candidateRight: 2,
      onlyBaseline: 2,
      onlyCandidate: 1,
    });
  });
  it('are those that the sweep took in, the last of a request, for the model that is meant', async () => {
    const blobs = memoryBlobs();
    const never = new AbortController().signal;
    const write = (hour: number, labels: readonly object[]) =>
      writeChunk(
        blobs,
        { kind: 'labels', partition: '0', from: hour, atMs: NINE + hour * 3_600_000 },
        labels.map(label => JSON.stringify(label)),
        never,
      );
    await write(-48, [{ key: 'q"old"', label: 1, atMs: 1 }]);
    await write(1, [
      { key: 'q"a"', label: 0, atMs: 5 },
      { key: 'q"a"', model: 'other', label: 7, atMs: 9 },
      { key: 'q"a"', row: '1', label: 7, atMs: 9 },
      { key: 'rh/0/2', label: 'by result', atMs: 5 },
    ]);
    await write(2, [{ key: 'q"a"', model: 'churn', label: 1, atMs: 8 }]);
    const labelOf = await readLabels(blobs, 'churn', NINE, never);
    const of = (requestId: string, resultId = 'h/0/1') => {
      const said = told(0, { requestId, resultId });
      return labelOf({ baseline: said, candidate: said, isFlip: false });
    };
    expect([of('a'), of('b', 'h/0/2'), of('old'), of('nobody')]).toEqual([1, 'by result', undefined, undefined]);
  });
});
