import { describe, expect, it } from 'vitest';
import type { Rollout } from '../../../src/rollouts/document.ts';
import { decideRollout } from '../../../src/verdicts/decide.ts';
import { judgeRollout } from '../../../src/verdicts/judge-rollout.ts';
import { exitStatusOf, statusOf } from '../../../src/verdicts/status.ts';
import { NINE } from '../../support/endings.ts';
import { type ArmParts, documentOf, sweptCounts } from '../../support/swept-counts.ts';

const HOUR = 3_600_000;
const OVER = NINE + 25 * HOUR;
/** 50 distinct buckets of the candidate's and 950 of production's are what 5 % want. */
const MANY = Array.from({ length: 950 }, (_, i) => 500 + i);
const healthy: ArmParts = { requests: 2_914, bad: 0, runs: 700 };
const production: ArmParts = { requests: 55_000, bad: 10, runs: 700, buckets: MANY };

interface Case {
  readonly rollout?: Readonly<Record<string, unknown>>;
  readonly candidate?: ArmParts;
  readonly production?: ArmParts;
  readonly nowMs?: number;
  readonly cooldownUntilMs?: number;
  readonly isCaughtUp?: boolean;
}

function judged({ rollout, candidate = {}, production: theirs = {}, nowMs = NINE + HOUR }: Case) {
  const counts = sweptCounts([{ ...healthy, ...candidate }], [{ ...production, ...theirs }]);
  return judgeRollout('churn', documentOf(rollout).rollout as Rollout, counts, nowMs);
}

function decided(each: Case) {
  const nowMs = each.nowMs ?? NINE + HOUR;
  return decideRollout(judged(each), {
    nowMs,
    cooldownUntilMs: each.cooldownUntilMs,
    isCaughtUp: each.isCaughtUp ?? true,
  });
}

const verdictsOf = (each: Case) =>
  Object.fromEntries(judged(each).triggers.map(({ trigger, verdict }) => [trigger, verdict]));

