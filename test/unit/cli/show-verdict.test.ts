import { expect, it } from 'vitest';
import { isSound, isSoundButForRepeats, showVerdict } from '../../../src/cli/show-verdict.ts';
import type { PartitionVerdict } from '../../../src/ledger/verify.ts';

const none = { count: 0, ids: [] };
const plain = (_: unknown, text: string) => text;

function verdict(partition: string, change: Partial<PartitionVerdict> = {}): PartitionVerdict {
  return {
    partition,
    events: 1000,
    requests: 1200,
    results: 1190,
    deadLetters: 9,
    skipped: 1,
    missing: none,
    repeated: none,
    otherwise: none,
    outOfOrder: none,
    ...change,
  };
}

it('adds partitions up and calls them sound', () => {
  const verdicts = [verdict('0'), verdict('1')];
  expect(verdicts.every(isSound)).toBe(true);
  expect(showVerdict(verdicts, plain, 200)).toEqual([
    'partition   events   requests   results   dead letters   skipped   missing   repeated   out of order',
    '0            1,000      1,200     1,190              9         1         0          0              0',
    '1            1,000      1,200     1,190              9         1         0          0              0',
    'all          2,000      2,400     2,380             18         2         0          0              0',
    '',
    'sound: every request has exactly one ending, in order',
  ]);
});

it('tells the same ending twice from one that is lost, or that is another', () => {
  const repeated = { count: 1, ids: ['r/1/7'] };
  const lines = showVerdict([verdict('0'), verdict('1', { repeated })], plain, 200);
  expect(lines.slice(-2)).toEqual([
    'repeated: r/1/7',
    'nothing is lost or out of order; some endings stand twice under their result_id: readers keep the first (docs/guarantees.md, Repeats)',
  ]);
  expect(isSoundButForRepeats(verdict('1', { repeated }))).toBe(true);
  const otherwise = showVerdict([verdict('1', { repeated, otherwise: repeated })], plain, 200);
  expect(otherwise.slice(-3)).toEqual(['repeated: r/1/7', 'both a result and a dead letter: r/1/7', 'not sound']);
  expect(isSoundButForRepeats(verdict('1', { repeated, missing: repeated }))).toBe(false);
});

it.each(['missing', 'outOfOrder'] as const)('names what is %s, and how many more there are', fault => {
  const verdicts = [verdict('0'), verdict('1', { [fault]: { count: 1234, ids: ['r/1/7', 'r/1/9'] } })];
  expect(verdicts.map(isSound)).toEqual([true, false]);
  const lines = showVerdict(verdicts, plain, 200);
  expect(lines.at(-1)).toBe('not sound');
  expect(lines.at(-2)).toMatch(/^(missing|out of order): r\/1\/7, r\/1\/9 and 1,232 more$/);
});

it.each([20, 40, 60, 80, 90, 200])('fits %d columns, with every figure', width => {
  const verdicts = [verdict('0', { events: 12_345_678 }), verdict('31', { missing: { count: 7, ids: [] } })];
  const lines = showVerdict(verdicts, plain, width).slice(0, -3); // the sentences wrap by themselves
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
  const text = lines.join('\n');
  for (const figure of ['12,345,678', '1,000', '12,346,678', '1,190', '7']) expect(text).toContain(figure);
});
