import { describe, expect, it } from 'vitest';
import { choose, closedSetUps, smallestOf } from '../../../src/size/choose.ts';
import { REAL_HOST } from '../../../src/size/costs.ts';
import { evaluate } from '../../../src/size/evaluate.ts';
import { moneyOf } from '../../../src/size/money.ts';
import { pricesWith } from '../../../src/size/prices.ts';
import { questionOf, workloadOf } from './question.ts';

const SLOW = { ...REAL_HOST, eventMs: 2 };

describe('the smallest set-up', () => {
  it('of a small load is one of everything, and nothing kept ready', () => {
    const { best, binding } = choose(questionOf({ rate: 100 }));
    expect(binding).toBeUndefined();
    expect(best.setUp).toMatchObject({ tier: 'standard', namespaces: 1, units: 1, partitions: 1, instances: 1 });
    expect(best.setUp).toMatchObject({ memoryMb: 2048, alwaysReady: 0 });
  });

  it('of a load that needs several instances keeps them ready where a latency is asked for', () => {
    const { best, binding } = choose(questionOf({ rate: 900 }, { costs: SLOW, objective: { p99Ms: 2_000 } }));
    expect(binding).toBeUndefined();
    expect(best.misses).toEqual([]);
    expect(best.setUp.alwaysReady).toBeGreaterThan(0);
    expect(best.outcome.p99Ms).toBeLessThanOrEqual(2_000);
    // One fewer does not do.
    const fewer = { ...best.setUp, alwaysReady: best.setUp.alwaysReady - 1 };
    expect(evaluate(fewer, questionOf({ rate: 900 }, { costs: SLOW, objective: { p99Ms: 2_000 } })).misses).not.toEqual(
      [],
    );
  });

  it('of a burst works it off in time', () => {
    const objective = { drainMs: 120_000 };
    const { best } = choose(questionOf({ rate: 200, burst: { factor: 5, seconds: 60 } }, { costs: SLOW, objective }));
    expect(best.misses).toEqual([]);
    expect(best.outcome.drainMs).toBeLessThanOrEqual(120_000);
  });

  it('of more than one namespace carries is several, or the next tier, by cost where that is known', () => {
    const tiers = closedSetUps(questionOf({ rate: 100_000 }));
    expect(tiers.map(({ tier, namespaces }) => [tier, namespaces])).toEqual([
      ['standard', 5],
      ['premium', 2],
      ['dedicated', 1],
    ]);
  });

  it('of bursts that one namespace has not partitions enough for is several', () => {
    const costs = { ...REAL_HOST, eventMs: 160, mostEvents: 10 };
    const question = questionOf(
      { rate: 80, burst: { factor: 3, seconds: 20 } },
      { costs, objective: { p99Ms: 3_000, drainMs: 60_000 } },
    );
    const { best, binding } = choose(question, ['standard']);
    expect(binding).toBeUndefined();
    expect(best.misses).toEqual([]);
    expect(best.setUp.namespaces).toBeGreaterThan(closedSetUps(question, ['standard'])[0]?.namespaces ?? 99);
  });

  it('takes the cheapest tier where all costs are known, else that of the fewest namespaces', () => {
    const rate = 10_000;
    const known = pricesWith({ processingUnitHour: 0.1, capacityUnitHour: 5 });
    const tierOf = (load: { readonly rate: number }, prices = pricesWith({})) => {
      const question = questionOf(load, { prices });
      return smallestOf(closedSetUps(question), question)?.tier;
    };
    expect(tierOf({ rate })).toBe('standard');
    expect(tierOf({ rate }, known)).toBe('premium');
    expect(tierOf({ rate: 100_000 })).toBe('dedicated');
  });
});

describe('where nothing holds', () => {
  it('says that the way of a single event is longer than is asked for', () => {
    const { binding, best } = choose(questionOf({ rate: 100 }, { objective: { p99Ms: 20 } }));
    expect(best.misses[0]).toMatch(/^p99 is \d+ ms, asked for is 20 ms$/);
    expect(binding?.limit).toMatch(/^the way of a single event: 20 ms until the host has filled a batch, 11 ms/);
    expect(binding?.lift).toContain('HTTP');
  });

  it('says that models are too large', () => {
    const { binding } = choose(questionOf({ rate: 100 }, { costs: { ...REAL_HOST, modelMb: 9_000 } }));
    expect(binding?.limit).toBe('memory: 9000 MB of models fit no instance of Flex Consumption');
    expect(binding?.lift).toContain('REMOTE_HOSTS');
  });

  it('says that partitions do not suffice for the instances that a latency would take', () => {
    const costs = { ...REAL_HOST, eventMs: 300 };
    const { binding, best } = choose(questionOf({ rate: 60 }, { costs, objective: { p99Ms: 350 } }), ['standard']);
    expect(best.misses).not.toEqual([]);
    expect(binding?.limit).toMatch(/^partitions, scoring: [\d,]+ events a second, planned; p99 is/);
    expect(binding?.lift).toMatch(/partitions/);
  });
});

describe('money', () => {
  const setUp = { tier: 'standard', namespaces: 1, units: 4, partitions: 4, instances: 1, memoryMb: 2048 } as const;
  const workload = workloadOf({ rate: 1_000 });
  const part = (money: ReturnType<typeof moneyOf>, name: string) =>
    money.parts.find(({ what }) => what === name)?.month;

  it('is units, events, instances, calls and checkpoints', () => {
    const money = moneyOf({ ...setUp, alwaysReady: 0 }, workload, REAL_HOST, pricesWith({}));
    expect(part(money, 'units')).toBeCloseTo(4 * 730 * 0.03);
    expect(part(money, 'events in')).toBeCloseTo((2 * 1_000 * 730 * 3600 * 0.028) / 1e6);
    expect(part(money, 'instances on demand')).toBeCloseTo(2 * 730 * 3600 * 0.000026);
    expect(money.month).toBeCloseTo(money.parts.reduce((sum, { month = 0 }) => sum + month, 0));
    expect(money.millionEvents).toBeCloseTo(((money.month ?? 0) * 1e6) / (1_000 * 730 * 3600));
  });

  it('of an always-ready instance is its baseline and its work, as docs/size.md has it', () => {
    const money = moneyOf({ ...setUp, alwaysReady: 1 }, workload, REAL_HOST, pricesWith({}));
    expect(part(money, 'always-ready instances')).toBeCloseTo(21, 0);
    expect(part(money, 'their work')).toBeCloseTo(84, 0);
    expect(part(money, 'instances on demand')).toBe(0);
  });

  it('is not known where a price is not', () => {
    const money = moneyOf({ ...setUp, tier: 'premium', alwaysReady: 0 }, workload, REAL_HOST, pricesWith({}));
    expect(part(money, 'units')).toBeUndefined();
    expect([money.month, money.millionEvents]).toEqual([undefined, undefined]);
    expect(money.batch.month).toBeGreaterThan(0);
  });

  it('falls with checkpoints that are written less often', () => {
    const [each, tenth] = [1, 10].map(checkpointEvery =>
      part(
        moneyOf({ ...setUp, alwaysReady: 0 }, workload, { ...REAL_HOST, checkpointEvery }, pricesWith({})),
        'checkpoints',
      ),
    );
    expect(each).toBeCloseTo(10 * (tenth ?? 0));
  });
});
