import type { MemoryMb, Tier } from './limits.ts';

/** What is deployed. Everything but `namespaces` is of one namespace with its own app. */
export interface SetUp {
  readonly tier: Tier;
  readonly namespaces: number;
  readonly units: number;
  readonly partitions: number;
  /** At most: `MAXIMUM_INSTANCE_COUNT`. */
  readonly instances: number;
  readonly memoryMb: MemoryMb;
  readonly alwaysReady: number;
}
