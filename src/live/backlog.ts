import type { HubReader, PartitionRange } from '../core/hub-reader.ts';
import { further, type Settled } from '../sweep/fold.ts';
import type { SweptPartition } from '../sweep/read-counts.ts';

export interface PartitionBacklog {
  readonly id: string;
  /** Events of the requests partition that have no ending yet; absent where no ending was counted that says so. */
  readonly backlog?: number;
  /** Last sequence number ever given; -1 where there never was an event. */
  readonly last: number;
}

/** What the requests hub holds. */
export interface RequestRanges {
  readonly createdAtMs: number;
  readonly ranges: readonly (PartitionRange & { readonly id: string })[];
}

/** @throws what the reader throws */
export async function readRanges(requests: HubReader, signal: AbortSignal): Promise<RequestRanges> {
  const { createdAtMs, partitions } = await requests.describe(signal);
  const ranges = await Promise.all(partitions.map(async id => ({ id, ...(await requests.range(id, signal)) })));
  return { createdAtMs, ranges };
}

/**
 * How many requests wait in each partition: what the hub held less what its endings say is settled. Taken in that order, so that what was settled
 * in between is no backlog.
 */
export function backlogOf(
  { createdAtMs, ranges }: RequestRanges,
  states: readonly SweptPartition[],
): readonly PartitionBacklog[] {
  return ranges.map(({ id, ...range }) => {
    const own = states.filter(({ partition }) => partition === id).map(({ state }) => state);
    const settled = own.reduce<Settled | undefined>((most, state) => further(most, state.settled), undefined);
    const isCounted = own.some(({ cursor }) => cursor >= 0);
    if (settled === undefined && isCounted) return { id, last: range.last };
    return { id, backlog: Math.max(0, range.last - settledThrough(settled, range, createdAtMs)), last: range.last };
  });
}

/** What is said of a hub of before by the same name holds for nothing in this one. */
function settledThrough(settled: Settled | undefined, { first, last }: PartitionRange, createdAtMs: number): number {
  const nothing = Math.min(last, first - 1);
  if (settled === undefined || (settled.log > 0 && settled.log < createdAtMs)) return nothing;
  return Math.max(nothing, settled.through);
}