describe('triggers', () => {
  it('come out as in the contract: 9 of 2,914 pass at ln 80', () => {
    const { triggers } = judged({ candidate: { bad: 9 } });
    const [errors] = triggers;
    expect(errors).toMatchObject({ bad: 9, trials: 2914, verdict: 'pass' });
    expect(errors?.failEvidence).toBeCloseTo(-3.7585, 4);
    expect(errors?.passEvidence).toBeCloseTo(8.3565, 4);
    expect(errors?.threshold).toBeCloseTo(Math.log(80), 12);
  });

  it('fail where requests go wrong by themselves', () => {
    expect(verdictsOf({ candidate: { requests: 200, bad: 20 } })['error_rate > 0.01']).toBe('fail');
  });

  it('of runs need to be worse than production where they are guarded: a slow minute of the machine is not the candidate’s', () => {
    const slow = { runs: 60, slowRuns: 30 };
    expect(verdictsOf({ candidate: slow })['latency_p95 > 500ms']).toBe('fail');
    expect(verdictsOf({ candidate: slow, production: slow })['latency_p95 > 500ms']).toBe('undecided');
    const alone = { kind: 'blue_green', weight: 100 };
    expect(verdictsOf({ rollout: alone, candidate: slow })['latency_p95 > 500ms']).toBe('fail');
  });

  it('count every run above the limit that is written, and none at it', () => {
    const rollout = { triggers: [{ when: 'latency_p95 > 5ms' }] };
    expect(judged({ rollout, candidate: { runs: 100, slowRuns: 40, slowMs: 5.001 } }).triggers[0]?.bad).toBe(40);
    expect(judged({ rollout, candidate: { runs: 100, slowRuns: 40, slowMs: 5 } }).triggers[0]?.bad).toBe(0);
  });

  it('on labels compare arms that are labelled alike, from a hundred labels an arm on', () => {
    const rollout = { triggers: [{ when: 'accuracy_drop > 0.05' }] };
    const ours = { requests: 1_000, labels: 500, right: 300 };
    const theirs = { requests: 10_000, labels: 5_000, right: 4_500 };
    const of = (candidate: ArmParts, other: ArmParts) => judged({ rollout, candidate, production: other }).triggers[0];
    expect(of(ours, theirs)?.verdict).toBe('fail');
    expect(of(ours, { ...theirs, labels: 3_000, right: 2_700 })).toMatchObject({ verdict: 'undecided' });
    expect(of({ ...ours, labels: 99, right: 0 }, theirs)?.verdict).toBe('undecided');
    expect(of({ ...ours, right: 450 }, theirs)?.failEvidence).toBeLessThan(0);
  });

  describe('on labels, where the candidate has all traffic', () => {
    const name = 'accuracy_drop > 0.05';
    const hour = (hours: number, labels: number, right: number, more = {}) => ({
      ...{ model: 'churn', version: '1.1.0+abc', hourMs: NINE + hours * HOUR, answers: 2 * labels, labels, right },
      ...{ errors: { count: 0, sum: 0, squares: 0 }, ...more },
    });
    const blueGreen = { kind: 'blue_green', weight: 100, duration: '1h' };
    const of = (ours: ArmParts, before: readonly ReturnType<typeof hour>[], rollout: object = blueGreen) => {
      const counts = sweptCounts([{ ...healthy, weight: 100, ...ours }], [], before);
      const { triggers } = judgeRollout('churn', documentOf({ ...rollout }).rollout as Rollout, counts, NINE + HOUR);
      return triggers.find(({ trigger }) => trigger === name);
    };
    const bad = { requests: 1_000, labels: 500, right: 300 };

    it('compare with production’s of the 24 h before it began', () => {
      const day = [hour(-24, 1_000, 900), hour(-1, 1_000, 900)];
      expect(of(bad, day)).toMatchObject({ verdict: 'fail', bad: 200, trials: 500, candidate: 0.4, production: 0.1 });
      expect(of({ ...bad, right: 450 }, day)?.failEvidence).toBeLessThan(0);
      const others = [
        hour(-25, 9, 0),
        hour(0, 9, 0),
        hour(-2, 9, 0, { model: 'fraud' }),
        hour(-2, 9, 0, { version: '1.1.01' }),
      ];
      expect(of(bad, [...day, ...others])?.production).toBe(0.1);
    });

    it('do not apply without those, and where only some segments take part', () => {
      expect(of(bad, [])).toMatchObject({ verdict: 'not_applicable', why: expect.stringContaining('24 h before') });
      expect(of(bad, [hour(-1, 1_000, 900)], { ...blueGreen, kind: 'segments', segments: ['beta'] })?.verdict).toBe(
        'not_applicable',
      );
    });

    it('stay undecided where they cover both unevenly, or are few', () => {
      expect(of({ ...bad, requests: 5_000 }, [hour(-1, 1_000, 900)])?.why).toContain('unevenly, by 40');
      expect(of(bad, [hour(-1, 99, 90)])?.why).toBe('fewer than 100 labels an arm');
      expect(of({ requests: 1_000 }, [hour(-1, 1_000, 900)])?.why).toBe('no labels came');
    });
  });

  it('that are the default go without labels at the end; one that somebody wrote holds', () => {
    const name = 'accuracy_drop > 0.05';
    expect(verdictsOf({})[name]).toBe('undecided');
    expect(verdictsOf({ nowMs: OVER })[name]).toBe('not_applicable');
    expect(verdictsOf({ nowMs: OVER, rollout: { triggers: [{ when: name }] } })[name]).toBe('undecided');
  });
});

describe('the split', () => {
  it('fails for a single ending in the wrong arm, or for buckets that are too many, stage by stage', () => {
    expect(judged({}).split).toMatchObject({ expected: 0.05, bad: 50, trials: 1_000, misrouted: 0, verdict: 'pass' });
    expect(judged({ candidate: { misrouted: 1 } }).split?.verdict).toBe('fail');
    const two = sweptCounts(
      [{ ...healthy }, { ...healthy, weight: 20, buckets: Array.from({ length: 100 }, (_, i) => i), atMs: NINE + 9 }],
      [production, { ...production, weight: 20, atMs: NINE + 9 }],
    );
    const { split } = judgeRollout('churn', documentOf().rollout as Rollout, two, NINE);
    expect(split).toMatchObject({ expected: 0.2, bad: 100, trials: 1_050, verdict: 'fail' });
    expect(split?.threshold).toBeCloseTo(Math.log(6 / 0.05), 9);
  });
});

