/** How the platform decides on instances. */
export interface ScaleRule {
  /** It looks so often. */
  readonly everyMs: number;
  /** Events that wait for one instance: `targetUnprocessedEventThreshold`. */
  readonly eventsAnInstance: number;
  /** So many are added at once, at most. */
  readonly atOnce: number;
  /** None is taken away so soon after one was added. */
  readonly keepMs: number;
}

/**
 * Published: desired instances = events that wait / target executions per instance, at most one a partition and as many as share partitions evenly, up to
 * four more at a time ("Target-based scaling", learn.microsoft.com/azure/azure-functions/functions-target-based-scaling, page of 2023-04-04); not more
 * often than every 30 s where the trigger is not HTTP ("Event-driven scaling", …/event-driven-scaling, page of 2020-10-29; of Consumption and Premium, for
 * Flex Consumption nothing is published). None is taken away within 180 s after one was added (the Event Hubs extension's target scaler, as its source has it).
 * 2000 is host.json's.
 */
export const AZURE_SCALE: ScaleRule = { everyMs: 30_000, eventsAnInstance: 2_000, atOnce: 4, keepMs: 180_000 };

/** Numbers of instances that share so many partitions as evenly as can be: ⌈partitions / 1⌉, ⌈partitions / 2⌉ …, ascending. */
export function evenCounts(partitions: number): number[] {
  const counts = new Set(Array.from({ length: partitions }, (_, i) => Math.ceil(partitions / (i + 1))));
  return [...counts].sort((a, b) => a - b);
}

/** What the rule asks for where so many events wait: 0 where none do. */
export function desiredInstances(waiting: number, partitions: number, rule: ScaleRule): number {
  if (waiting === 0) return 0;
  const wanted = Math.ceil(waiting / rule.eventsAnInstance);
  return evenCounts(partitions).find(count => count >= wanted) ?? partitions;
}
