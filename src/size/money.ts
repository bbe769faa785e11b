import { BATCH_ROW_MS, type Costs } from './costs.ts';
import { CHARGED_BYTES, MEMORY_CORES } from './limits.ts';
import { cycleMs, instanceRate } from './need.ts';
import type { Prices } from './prices.ts';
import type { SetUp } from './set-up.ts';
import { meanOf, requestBytesOf, resultBytesOf, shareOf, type Workload } from './workload.ts';

const MONTH_HOURS = 730;
const MONTH_SECONDS = MONTH_HOURS * 3600;

/** A part of the bill. */
export interface Part {
  readonly what: string;
  /** Undefined where its price is not known. */
  readonly month: number | undefined;
}

export interface Money {
  readonly parts: readonly Part[];
  /** All of it; undefined where a price is not known. */
  readonly month: number | undefined;
  /** Of requests; undefined where a price is not known. */
  readonly millionEvents: number | undefined;
  readonly eventsAMonth: number;
  /** The same rows as batch jobs on the same instances: of the processor alone. */
  readonly batch: { readonly month: number | undefined; readonly millionEvents: number | undefined };
}

/** What a set-up costs a month of 730 hours at the usual rate, bursts not counted, free grants neither. */
export function moneyOf(setUp: SetUp, workload: Workload, costs: Costs, prices: Prices): Money {
  const { namespaces, units, alwaysReady, memoryMb, tier } = setUp;
  const share = shareOf(workload, namespaces);
  const gb = memoryMb / 1024;
  const busy = busyInstances(setUp, share, costs);
  const eventsAMonth = meanOf(workload) * MONTH_SECONDS;
  const charged =
    Math.ceil(requestBytesOf(workload) / CHARGED_BYTES) + Math.ceil(resultBytesOf(workload) / CHARGED_BYTES);
  const unitHour = {
    standard: prices.throughputUnitHour,
    premium: prices.processingUnitHour,
    dedicated: prices.capacityUnitHour,
  }[tier];
  const batches = namespaces * batchesPerSecond(setUp, share, costs) * MONTH_SECONDS;
  const seconds = namespaces * gb * MONTH_SECONDS;
  const parts: Part[] = [
    { what: 'units', month: times(unitHour, namespaces * units * MONTH_HOURS) },
    ...(tier === 'standard'
      ? [{ what: 'events in', month: times(prices.millionEvents, (charged * eventsAMonth) / 1e6) }]
      : []),
    { what: 'instances on demand', month: times(prices.gbSecond, seconds * busy.onDemand) },
    ...(alwaysReady > 0
      ? [
          { what: 'always-ready instances', month: times(prices.baselineGbSecond, seconds * alwaysReady) },
          { what: 'their work', month: times(prices.alwaysReadyGbSecond, seconds * busy.alwaysReady) },
        ]
      : []),
    { what: 'calls', month: times(prices.millionCalls, batches / 1e6) },
    { what: 'checkpoints', month: times(prices.millionWrites, batches / costs.checkpointEvery / 1e6) },
  ];
  const month = parts.reduce<number | undefined>(
    (sum, part) => (sum === undefined || part.month === undefined ? undefined : sum + part.month),
    0,
  );
  const batch = times(
    prices.gbSecond,
    (eventsAMonth * batchEventMs(workload, costs) * gb) / 1000 / MEMORY_CORES[memoryMb],
  );
  const aMillion = (money: number | undefined) => (money === undefined ? undefined : (1e6 * money) / eventsAMonth);
  return {
    parts,
    month,
    millionEvents: aMillion(month),
    eventsAMonth,
    batch: { month: batch, millionEvents: aMillion(batch) },
  };
}

const times = (price: number | undefined, count: number) => (price === undefined ? undefined : price * count);

const batchEventMs = ({ rows }: Workload, { rowMs }: Costs) => rows * (BATCH_ROW_MS + rowMs);

/** Instances at work, on average: an instance works without a pause while events come, and is billed for at least a second of every call. */
function busyInstances({ instances, alwaysReady, memoryMb }: SetUp, share: Workload, costs: Costs) {
  const each = instanceRate(costs, share.rows, memoryMb);
  let [onDemand, ready] = [0, 0];
  for (const rate of share.rates) {
    const busy =
      rate === 0
        ? 0
        : Math.min(Math.max(instances, alwaysReady), Math.max(1, alwaysReady, Math.ceil(rate / each - 1e-9)));
    ready += Math.min(busy, alwaysReady);
    onDemand += Math.max(0, busy - alwaysReady);
  }
  return { onDemand: onDemand / share.rates.length, alwaysReady: ready / share.rates.length };
}

/** A partition's next batch begins with its first event, is filled for a while, and ends before the next one begins. Full batches where events come faster. */
export function batchesPerSecond({ partitions }: Pick<SetUp, 'partitions'>, share: Workload, costs: Costs): number {
  const all = share.rates.map(rate => {
    const own = rate / partitions / 1000; // events a millisecond
    if (own === 0) return 0;
    const events = Math.max(1, own * (costs.fillMs + costs.waitMs + costs.confirmMs));
    const cycle = costs.fillMs + cycleMs(costs, share.rows, Math.min(events, costs.mostEvents));
    return partitions * Math.max((1000 * own) / costs.mostEvents, Math.min(1000 * own, 1000 / (1 / own + cycle)));
  });
  return all.reduce((sum, each) => sum + each, 0) / all.length;
}