describe('what is done by itself', () => {
  it('is nothing before the duration is over, however good it looks', () => {
    expect(decided({ nowMs: NINE + 24 * HOUR - 1 })).toBeUndefined();
    expect(decided({ nowMs: NINE + 24 * HOUR })?.action).toBe('promote');
  });

  it('waits for what is not counted yet, and for the cooldown', () => {
    expect(decided({ nowMs: OVER, isCaughtUp: false })).toBeUndefined();
    expect(decided({ nowMs: OVER, cooldownUntilMs: OVER + 1 })).toBeUndefined();
    expect(decided({ nowMs: OVER, cooldownUntilMs: OVER })?.action).toBe('promote');
  });

  it('is a rollback at any time a trigger fails, held or cooling, with all it rests on', () => {
    const candidate = { requests: 200, bad: 20, buckets: [1] };
    const rollback = decided({ candidate, rollout: { phase: 'held' }, cooldownUntilMs: OVER });
    expect(rollback).toMatchObject({
      action: 'rollback',
      reason: { trigger: 'error_rate > 0.01', s: 20, n: 200, estimate: 0.1 },
    });
    expect(rollback?.reason.evidence).toBeGreaterThan(Math.log(80));
    expect(rollback?.reason.interval?.[0]).toBeLessThan(0.1);
    expect(decided({ candidate, rollout: { phase: 'rolled_back' }, nowMs: OVER })).toBeUndefined();
  });

  it('is a hold where a signal fails, and never a rollback', () => {
    const rollout = { triggers: [{ when: 'error_rate > 0.01', signal: true }] };
    expect(decided({ rollout, candidate: { requests: 200, bad: 20 } })?.action).toBe('hold');
  });

  it('is a hold where the candidate answers other classes, or with other confidence, and a signal watches that', () => {
    const shifts = [
      { when: 'class_shift', signal: true },
      { when: 'confidence_shift', signal: true },
    ];
    const rollout = { triggers: [{ when: 'error_rate > 0.01' }, ...shifts] };
    const theirs = { classes: { '"No"': 7_600, '"Yes"': 1_900 }, confidences: [0, 0, 9_000] };
    const verdicts = (candidate: ArmParts) => {
      const all = verdictsOf({ rollout, candidate, production: theirs });
      return [all.class_shift, all.confidence_shift];
    };
    const alike = { classes: { '"No"': 400, '"Yes"': 100 }, confidences: [0, 0, 474] };
    expect(verdicts(alike)).toEqual(['pass', 'pass']);
    const shifted = { ...alike, classes: { '"No"': 250, '"Yes"': 250 } };
    expect(verdicts(shifted)).toEqual(['fail', 'pass']);
    expect(verdicts({ ...alike, confidences: [300, 0, 174] })).toEqual(['pass', 'fail']);
    const [, shift] = judged({ rollout, candidate: shifted, production: theirs }).triggers;
    expect(shift?.failEvidence).toBeCloseTo(97.72242, 5); // the design's vector
    expect(decided({ rollout, candidate: shifted, production: theirs })).toMatchObject({
      action: 'hold',
      reason: { trigger: 'class_shift', text: 'the signal class_shift fails' },
    });
    expect(verdictsOf({ rollout: { ...rollout, weight: 100 } }).class_shift).toBe('not_applicable');
  });

  it('is what it was told where something is undecided at the end', () => {
    const candidate = { requests: 20, runs: 20 };
    for (const [on_undecided, action] of [
      ['hold', 'hold'],
      ['promote', 'promote'],
      ['rollback', 'rollback'],
    ])
      expect(decided({ rollout: { on_undecided }, candidate, nowMs: OVER })?.action).toBe(action);
    const split = { misrouted: 1 };
    expect(decided({ rollout: { on_undecided: 'promote' }, candidate: split, nowMs: OVER })?.action).toBe('hold');
  });

  it('promotes no candidate that fewer than five buckets of keys saw', () => {
    const one = { ...production, buckets: [900] };
    expect(decided({ candidate: { buckets: [1, 2, 3, 4] }, production: one, nowMs: OVER })?.action).toBe('hold');
  });

  it('leaves a blue-green rollout where it is unless a trigger fails', () => {
    const rollout = { kind: 'blue_green', weight: 100, duration: '1h' };
    expect(decided({ rollout, candidate: { requests: 20, runs: 20 }, nowMs: NINE + HOUR })?.action).toBe('promote');
    expect(decided({ rollout, candidate: { requests: 200, bad: 20 }, nowMs: NINE + 1 })?.action).toBe('rollback');
  });
});

