import type { EventBatch } from '../core/event.ts';
import type { Clock } from '../core/log.ts';
import type { MetricStore } from './metric-store.ts';

/** A partition not read for so long belongs to another instance, or nothing comes: its last lag would mislead. */
const FORGET_AFTER_MS = 5 * 60_000;

interface Lag {
  readonly atMs: number;
  readonly seconds: number;
  readonly events: number | undefined;
}

/** How far behind each partition was after its last batch. */
export class PartitionLag {
  readonly #store: MetricStore;
  readonly #clock: Clock;
  readonly #lags = new Map<string, Lag>();

  constructor(store: MetricStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  record(
    { partition, events }: EventBatch,
    timing: { readonly receivedAtMs: number; readonly lastEnqueuedSequenceNumber?: number | undefined },
  ): void {
    const last = events.at(-1);
    if (!last) return;
    const newest = timing.lastEnqueuedSequenceNumber;
    this.#lags.set(partition, {
      atMs: this.#clock(),
      seconds: Math.max(0, timing.receivedAtMs - last.enqueuedAtMs) / 1000,
      events: newest === undefined ? undefined : Math.max(0, newest - last.sequenceNumber),
    });
  }

  /** Brings the gauges up to date. */
  refresh(): void {
    const oldest = this.#clock() - FORGET_AFTER_MS;
    this.#store.clear('hubscore_partition_lag_events');
    this.#store.clear('hubscore_partition_lag_seconds');
    for (const [partition, { atMs, seconds, events }] of this.#lags) {
      if (atMs < oldest) {
        this.#lags.delete(partition);
        continue;
      }
      this.#store.of('hubscore_partition_lag_seconds', partition).value = seconds;
      if (events !== undefined) this.#store.of('hubscore_partition_lag_events', partition).value = events;
    }
  }
}
