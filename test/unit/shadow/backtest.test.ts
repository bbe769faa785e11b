import { describe, expect, it } from 'vitest';
import type { Event } from '../../../src/core/event.ts';
import { bucketsOf } from '../../../src/rollouts/bucket.ts';
import type { Rollout } from '../../../src/rollouts/document.ts';
import { backtest } from '../../../src/shadow/backtest.ts';
import type { ScoreEvents } from '../../../src/shadow/told.ts';
import { judgePairs } from '../../../src/shadow/verdict.ts';
import { judgeRollout } from '../../../src/verdicts/judge-rollout.ts';
import { NINE } from '../../support/endings.ts';
import { createRandom } from '../../support/seeded-random.ts';
import { documentOf, sweptCounts } from '../../support/swept-counts.ts';

const never = new AbortController().signal;
const MANY = 100_000;
const BLOCK = 1_000;
const DAY = 24 * 3_600_000;

interface World {
  /** Of requests, by the candidate. */
  readonly fails: number;
  /** Of requests that either has right. */
  readonly right: { readonly baseline: number; readonly candidate: number };
  readonly hasLabels: boolean;
}

/** A window of requests that one of two versions answered, as a canary at 50 % had it, and that both answer in a backtest. */
async function bothVerdicts({ fails, right, hasLabels }: World) {
  const random = createRandom(Number(process.env.TEST_SEED));
  const drawn = Array.from({ length: MANY }, () => [random.next(), random.next(), random.next()] as const);
  const at = (i: number) => drawn[i] as (typeof drawn)[0];
  const failed = (i: number) => at(i)[0] < fails;
  const said = {
    baseline: (i: number) => (at(i)[1] < right.baseline ? 1 : 0),
    candidate: (i: number) => (at(i)[1] < right.candidate ? 1 : 0),
  };

  const rollout = documentOf({ kind: 'canary', weight: 50 }).rollout as Rollout;
  const bucketOf = bucketsOf(rollout.id);
  const arms = {
    candidate: { requests: 0, bad: 0, labels: 0, right: 0 },
    production: { requests: 0, bad: 0, labels: 0, right: 0 },
  };
  const seen = { candidate: new Set<number>(), production: new Set<number>() };
  for (let i = 0; i < MANY; i++) {
    const bucket = bucketOf(`r${i % 5_000}`);
    const isOurs = bucket < 5_000;
    const arm = isOurs ? arms.candidate : arms.production;
    (isOurs ? seen.candidate : seen.production).add(bucket);
    arm.requests++;
    if (isOurs && failed(i)) arm.bad++;
    else if (hasLabels) {
      arm.labels++;
      arm.right += isOurs ? said.candidate(i) : said.baseline(i);
    }
  }
  const more = { runs: 5_000, weight: 50 };
  const counts = sweptCounts(
    [{ ...arms.candidate, ...more, buckets: [...seen.candidate] }],
    [{ ...arms.production, ...more, buckets: [...seen.production] }],
  );
  const canary = judgeRollout('churn', rollout, counts, NINE + 2 * DAY);

  const score =
    (answer: (i: number) => number, isFailed: (i: number) => boolean): ScoreEvents =>
    async ({ events }) =>
      events.map(({ sequenceNumber: i }) => ({
        ...{ resultId: `h/0/${i}`, requestId: i, version: '1', isAnswer: !isFailed(i), prediction: answer(i) },
        ...(isFailed(i) && { code: 'inference_failed' }),
      }));
  let flips = 0;
  const { tally, labels } = await backtest(
    {
      async eachBlock(work) {
        for (let from = 0; from < MANY; from += BLOCK) {
          const events = Array.from({ length: BLOCK }, (_, i) => ({ sequenceNumber: from + i }) as Event);
          await work({ hub: 'h', consumerGroup: 'shadow', partition: '0', events });
        }
      },
      baseline: score(said.baseline, () => false),
      candidate: score(said.candidate, failed),
      labelOf: () => (hasLabels ? 1 : undefined),
      onFlip: () => void flips++,
    },
    never,
  );
  expect([tally.pairs, flips]).toEqual([MANY, tally.flips]);
  return { canary: canary.verdict, backtest: judgePairs(tally, labels).verdict };
}

describe('a backtest of 100,000 requests', () => {
  const same = { baseline: 0.9, candidate: 0.9 };
  it.each([
    ['that never fails', { fails: 0, right: same, hasLabels: false }, 'pass'],
    ['that never fails, and is as right', { fails: 0, right: same, hasLabels: true }, 'pass'],
    ['that fails for 3 %', { fails: 0.03, right: same, hasLabels: false }, 'fail'],
    [
      'that is right for 70 % instead of 90',
      { fails: 0, right: { baseline: 0.9, candidate: 0.7 }, hasLabels: true },
      'fail',
    ],
    [
      'that is right for 95 % instead of 90',
      { fails: 0, right: { baseline: 0.9, candidate: 0.95 }, hasLabels: true },
      'pass',
    ],
  ] as const)('of a version %s gives the verdict of the canary on the same window', async (_, world, verdict) => {
    expect(await bothVerdicts(world)).toEqual({ canary: verdict, backtest: verdict });
  });
});
