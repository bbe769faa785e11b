import { describe, expect, it } from 'vitest';
import { type Demand, sizeFor } from '../../../../src/cli/tune/size.ts';

const NO_PRICES = { instanceHour: undefined, throughputUnitHour: undefined };
/** 10,000/s of its own; the host's 5.75 µs an event (0.5 ms a batch of 256 and 3.8 µs each) on top. */
const DEMAND: Demand = {
  rate: 1000,
  perSecond: 10_000,
  machineCores: 2,
  instanceCores: 2,
  batch: 256,
  batchMs: 30,
  requestBytes: 180,
  resultBytes: 220,
};

describe('sizing', () => {
  it('plans for 70 % of what an instance does, the host included', () => {
    const { perInstance, instances } = sizeFor(DEMAND, NO_PRICES);
    expect(perInstance).toBeCloseTo(0.7 * (1e6 / (100 + 3.8 + 500 / 256)), 3);
    expect(instances).toBe(1);
    expect(sizeFor({ ...DEMAND, rate: 6700 }, NO_PRICES).instances).toBe(2);
    expect(sizeFor({ ...DEMAND, rate: 6700, instanceCores: 1 }, NO_PRICES).instances).toBe(3);
  });

  it('gives a partition one batch at a time, with the way to the results hub and back', () => {
    const { perPartition, partitions } = sizeFor({ ...DEMAND, batchMs: 400 }, NO_PRICES);
    expect(perPartition).toBeCloseTo((0.7 * 256_000) / (400 + 0.5 + 256 * 0.0038 + 10), 3);
    expect(partitions).toBe(3);
  });

  it('has a partition for every instance, and for every throughput unit of a hub', () => {
    expect(sizeFor({ ...DEMAND, perSecond: 500, rate: 3000 }, NO_PRICES)).toMatchObject({
      instances: 9,
      partitions: 9,
    });
    expect(sizeFor({ ...DEMAND, perSecond: 1e9, batchMs: 0.1, rate: 12_500 }, NO_PRICES).partitions).toBe(13);
  });

  it('counts throughput units by events in, or by bytes', () => {
    expect(sizeFor(DEMAND, NO_PRICES).throughputUnits).toBe(2); // a request and a result each
    expect(sizeFor({ ...DEMAND, rate: 1001 }, NO_PRICES).throughputUnits).toBe(3);
    expect(sizeFor({ ...DEMAND, rate: 100, requestBytes: 100_000 }, NO_PRICES)).toMatchObject({
      throughputUnits: 11,
      partitions: 11,
    });
  });

  it('has costs only where prices are given', () => {
    expect(sizeFor(DEMAND, NO_PRICES)).toMatchObject({ instancesMonth: undefined, throughputUnitsMonth: undefined });
    const { instancesMonth, throughputUnitsMonth } = sizeFor(DEMAND, { instanceHour: 0.1, throughputUnitHour: 0.03 });
    expect(instancesMonth).toBeCloseTo(73, 6);
    expect(throughputUnitsMonth).toBeCloseTo(43.8, 6);
  });
});
