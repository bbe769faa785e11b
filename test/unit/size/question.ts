import { REAL_HOST } from '../../../src/size/costs.ts';
import type { Question } from '../../../src/size/evaluate.ts';
import { pricesWith } from '../../../src/size/prices.ts';
import { AZURE_OWNERSHIP, type Scenario } from '../../../src/size/simulate/scenario.ts';
import type { Workload } from '../../../src/size/workload.ts';

/** A flat load of small events, but for what is given. */
export const workloadOf = ({ rate = 100, ...rest }: Partial<Workload> & { readonly rate?: number }): Workload => ({
  rates: [rate],
  stretchSeconds: 86_400,
  rows: 1,
  requestBytes: 200,
  resultBytes: 380,
  readers: 1,
  ...rest,
});

export const questionOf = (
  load: Partial<Workload> & { readonly rate?: number },
  rest: Partial<Question> = {},
): Question => ({
  workload: workloadOf(load),
  costs: REAL_HOST,
  objective: {},
  prices: pricesWith({}),
  seed: 1,
  ...rest,
});

const UNLIMITED = Number.POSITIVE_INFINITY;

/** A minute of 100 events a second on two instances without limits, and a minute to work off what is left; but for what is given. */
export const scenarioWith = (given: Partial<Scenario>): Scenario => ({
  partitions: 4,
  costs: REAL_HOST,
  rows: 1,
  cores: 1,
  requestBytes: 260,
  resultBytes: 590,
  readers: 2,
  hub: { inEvents: UNLIMITED, inBytes: UNLIMITED, outEvents: UNLIMITED, outBytes: UNLIMITED },
  rateAt: () => 100,
  instances: 2,
  leastInstances: 2,
  mostInstances: 2,
  scale: undefined,
  ownership: AZURE_OWNERSHIP,
  kills: [],
  retry: { firstMs: 200, mostMs: 5_000 },
  warmUpMs: 1_000,
  sendUntilMs: 60_000,
  endMs: 120_000,
  drainFromMs: 60_000,
  stepMs: 10,
  samples: 20,
  seed: 1,
  ...given,
});
