import { type Costs, eventCpuMs, PLANNED_SHARE, PROCESSES_MB } from './costs.ts';
import { MEMORY_CORES, type MemoryMb, partitionsOfHubs, TIERS, type Tier } from './limits.ts';
import { highestOf, peakOf, requestBytesOf, resultBytesOf, type Workload } from './workload.ts';

/*
 * The closed formulas. All are of one namespace; rates are events a second, `sent` as they come in and `scored` as they are worked off.
 */

/**
 * How fast events have to be scored so that a burst of factor f over T seconds is worked off D seconds after its end: what came (f·r·T + r·D) within
 * T + D. Without a burst, or without a limit for it, the usual rate.
 */
export function scoringRateFor(workload: Workload, drainMs: number | undefined): number {
  const rate = peakOf(workload);
  const { burst } = workload;
  if (burst === undefined || drainMs === undefined) return rate;
  const drain = drainMs / 1000;
  return (rate * (burst.factor * burst.seconds + drain)) / (burst.seconds + drain);
}

/** Units that carry it, not yet rounded to what can be bought: both hubs' events come in, requests are read once, results by the sweep and every reader. */
export function unitsFor(tier: Tier, workload: Workload, sent: number, scored: number): number {
  const { inEvents, inBytes, outEvents, outBytes } = TIERS[tier];
  const [request, result] = [requestBytesOf(workload), resultBytesOf(workload)];
  const read = workload.readers + 1;
  return Math.max(
    (sent + scored) / inEvents,
    (sent * request + scored * result) / inBytes,
    (scored + scored * read) / outEvents,
    (scored * request + scored * result * read) / outBytes,
  );
}

/** What a batch of so many events takes on an instance that does nothing else: processor, remote model, confirmation; not the wait to fill it. */
export const cycleMs = (costs: Costs, rows: number, events: number) =>
  costs.batchMs + events * eventCpuMs(costs, rows) + remoteMs(costs, rows, events) + costs.confirmMs;

/** A batch's runs of a remote model, side by side as far as they may be. */
const remoteMs = ({ waitMs, runs, runRows }: Costs, rows: number, events: number) =>
  waitMs === 0 ? 0 : waitMs * Math.ceil(Math.ceil((events * rows) / runRows) / runs);

/** One partition scores, planned; one batch at a time. */
export const partitionRate = (costs: Costs, rows: number) =>
  (PLANNED_SHARE * 1000 * costs.mostEvents) / cycleMs(costs, rows, costs.mostEvents);

/** One partition takes in for sure: requests and results are hubs of their own, so the larger event counts. */
export function partitionIntake(tier: Tier, workload: Workload): number {
  const { partitionEvents, partitionBytes } = TIERS[tier];
  return Math.min(partitionEvents, partitionBytes / Math.max(requestBytesOf(workload), resultBytesOf(workload)));
}

/** One instance scores, planned: its processor counts, and its full runs of a remote model. */
export function instanceRate(costs: Costs, rows: number, memoryMb: MemoryMb): number {
  const cpu = MEMORY_CORES[memoryMb] / (eventCpuMs(costs, rows) + costs.batchMs / costs.mostEvents);
  const remote = costs.waitMs === 0 ? Number.POSITIVE_INFINITY : (costs.runs * costs.runRows) / rows / costs.waitMs;
  return PLANNED_SHARE * 1000 * Math.min(cpu, remote);
}

/** The smallest memory that holds the models beside the processes; undefined where none does. */
export function memoryFor({ modelMb }: Costs): MemoryMb | undefined {
  const sizes = Object.keys(MEMORY_CORES).map(Number) as MemoryMb[];
  return sizes.find(size => PROCESSES_MB + modelMb <= size);
}

/** The quickest that an answer can be: the host waits to fill the batch, scores it and has its result confirmed. */
export const floorMs = (costs: Costs, rows: number) => costs.fillMs + cycleMs(costs, rows, 1);

/** Events a second that a set-up's limits carry each, planned; the smallest binds. */
export interface Capacity {
  readonly limit: 'units' | 'partitions, taking in' | 'partitions, scoring' | 'instances';
  readonly perSecond: number;
}

/** @param instances that work, of that memory */
export function capacities(
  tier: Tier,
  of: { readonly units: number; readonly partitions: number; readonly instances: number; readonly memoryMb: MemoryMb },
  workload: Workload,
  costs: Costs,
): Capacity[] {
  const { rows } = workload;
  return [
    { limit: 'units', perSecond: of.units / unitsFor(tier, workload, 1, 1) },
    { limit: 'partitions, taking in', perSecond: of.partitions * partitionIntake(tier, workload) },
    { limit: 'partitions, scoring', perSecond: of.partitions * partitionRate(costs, rows) },
    { limit: 'instances', perSecond: Math.min(of.instances, of.partitions) * instanceRate(costs, rows, of.memoryMb) },
  ];
}

/** What the closed formulas ask for in one namespace. */
export interface Need {
  readonly units: number;
  readonly partitions: number;
  readonly instances: number;
  /** What exceeds the namespace, in words; undefined where it holds. */
  readonly beyond: string | undefined;
}

/** @param scored events a second that have to be worked off */
export function needOf(tier: Tier, workload: Workload, costs: Costs, memoryMb: MemoryMb, scored: number): Need {
  const limits = TIERS[tier];
  const sent = highestOf(workload);
  const instances = Math.max(1, up(scored / instanceRate(costs, workload.rows, memoryMb)));
  const partitions = Math.max(
    instances,
    up(sent / partitionIntake(tier, workload)),
    up(scored / partitionRate(costs, workload.rows)),
  );
  const wanted = Math.max(
    unitsFor(tier, workload, sent, scored),
    partitionsOfHubs(partitions) / limits.partitionsPerUnit,
  );
  const units = limits.units.find(count => count >= wanted - 1e-9);
  const beyond =
    units === undefined
      ? `${up(wanted)} ${limits.unit}s are needed, ${limits.units.at(-1)} can be had`
      : partitions > limits.partitionsPerHub
        ? `${partitions} partitions are needed, a hub has ${limits.partitionsPerHub}`
        : undefined;
  return { units: units ?? up(wanted), partitions, instances, beyond };
}

const up = (value: number) => Math.ceil(value - 1e-9);
