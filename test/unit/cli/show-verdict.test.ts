import { expect, it } from 'vitest';
import { isSound, showVerdict } from '../../../src/cli/show-verdict.ts';
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
    outOfOrder: none,
    ...change,
  };
}

it('adds partitions up and calls them sound', () => {
  const verdicts = [verdict('0'), verdict('1')];
  expect(verdicts.every(isSound)).toBe(true);
  expect(showVerdict(verdicts, plain)).toEqual([
    'partition   events   requests   results   dead letters   skipped   missing   repeated   out of order',
    '0            1,000      1,200     1,190              9         1         0          0              0',
    '1            1,000      1,200     1,190              9         1         0          0              0',
    'all          2,000      2,400     2,380             18         2         0          0              0',
    '',
    'sound: every request has exactly one ending, in order',
  ]);
});

it.each(['missing', 'repeated', 'outOfOrder'] as const)('names what is %s, and how many more there are', fault => {
  const verdicts = [verdict('0'), verdict('1', { [fault]: { count: 1234, ids: ['r/1/7', 'r/1/9'] } })];
  expect(verdicts.map(isSound)).toEqual([true, false]);
  const lines = showVerdict(verdicts, plain);
  expect(lines.at(-1)).toBe('not sound');
  expect(lines.at(-2)).toMatch(/^(missing|repeated|out of order): r\/1\/7, r\/1\/9 and 1,232 more$/);
});
