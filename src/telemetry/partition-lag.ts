import type { EventBatch } from '../core/event.ts';
import type { Clock } from '../core/log.ts';
import type { MetricStore } from './metric-store.ts';

/** A partition of which no batch came for so long belongs to another instance, or nothing comes: its last lag would mislead. */
const FORGET_AFTER_MS = 5 * 60_000;
/** Events wait and the host brings none: it reads the partition no more. The first is many times what it takes from one batch to the next, the other covers the retry policy's longest pause. */
const LEFT_AFTER_MS = { settled: 30_000, failed: 90_000 } as const;
const ASK_FOR_MS = 2_000;

/** The newest sequence number of a requests partition, as the broker has it now. */
export type AskNewest = (partition: string, signal: AbortSignal) => Promise<number>;

interface Standing {
  readonly atMs: number;
  /** Everything through here has its ending. */
  readonly settledThrough: number;
  readonly seconds: number;
  readonly last: keyof typeof LEFT_AFTER_MS;
  /** Since when it is seen that events wait while no batch is at work. */
  waitingSinceMs?: number | undefined;
}

/**
 * How far behind each partition is that this instance reads. When a partition moves, nobody says so: the broker's newest number would go on
 * while what was settled here stands still. So a partition is forgotten once it is seen to be left; until then another instance's smaller
 * number is the true one, as the dashboards and alerts have it.
 */
export class PartitionLag {
  readonly #store: MetricStore;
  readonly #clock: Clock;
  readonly #standings = new Map<string, Standing>();
  /** Batches at work, by partition. */
  readonly #working = new Map<string, number>();

  constructor(store: MetricStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** A batch came; the function that it gives says that it is at its end, whichever. */
  arrived({ partition }: EventBatch): () => void {
    const add = (count: number) => this.#working.set(partition, (this.#working.get(partition) ?? 0) + count);
    add(1);
    return () => void add(-1);
  }

  settled({ partition, events }: EventBatch, receivedAtMs: number): void {
    const last = events.at(-1);
    if (last) this.#set(partition, last.sequenceNumber, receivedAtMs - last.enqueuedAtMs, 'settled');
  }

  /** A batch that comes again: its partition stands still, and its lag must not be forgotten. */
  failed({ partition, events }: EventBatch): void {
    const [first] = events;
    if (first) this.#set(partition, first.sequenceNumber - 1, this.#clock() - first.enqueuedAtMs, 'failed');
  }

  #set(partition: string, settledThrough: number, ageMs: number, last: Standing['last']): void {
    this.#standings.set(partition, { atMs: this.#clock(), settledThrough, seconds: Math.max(0, ageMs) / 1000, last });
  }

  /** Brings the gauges up to date; without an answer from the broker the count of events is left out. */
  async refresh(newest: AskNewest | undefined): Promise<void> {
    const oldest = this.#clock() - FORGET_AFTER_MS;
    for (const [partition, { atMs }] of this.#standings) if (atMs < oldest) this.#standings.delete(partition);
    const asked = await Promise.all(
      [...this.#standings.keys()].map(
        async partition =>
          [partition, await newest?.(partition, AbortSignal.timeout(ASK_FOR_MS)).catch(() => undefined)] as const,
      ),
    );
    this.#store.clear('hubscore_partition_lag_events');
    this.#store.clear('hubscore_partition_lag_seconds');
    for (const [partition, last] of asked) {
      // Batches came to their end meanwhile, and what the broker said is as old as the question.
      const standing = this.#standings.get(partition);
      if (!standing) continue;
      const behind = last === undefined ? undefined : Math.max(0, last - standing.settledThrough);
      if (this.#left(partition, standing, behind)) {
        this.#standings.delete(partition);
        continue;
      }
      this.#store.of('hubscore_partition_lag_seconds', partition).value = standing.seconds;
      if (behind !== undefined) this.#store.of('hubscore_partition_lag_events', partition).value = behind;
    }
  }

  /** Whether the partition is read here no more, by what this look sees and earlier ones saw. */
  #left(partition: string, standing: Standing, behind: number | undefined): boolean {
    if (behind === undefined) return false;
    const waits = behind > 0 && !this.#working.get(partition);
    const nowMs = this.#clock();
    standing.waitingSinceMs = waits ? (standing.waitingSinceMs ?? nowMs) : undefined;
    return standing.waitingSinceMs !== undefined && nowMs - standing.waitingSinceMs >= LEFT_AFTER_MS[standing.last];
  }
}
