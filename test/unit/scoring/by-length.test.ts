import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupByLength, inOrder } from '../../../src/scoring/infer/by-length.ts';
import { batchOf, NOON } from '../../support/events.ts';
import { modelVersion, tensor } from '../../support/model-version.ts';
import { catalogOf } from '../../support/onnx-model.ts';
import { openScoring } from '../../support/open-scoring.ts';

describe('rows by length', () => {
  it('stay together where their lengths are alike', () => {
    expect(groupByLength(Array.from({ length: 256 }, (_, i) => 40 + (i % 40)))).toBeUndefined();
    expect(groupByLength([100_000])).toBeUndefined();
    expect(groupByLength([])).toBeUndefined();
  });

  it('part from the long ones', () => {
    const lengths = Array.from({ length: 256 }, () => 50);
    lengths[7] = 2000;
    const [long, ...rest] = groupByLength(lengths) ?? [];
    expect(long).toEqual([7]);
    expect(rest).toEqual([[...lengths.keys()].filter(place => place !== 7)]);
  });

  it('are all in a group, once, and pad less than together', () => {
    const padded = (lengths: readonly number[]) => Math.max(0, ...lengths) * lengths.length;
    fc.assert(
      fc.property(fc.array(fc.nat(5000), { maxLength: 300 }), lengths => {
        const groups = groupByLength(lengths);
        if (!groups) return;
        expect(groups.flat().sort((a, b) => a - b)).toEqual([...lengths.keys()]);
        const apart = groups.map(group => padded(group.map(place => lengths[place] as number)));
        expect(apart.reduce((sum, size) => sum + size, 0)).toBeLessThan(
          padded(lengths) - 2 ** 15 * (groups.length - 1),
        );
      }),
    );
  });

  it('come back in order, texts and numbers', () => {
    const outputs = [
      { label: tensor('string', [1], ['c']), p: tensor('float32', [1, 2], [5, 6]) },
      { label: tensor('string', [2], ['a', 'b']), p: tensor('float32', [2, 2], [1, 2, 3, 4]) },
    ];
    expect(inOrder([[2], [0, 1]], outputs)).toEqual({
      label: tensor('string', [3], ['a', 'b', 'c']),
      p: tensor('float32', [3, 2], [1, 2, 3, 4, 5, 6]),
    });
    expect(inOrder([[1], [0]], [{ p: tensor('float32', [1, 2], [1, 2]) }, { p: tensor('float32', [1], [1]) }])).toBe(
      undefined,
    );
  });

  it('are given to a text model apart, and every request has its own answer', async () => {
    const seen: number[] = [];
    const version = modelVersion({
      inputs: ['text: string[?,1]'],
      outputs: ['y: float32[?,1]'],
      card: { outputs: { value: 'y' } },
      predict({ text }) {
        const texts = text?.data as string[];
        seen.push(texts.length);
        if (texts.includes('bad')) throw new Error('bad text');
        const lengths = texts.map(each => each.length);
        return { y: tensor('float32', [texts.length, 1], lengths) };
      },
    });
    const scoring = openScoring(catalogOf(version), { clock: () => NOON });
    const features = Array.from({ length: 100 }, (_, i) => 'x'.repeat(i === 31 ? 5000 : 4 + (i % 9)));
    const { signal } = new AbortController();
    const answers = async (texts: readonly string[]) => {
      const scored = await scoring.score(batchOf(texts.map(text => ({ features: text }))), signal);
      return scored.outcomes().map(({ body }) => JSON.parse(body.toString()));
    };
    expect((await answers(features)).map(({ prediction }) => prediction)).toEqual(features.map(text => text.length));
    expect(seen).toEqual([1, 99]);
    const withBad = await answers(features.with(50, 'bad'));
    expect(withBad.map(({ prediction, error }) => prediction ?? error.code)).toEqual(
      features.map((text, i) => (i === 50 ? 'inference_failed' : text.length)),
    );
  });
});
