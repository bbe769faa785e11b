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

/** How many requests wait in each partition: what the hub holds less what its endings say is settled. @throws what the reader throws */
export async function readBacklog(
  requests: HubReader,
  states: readonly SweptPartition[],
  signal: AbortSignal,
): Promise<readonly PartitionBacklog[]> {
  const { createdAtMs, partitions } = await requests.describe(signal);
  return Promise.all(
    partitions.map(async id => {
      const range = await requests.range(id, signal);
      const own = states.filter(({ partition }) => partition === id).map(({ state }) => state);
      const settled = own.reduce<Settled | undefined>((most, state) => further(most, state.settled), undefined);
      const isCounted = own.some(({ cursor }) => cursor >= 0);
      if (settled === undefined && isCounted) return { id, last: range.last };
      return { id, backlog: range.last - settledThrough(settled, range, createdAtMs), last: range.last };
    }),
  );
}

/** What is said of a hub of before by the same name holds for nothing in this one. */
function settledThrough(settled: Settled | undefined, { first, last }: PartitionRange, createdAtMs: number): number {
  const nothing = Math.min(last, first - 1);
  if (settled === undefined || settled.through > last) return nothing;
  if (settled.log > 0 && settled.log < createdAtMs) return nothing;
  return Math.max(nothing, settled.through);
}
