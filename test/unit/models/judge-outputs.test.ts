import { describe, expect, it } from 'vitest';
import type { Tensors } from '../../../src/core/tensor.ts';
import { judgeOutputs } from '../../../src/models/judge-outputs.ts';
import { warmUpPlan } from '../../../src/models/warm-up-plan.ts';
import { modelVersion, tensor } from '../../support/model-version.ts';

const ROLES = { label: 'label', probabilities: 'p', classes: ['no', 'yes'] };

/** What is made of a classifier that gives these scores for a row, by its number. */
async function judge(
  scoresOf: (row: number) => number[],
  outputs: object = ROLES,
  more: (rows: number) => Tensors = () => ({}),
) {
  const version = modelVersion({
    inputs: ['x: float32[?,2]'],
    outputs: ['label: int64[?]', 'p: float32[?,2]', 'more: float32[?,?,3]'],
    card: { outputs },
    predict: ({ x }) => {
      const rows = x?.dims[0] ?? 0;
      const scores = Array.from({ length: rows }, (_, row) => scoresOf(row));
      return {
        label: tensor(
          'int64',
          [rows],
          scores.map(() => 1n),
        ),
        p: tensor('float32', [rows, scores[0]?.length ?? 0], scores.flat()),
        more: tensor('float32', [rows, 1, 3], Array(rows * 3).fill(0)),
        ...more(rows),
      };
    },
  });
  return judgeOutputs(version.card.outputs, version.backend, warmUpPlan(version.signature, version.card));
}

describe('what a classifier gives when it is tried', () => {
  it('are probabilities where they are within bounds and sum to one, one odd row or another aside', async () => {
    expect(await judge(row => [0.25 + row / 100, 0.75 - row / 100])).toMatchObject({
      probabilities: 'p',
      scores: undefined,
    });
    expect(await judge(row => (row === 3 ? [0, 0] : [0.5, 0.5]))).toMatchObject({ probabilities: 'p' });
    expect(await judge(row => (row === 3 ? [Number.NaN, 0] : [0.5, 0.5]))).toMatchObject({ probabilities: 'p' });
  });

  it.each([
    ['below 0', () => [-0.2, 1.2]],
    ['above 1 in one row', (row: number) => (row === 5 ? [0, 1.1] : [0, 1])],
    ['not summing to one', () => [0.2, 0.3]],
  ])('are scores where they are %s', async (_, scoresOf) => {
    expect(await judge(scoresOf)).toMatchObject({
      probabilities: undefined,
      scores: 'p',
      extra: ['more', 'p'],
      label: 'label',
    });
    const turned = await judge(scoresOf, { ...ROLES, activation: 'sigmoid' });
    expect(turned).toMatchObject({ probabilities: 'p', scores: undefined });
  });

  it('are flags where a label has several values a row: those need not sum to one', async () => {
    const flags = (rows: number) => ({ label: tensor('int64', [rows, 2], Array(2 * rows).fill(1n)) });
    expect(await judge(() => [0.9, 0.8], ROLES, flags)).toMatchObject({ multilabel: true, probabilities: 'p' });
    expect(await judge(() => [0.9, 1.8], ROLES, flags)).toMatchObject({ multilabel: true, scores: 'p' });
  });

  it('leave out what has no row for each instance', async () => {
    const more = (rows: number) => ({ more: tensor('float32', [1, rows, 3], Array(3 * rows).fill(0)) });
    expect((await judge(() => [0.5, 0.5], ROLES, more)).extra).toEqual([]);
  });

  it('stay what the card says where the model fails on them', async () => {
    const fails = () => {
      throw new Error('no');
    };
    expect(await judge(fails)).toMatchObject({ probabilities: 'p', extra: ['more'] });
  });
});
