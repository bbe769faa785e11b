/** A tier of Azure Event Hubs. */
export type Tier = 'standard' | 'premium' | 'dedicated';

/** What one namespace (of Dedicated: one cluster) may have, and what a unit of it carries. Infinity: nothing is published. */
export interface TierLimits {
  /** What its units are called, one of them. */
  readonly unit: string;
  /** So many units can be had, ascending. */
  readonly units: readonly number[];
  readonly inEvents: number;
  readonly inBytes: number;
  readonly outEvents: number;
  readonly outBytes: number;
  readonly partitionsPerHub: number;
  /** Of all its hubs together, a unit. */
  readonly partitionsPerUnit: number;
  /** A partition takes in for sure, events a second. */
  readonly partitionEvents: number;
  /** Likewise bytes a second. */
  readonly partitionBytes: number;
}

const upTo = (most: number) => Array.from({ length: most }, (_, i) => i + 1);

/**
 * Published, and planned at the lower end of what is published:
 * - Standard: "Event Hubs quotas and limits", learn.microsoft.com/azure/event-hubs/event-hubs-quotas, page of 2026-02-05.
 * - Premium: 1 unit with 100 partitions takes in about 5–10 MB/s and gives out 10–20: "Scaling with Event Hubs",
 *   learn.microsoft.com/azure/event-hubs/event-hubs-scalability, page of 2023-11-23; partitions and 16 units: the quotas page.
 * - Dedicated, self-serve scalable clusters: about 100–200 MB/s in a unit, 10 units without a support request: "Overview of Azure Event Hubs Dedicated
 *   tier", learn.microsoft.com/azure/event-hubs/event-hubs-dedicated-overview, read 2026-11-28; partitions: the quotas page. What it gives out is not
 *   published: taken as twice what comes in, as in the other tiers.
 * - That a partition is good for one throughput unit (1 MB/s), and more is not promised: the scalability page.
 */
export const TIERS: Readonly<Record<Tier, TierLimits>> = {
  standard: {
    unit: 'throughput unit',
    units: upTo(40),
    inEvents: 1_000,
    inBytes: 1e6,
    outEvents: 4_096,
    outBytes: 2e6,
    partitionsPerHub: 32,
    partitionsPerUnit: Number.POSITIVE_INFINITY,
    partitionEvents: 1_000,
    partitionBytes: 1e6,
  },
  premium: {
    unit: 'processing unit',
    units: [1, 2, 4, 6, 8, 10, 12, 16],
    inEvents: Number.POSITIVE_INFINITY,
    inBytes: 5e6,
    outEvents: Number.POSITIVE_INFINITY,
    outBytes: 10e6,
    partitionsPerHub: 100,
    partitionsPerUnit: 200,
    partitionEvents: Number.POSITIVE_INFINITY,
    partitionBytes: 1e6,
  },
  dedicated: {
    unit: 'capacity unit',
    units: upTo(10),
    inEvents: Number.POSITIVE_INFINITY,
    inBytes: 100e6,
    outEvents: Number.POSITIVE_INFINITY,
    outBytes: 200e6,
    partitionsPerHub: 1_024,
    partitionsPerUnit: 2_000,
    partitionEvents: Number.POSITIVE_INFINITY,
    partitionBytes: 1e6,
  },
};

/** Partitions of all hubs of a namespace: requests, results, dead letters, and two for labels. */
export const partitionsOfHubs = (partitions: number) => 3 * partitions + 2;

/** Instances of Flex Consumption by memory, megabytes, with about so many cores; an app has at most so many instances. "Flex Consumption plan hosting", page of 2024-05-24. */
export const MEMORY_CORES = { 2048: 1, 4096: 2 } as const;
export type MemoryMb = keyof typeof MEMORY_CORES;
export const MOST_INSTANCES = 1_000;

/** Bytes of one event that Standard charges for as one; larger events count as several. Event Hubs pricing. */
export const CHARGED_BYTES = 64 * 1024;
/** No event is larger. */
export const MOST_EVENT_BYTES = 1_000_000;