describe('an A/B comparison', () => {
  it('names a winner by labels at α, and none without evidence', () => {
    const rollout = { kind: 'ab', weight: 50 };
    const theirs = { requests: 2_914, labels: 2_000, right: 1_600 };
    expect(judged({ rollout, candidate: { labels: 2_000, right: 1_800 }, production: theirs }).comparison?.winner).toBe(
      'candidate',
    );
    expect(judged({ rollout, candidate: { labels: 2_000, right: 1_400 }, production: theirs }).comparison?.winner).toBe(
      'production',
    );
    expect(
      judged({ rollout, candidate: { labels: 2_000, right: 1_602 }, production: theirs }).comparison?.winner,
    ).toBeUndefined();
  });

  const rollout = { kind: 'ab', weight: 50 };
  const half = { weight: 50, buckets: Array.from({ length: 500 }, (_, i) => i) };
  const arms = {
    candidate: { ...half, requests: 4_000, labels: 2_000, right: 1_800 },
    production: { ...half, requests: 4_000, labels: 2_000, right: 1_600, buckets: half.buckets.map(i => 5_000 + i) },
  };

  it('ends at its duration with what it found, and not before', () => {
    expect(decided({ rollout, ...arms })).toBeUndefined();
    const end = decided({ rollout, ...arms, nowMs: OVER });
    expect(end).toEqual({
      action: 'end',
      reason: { text: '1.2.0 is the better one at α 0.05 (accuracy 0.9 of 1.2.0, 0.8 of 1.1.0)' },
    });
    expect(decided({ rollout, ...arms, nowMs: OVER, isCaughtUp: false })).toBeUndefined();
    expect(decided({ rollout: { ...rollout, phase: 'held' }, ...arms, nowMs: OVER })).toBeUndefined();
  });

  it('is rolled back by a trigger that fails, before its end as at it', () => {
    const candidate = { ...arms.candidate, bad: 400 };
    for (const nowMs of [NINE + HOUR, OVER])
      expect(decided({ rollout, ...arms, candidate, nowMs })?.action).toBe('rollback');
  });

  it('names nobody where the split is wrong, or labels cover the arms unevenly', () => {
    const misrouted = { ...arms.candidate, misrouted: 1 };
    expect(judged({ rollout, ...arms, candidate: misrouted }).comparison).toMatchObject({
      winner: undefined,
      why: expect.stringContaining('split'),
    });
    const few = { ...arms.production, labels: 1_000, right: 800 };
    expect(judged({ rollout, ...arms, production: few }).comparison?.why).toContain('unevenly');
    expect(decided({ rollout, ...arms, production: few, nowMs: OVER })?.reason.text).toContain('no winner at α 0.05');
  });

  it('goes by what went wrong where there are no labels', () => {
    const quiet = { labels: 0, right: 0, requests: 4_000 };
    const production = { ...arms.production, ...quiet, bad: 400 };
    expect(judged({ rollout, candidate: { ...arms.candidate, ...quiet }, production }).comparison).toMatchObject({
      ...{ winner: 'candidate', by: 'error rate', candidate: 0, production: 0.1 },
    });
  });
});

describe('the status', () => {
  const status = (each: Case, more = {}) => {
    const counts = sweptCounts([{ ...healthy, ...each.candidate }], [production]);
    const document = documentOf(each.rollout, more);
    return statusOf({
      model: 'churn',
      document,
      counts,
      nowMs: each.nowMs ?? NINE + HOUR,
      sweptAtMs: NINE + HOUR - 4_000,
    });
  };

  it('says what the contract shows', () => {
    const shown = JSON.parse(JSON.stringify(status({ candidate: { bad: 9 } })));
    expect(shown).toMatchObject({
      ...{ model: 'churn', revision: 42, verdict: 'undecided', undo: 'npx hubscore rollout rollback churn' },
      rollout: { id: 'ro_1', kind: 'canary', phase: 'running', candidate: '1.2.0', baseline: '1.1.0', weight: 5 },
      arms: {
        candidate: {
          requests: 2914,
          errors: 9,
          runs: 700,
          slow_runs: 0,
          failed_runs: 0,
          labels: 0,
          right: 0,
          rows_per_run: 4.16,
        },
      },
      split: { expected: 0.05, observed: 0.05, bad: 50, trials: 1000, verdict: 'pass' },
      sweep: { lag_seconds: 4 },
    });
    expect(shown.rollout.ends_at).toBe(new Date(NINE + 24 * HOUR).toISOString());
    expect(shown.triggers[0]).toMatchObject({ trigger: 'error_rate > 0.01', bad: 9, trials: 2914, verdict: 'pass' });
    expect(shown.next).toContain('accuracy_drop > 0.05 is undecided (no labels came yet)');
    expect(exitStatusOf(shown)).toBe(3);
  });

  it('is 0 where nothing runs, and 2 where it was rolled back', () => {
    expect(exitStatusOf(status({}, { rollout: null }))).toBe(0);
    expect(status({}, { rollout: null }).rollout).toBeNull();
    expect(exitStatusOf(status({ rollout: { phase: 'rolled_back' } }))).toBe(2);
    expect(exitStatusOf(status({ rollout: { phase: 'promoted' } }))).toBe(0);
    expect(exitStatusOf(status({ candidate: { requests: 200, bad: 20 } }))).toBe(2);
  });

  it('has numbers where evidence is without bounds', () => {
    const shown = status({ candidate: { requests: 4_000_000 } });
    const numbers = ('triggers' in shown ? shown.triggers : []).map(each => each.fail_evidence);
    expect(numbers.every(Number.isFinite)).toBe(true);
  });
});
