import { describe, expect, it } from 'vitest';
import { REAL_HOST } from '../../../src/size/costs.ts';
import {
  capacities,
  floorMs,
  instanceRate,
  memoryFor,
  needOf,
  partitionIntake,
  partitionRate,
  scoringRateFor,
  unitsFor,
} from '../../../src/size/need.ts';
import { workloadOf } from './question.ts';

describe('throughput units', () => {
  it('are 1,000 events a second each, requests and results both', () => {
    expect(unitsFor('standard', workloadOf({ rate: 500 }), 500, 500)).toBe(1);
    expect(unitsFor('standard', workloadOf({ rate: 20_000 }), 20_000, 20_000)).toBe(40);
  });

  it('are 1 MB a second each where events are large, framing of 60 and 210 bytes included', () => {
    const workload = workloadOf({ requestBytes: 9_940, resultBytes: 4_790 });
    expect(unitsFor('standard', workload, 100, 100)).toBeCloseTo(1.5);
  });

  it('give out 2 MB a second each: with four readers and the sweep results leave five times', () => {
    const workload = workloadOf({ requestBytes: 940, resultBytes: 9_790, readers: 4 });
    expect(unitsFor('standard', workload, 100, 100)).toBeCloseTo((100 * (1_000 + 5 * 10_000)) / 2e6);
  });

  it('of Premium and Dedicated go by bytes alone, at the lower end of what is published', () => {
    const workload = workloadOf({ requestBytes: 440, resultBytes: 290 });
    expect(unitsFor('premium', workload, 10_000, 10_000)).toBeCloseTo(2);
    expect(unitsFor('dedicated', workload, 10_000, 10_000)).toBeCloseTo(0.1);
  });
});

describe('a burst', () => {
  const burst = { factor: 5, seconds: 60 };
  it('is worked off in time where what came within burst and drain is scored within both', () => {
    // 1000/s: 300,000 in the burst, 540,000 in the nine minutes after it, over 600 s.
    expect(scoringRateFor(workloadOf({ rate: 1_000, burst }), 540_000)).toBe(1_400);
    expect(scoringRateFor(workloadOf({ rate: 1_000 }), 540_000)).toBe(1_000);
    expect(scoringRateFor(workloadOf({ rate: 1_000, burst }), undefined)).toBe(1_000);
  });
});

describe('instances and partitions', () => {
  it('go by processor an event, planned to 70 %', () => {
    const costs = { ...REAL_HOST, eventMs: 0.02, rowMs: 0.05, batchMs: 0 };
    expect(instanceRate(costs, 1, 2048)).toBeCloseTo(10_000);
    expect(instanceRate(costs, 1, 4096)).toBeCloseTo(20_000);
    expect(needOf('dedicated', workloadOf({ rate: 35_000 }), costs, 2048, 35_000)).toMatchObject({ instances: 4 });
  });

  it('a partition has one batch under way', () => {
    const costs = { ...REAL_HOST, eventMs: 0.1, rowMs: 0, batchMs: 10, waitMs: 80, confirmMs: 10, mostEvents: 100 };
    expect(partitionRate({ ...costs, runs: 4 }, 1)).toBeCloseTo((0.7 * 1000 * 100) / 110);
    // 100 rows are two runs of up to 64: one after the other where one at a time is allowed.
    expect(partitionRate({ ...costs, runs: 1 }, 1)).toBeCloseTo((0.7 * 1000 * 100) / 190);
  });

  it('an instance has so many runs of a remote model under way', () => {
    const costs = { ...REAL_HOST, waitMs: 50, runs: 2, runRows: 10 };
    expect(instanceRate(costs, 1, 2048)).toBeCloseTo(0.7 * 400);
    expect(instanceRate(costs, 5, 2048)).toBeCloseTo(0.7 * 80);
  });

  it('a partition takes in 1,000 events or 1 MB a second', () => {
    expect(partitionIntake('standard', workloadOf({}))).toBe(1_000);
    expect(partitionIntake('standard', workloadOf({ requestBytes: 9_940, resultBytes: 100 }))).toBeCloseTo(100);
    expect(partitionIntake('premium', workloadOf({ requestBytes: 190, resultBytes: 290 }))).toBeCloseTo(2_000);
    expect(needOf('standard', workloadOf({ rate: 7_500 }), REAL_HOST, 2048, 7_500)).toMatchObject({ partitions: 8 });
  });

  it('what a namespace has not is said', () => {
    expect(needOf('standard', workloadOf({ rate: 30_000 }), REAL_HOST, 2048, 30_000).beyond).toBe(
      '60 throughput units are needed, 40 can be had',
    );
    const slow = { ...REAL_HOST, eventMs: 10 };
    expect(needOf('standard', workloadOf({ rate: 3_000 }), slow, 2048, 3_000).beyond).toMatch(
      /^\d+ partitions are needed, a hub has 32$/,
    );
  });

  it('units of Premium are those that can be bought, enough for the partitions of all hubs', () => {
    const slow = { ...REAL_HOST, eventMs: 20, rowMs: 0, batchMs: 0, confirmMs: 0 };
    // 35 events a second an instance: 90 of them, 3 × 90 + 2 partitions in all, 200 a unit.
    expect(needOf('premium', workloadOf({ rate: 3_150 }), slow, 2048, 3_150)).toMatchObject({
      instances: 90,
      partitions: 90,
      units: 2,
    });
  });
});

it('memory holds the models beside host, Node and batches', () => {
  expect(memoryFor({ ...REAL_HOST, modelMb: 1_100 })).toBe(2048);
  expect(memoryFor({ ...REAL_HOST, modelMb: 1_200 })).toBe(4096);
  expect(memoryFor({ ...REAL_HOST, modelMb: 4_000 })).toBeUndefined();
});

it('nothing is answered sooner than a single event is', () => {
  expect(floorMs(REAL_HOST, 1)).toBeCloseTo(20 + 0.5 + 0.031 + 10);
});

it('of a set-up the smallest capacity binds', () => {
  const setUp = { units: 1, partitions: 4, instances: 2, memoryMb: 2048 } as const;
  const byLimit = Object.fromEntries(
    capacities('standard', setUp, workloadOf({}), REAL_HOST).map(({ limit, perSecond }) => [limit, perSecond]),
  );
  expect(byLimit.units).toBeCloseTo(500);
  expect(byLimit['partitions, taking in']).toBe(4_000);
  expect(byLimit.instances).toBeGreaterThan(40_000);
});
