import type { Costs } from './costs.ts';
import { MEMORY_CORES, TIERS } from './limits.ts';
import { cycleMs } from './need.ts';
import type { SetUp } from './set-up.ts';
import { AZURE_SCALE } from './simulate/scale-rule.ts';
import { AZURE_OWNERSHIP, type Scenario } from './simulate/scenario.ts';
import {
  highestOf,
  type Objective,
  peakOf,
  requestBytesOf,
  resultBytesOf,
  shareOf,
  type Workload,
} from './workload.ts';

const WARM_UP_MS = 120_000;
/** A curve is looked at around its highest rate: so long before and after. */
const AROUND_MS = { before: 600_000, after: 1_200_000 };
const FLAT_MS = 600_000;
const BEFORE_BURST_MS = 60_000;
const LONGEST_MS = 3_600_000;
/** So many batches, and so many groups of events, are simulated in some seconds. */
const MOST_BATCHES = 1.5e6;
const MOST_GROUPS = 1.5e6;
const SAMPLES = 120;
/** SEND_RETRIES: the first wait, and the longest. */
const RETRY = { firstMs: 200, mostMs: 5_000 };

/** The time that is simulated, milliseconds, and whether less than was wanted. */
export interface Window {
  readonly ms: number;
  readonly isCut: boolean;
}

/** What is simulated of a set-up: one of its namespaces, at its highest rate and around it, with the burst on top. */
export function scenarioOf(
  setUp: SetUp,
  workload: Workload,
  costs: Costs,
  objective: Objective,
  seed: number,
): { readonly scenario: Scenario; readonly window: Window } {
  const share = shareOf(workload, setUp.namespaces);
  const { burst, rates, stretchSeconds } = share;
  const limits = TIERS[setUp.tier];
  const isFlat = rates.length === 1;
  const wanted = burst
    ? BEFORE_BURST_MS + burst.seconds * 1000 + Math.max(FLAT_MS, 1.5 * (objective.drainMs ?? 0))
    : isFlat
      ? FLAT_MS
      : AROUND_MS.before + AROUND_MS.after;
  const window = cut(Math.min(wanted, LONGEST_MS), setUp, share, costs);
  const peakAt = rates.indexOf(peakOf(share));
  const burstFrom = WARM_UP_MS + BEFORE_BURST_MS;
  const burstUntil = burstFrom + (burst?.seconds ?? 0) * 1000;
  // The peak's middle stands where the burst begins, or as far into the window as one looks before it.
  const peakMs = burst ? burstFrom : WARM_UP_MS + AROUND_MS.before;
  const rateAt = (ms: number): number => {
    const factor = burst && ms >= burstFrom && ms < burstUntil ? burst.factor : 1;
    if (isFlat) return factor * (rates[0] as number);
    const stretches = Math.floor(peakAt + 0.5 + (ms - peakMs) / 1000 / stretchSeconds);
    return factor * (rates[((stretches % rates.length) + rates.length) % rates.length] as number);
  };
  const endMs = WARM_UP_MS + window.ms;
  const scenario: Scenario = {
    partitions: setUp.partitions,
    costs,
    rows: share.rows,
    cores: MEMORY_CORES[setUp.memoryMb],
    requestBytes: requestBytesOf(share),
    resultBytes: resultBytesOf(share),
    readers: share.readers + 1,
    hub: {
      inEvents: setUp.units * limits.inEvents,
      inBytes: setUp.units * limits.inBytes,
      outEvents: setUp.units * limits.outEvents,
      outBytes: setUp.units * limits.outBytes,
    },
    rateAt,
    instances: Math.max(1, setUp.alwaysReady),
    leastInstances: setUp.alwaysReady,
    mostInstances: Math.max(setUp.instances, setUp.alwaysReady),
    scale: AZURE_SCALE,
    ownership: AZURE_OWNERSHIP,
    kills: [],
    retry: RETRY,
    warmUpMs: WARM_UP_MS,
    sendUntilMs: endMs,
    endMs,
    drainFromMs: burst ? burstUntil : undefined,
    stepMs: Math.max(10, Math.ceil((setUp.partitions * endMs) / MOST_GROUPS)),
    samples: SAMPLES,
    seed,
  };
  return { scenario, window };
}

function cut(ms: number, { partitions }: SetUp, share: Workload, costs: Costs): Window {
  const own = highestOf(share) / partitions / 1000;
  const cycle = costs.fillMs + cycleMs(costs, share.rows, Math.min(costs.mostEvents, Math.max(1, own * costs.fillMs)));
  const most = (MOST_BATCHES * Math.max(cycle, 1 / own)) / partitions;
  return most < ms ? { ms: most, isCut: true } : { ms, isCut: false };
}
