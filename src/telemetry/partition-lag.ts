import type { EventBatch } from '../core/event.ts';
import type { Clock } from '../core/log.ts';
import type { MetricStore } from './metric-store.ts';

/** A partition of which no batch came for so long belongs to another instance, or nothing comes: its last lag would mislead. */
const FORGET_AFTER_MS = 5 * 60_000;
const ASK_FOR_MS = 2_000;

/** The newest sequence number of a requests partition, as the broker has it now. */
export type AskNewest = (partition: string, signal: AbortSignal) => Promise<number>;

interface Standing {
  readonly atMs: number;
  /** Everything through here has its ending. */
  readonly settledThrough: number;
  readonly seconds: number;
}

/** How far behind each partition is that this instance reads. */
export class PartitionLag {
  readonly #store: MetricStore;
  readonly #clock: Clock;
  readonly #standings = new Map<string, Standing>();

  constructor(store: MetricStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  settled({ partition, events }: EventBatch, receivedAtMs: number): void {
    const last = events.at(-1);
    if (last) this.#set(partition, last.sequenceNumber, receivedAtMs - last.enqueuedAtMs);
  }

  /** A batch that comes again: its partition stands still, and its lag must not be forgotten. */
  failed({ partition, events }: EventBatch): void {
    const [first] = events;
    if (first) this.#set(partition, first.sequenceNumber - 1, this.#clock() - first.enqueuedAtMs);
  }

  #set(partition: string, settledThrough: number, ageMs: number): void {
    this.#standings.set(partition, { atMs: this.#clock(), settledThrough, seconds: Math.max(0, ageMs) / 1000 });
  }

  /** Brings the gauges up to date; without an answer from the broker the count of events is left out. */
  async refresh(newest: AskNewest | undefined): Promise<void> {
    const oldest = this.#clock() - FORGET_AFTER_MS;
    for (const [partition, { atMs }] of this.#standings) if (atMs < oldest) this.#standings.delete(partition);
    const counted = await Promise.all(
      [...this.#standings].map(async ([partition, standing]) => ({
        partition,
        standing,
        last: await newest?.(partition, AbortSignal.timeout(ASK_FOR_MS)).catch(() => undefined),
      })),
    );
    this.#store.clear('hubscore_partition_lag_events');
    this.#store.clear('hubscore_partition_lag_seconds');
    for (const { partition, standing, last } of counted) {
      this.#store.of('hubscore_partition_lag_seconds', partition).value = standing.seconds;
      if (last === undefined) continue;
      this.#store.of('hubscore_partition_lag_events', partition).value = Math.max(0, last - standing.settledThrough);
    }
  }
}
