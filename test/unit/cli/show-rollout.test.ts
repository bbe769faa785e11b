import { describe, expect, it } from 'vitest';
import { showPlan, showStatus } from '../../../src/cli/show-rollout.ts';
import type { Paint } from '../../../src/cli/terminal.ts';
import { DEFAULT_TRIGGERS } from '../../../src/rollouts/triggers.ts';
import { planRollout } from '../../../src/verdicts/plan.ts';
import { statusOf } from '../../../src/verdicts/status.ts';
import { NINE } from '../../support/endings.ts';
import { documentOf, sweptCounts } from '../../support/swept-counts.ts';

const plain: Paint = (_, text) => text;
const HOUR = 3_600_000;
const WIDE = Number.POSITIVE_INFINITY;

const arms = sweptCounts(
  [{ requests: 2_914, bad: 9, runs: 240, slowRuns: 3, labels: 212, right: 200 }],
  [
    {
      requests: 55_000,
      bad: 154,
      runs: 260,
      slowRuns: 4,
      labels: 4_000,
      right: 3_610,
      buckets: Array.from({ length: 950 }, (_, i) => 500 + i),
    },
  ],
);
const shown = (rollout = {}, more = {}) => {
  const sweptAtMs = NINE + HOUR - 4_000;
  const document = documentOf(rollout, more);
  return showStatus(statusOf({ model: 'churn', document, counts: arms, nowMs: NINE + HOUR, sweptAtMs }), plain, WIDE);
};

describe('a rollout in words', () => {
  it('says where it fails', () => {
    const blame = ['Contract = Two year: 41 of 41 bad, 0 of 159 elsewhere'];
    expect(shown({ blame })).toContain(`where          ${blame[0]}`);
    expect(shown().join('\n')).not.toContain('where   ');
  });
  it('says what was counted, what it proves, what happens next and how to undo it', () => {
    const lines = shown();
    expect(lines[0]).toBe('churn 1.2.0 (canary ro_1) against 1.1.0: running at 5 %, undecided');
    const text = lines.join('\n');
    expect(text).toMatch(/candidate +2,914 +9 +240 +3 +0 +212 +200/);
    expect(text).toContain(
      'pass           error_rate > 0.01: 0.309 % (9 of 2,914; between 0.0625 % and 0.877 %; production 0.28 %)',
    );
    expect(text).toContain('evidence that it is so -3.76, that it is not 8.36; 4.38 decides');
    expect(text).toContain('split: 5 % of the buckets of keys seen are the candidate’s (50 of 1,000), 5 % were meant');
    expect(text).toContain('labels for 7.28 % of the candidate’s results and 7.27 % of production’s');
    expect(text).toContain('counted up to 4 s ago');
    expect(text).toContain(
      'next: at 2026-11-22T09:00:00.000Z it is held for a person unless by then these are settled',
    );
    expect(lines.at(-1)).toBe('undo: npx hubscore rollout rollback churn');
  });

  it('says for how many rows a run latency is judged, what a candidate with all traffic is compared with, and who wins an A/B', () => {
    expect(shown().join('\n')).toContain(
      'runs of the candidate have 12.1 rows, for which latency is judged; production’s 212',
    );
    const hour = { model: 'churn', version: '1.1.0', hourMs: NINE - HOUR, answers: 9_000, labels: 4_000, right: 3_610 };
    const counts = sweptCounts(
      [{ requests: 900, labels: 400, right: 200, weight: 100 }],
      [],
      [{ ...hour, errors: { count: 0, sum: 0, squares: 0 } }],
    );
    const document = documentOf({ kind: 'blue_green', weight: 100, duration: '2h' });
    const status = statusOf({ model: 'churn', document, counts, nowMs: NINE + HOUR, sweptAtMs: NINE + HOUR });
    const alone = showStatus(status, plain, WIDE).join('\n');
    expect(alone).toContain(
      'compared with production’s answers in the 24 h before: 4,000 of 9,000 have a label, 3,610 are right',
    );
    expect(alone).toContain('accuracy_drop > 0.05: 50 % (200 of 400; production 9.75 %)');
    const ab = shown({ kind: 'ab', weight: 50 }).join('\n');
    expect(ab).toContain('winner: none (no difference is shown)');
    expect(ab).toContain(
      'compares until 2026-11-22T09:00:00.000Z and ends then with what it found; by now no winner at α 0.05',
    );
    const ended = shown({ kind: 'ab', phase: 'ended', reason: '1.2.0 is the better one' }).join('\n');
    expect(ended).toContain(
      'it is over: 1.2.0 is the better one; 1.1.0 is production, `npx hubscore models promote churn 1.2.0` changes that',
    );
    expect(ended).not.toContain('undo:');
  });

  it('says what a person is to do where it is held, and that nothing runs where nothing does', () => {
    const held = shown({ phase: 'held', held_since: new Date(NINE).toISOString(), reason: 'the signal x fails' });
    expect(held.join('\n')).toContain(
      'waits for a person (the signal x fails): `npx hubscore rollout resume churn`, `npx hubscore rollout promote churn` or `npx hubscore rollout rollback churn`',
    );
    expect(shown({}, { rollout: null })).toEqual(['churn: no rollout']);
    const status = statusOf({
      model: 'churn',
      document: documentOf(),
      counts: arms,
      nowMs: NINE,
      sweptAtMs: undefined,
    });
    expect(showStatus(status, plain, WIDE)).toContain('counted never: the sweep does not run');
  });

  it('shows nothing that a terminal would obey', () => {
    const held = shown({ phase: 'held', held_since: new Date(NINE).toISOString(), reason: '\u001b[2J' });
    expect(held.join('')).not.toContain('\u001b');
  });
});

describe('a plan in words', () => {
  const options = { weight: 5, alpha: 0.05, triggers: DEFAULT_TRIGGERS, durationMs: 12 * HOUR };

  it('says what is found in what time, and what cannot pass', () => {
    const traffic = { requestsPerSecond: 1, runsPerSecond: 0.01, labelsPerSecond: 0 };
    const text = showPlan(planRollout({ traffic, ...options }), traffic, plain).join('\n');
    expect(text).toContain('1 requests, 0.01 runs and 0 labels a second come at present');
    expect(text).toContain('5 % bad is found in 132 requests, 44 min');
    expect(text).toContain('one that never fails has passed in 600 requests, 3.3 h');
    expect(text).toMatch(/one that never fails has passed in 600 runs, \d.*: not within the duration/);
    expect(text).toContain('a drop of 10 % is found in 711 labels');
  });

  it('says so where nothing comes', () => {
    const traffic = { requestsPerSecond: 0, runsPerSecond: 0, labelsPerSecond: 0 };
    expect(showPlan(planRollout({ traffic, ...options }), traffic, plain)[0]).toContain(
      'nothing came in the last hour',
    );
  });
});
