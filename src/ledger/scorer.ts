import { InfrastructureError } from '../core/errors.ts';
import type { Event, EventBatch } from '../core/event.ts';
import { createPartitionScorer, type PartitionScorer, type PartitionScorerOptions } from './partition-scorer.ts';

export interface ScorerOptions extends PartitionScorerOptions {
  /** FILL_HOLES_AFTER_SECONDS: a partition is taken as silent where neither requests nor endings came for this long. */
  readonly silentAfterMs: number;
}

export interface Scorer {
  /** Resolves once every event of the batch, and every hole before it, has its endings confirmed. @throws InfrastructureError. */
  scoreBatch(batch: EventBatch): Promise<void>;
  /**
   * Scores what lies behind the mark in partitions that have fallen silent: events that the host checkpointed past and that
   * no later batch will bring up. Gives how many it scored.
   */
  fillSilentPartitions(): Promise<number>;
  /** Waits for running batches. */
  drain(): Promise<void>;
}

interface Lane {
  readonly scorer: PartitionScorer;
  /** Settles once nobody works on the partition. */
  idle: Promise<unknown>;
}

/** Keeps the partitions apart: one batch at a time in each, even where an invocation that timed out still runs. */
export function createScorer(options: ScorerOptions): Scorer {
  const { deadlineMs, silentAfterMs, clock, log } = options;
  const { requests, results, deadLetters } = options.ledger.hubs;
  const lanes = new Map<string, Lane>();

  const laneOf = (partition: string): Lane => {
    let lane = lanes.get(partition);
    if (!lane) {
      lane = { scorer: createPartitionScorer(partition, options), idle: Promise.resolve() };
      lanes.set(partition, lane);
    }
    return lane;
  };

  async function inLane<T>(
    partition: string,
    work: (scorer: PartitionScorer, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const lane = laneOf(partition);
    const deadline = new AbortController();
    const timer = setTimeout(() => {
      deadline.abort(
        new InfrastructureError(
          `partition ${partition}: not done within ${deadlineMs / 1000} s; what is left comes again`,
        ),
      );
    }, deadlineMs);
    const before = lane.idle;
    const running = before.then(() => {
      deadline.signal.throwIfAborted();
      return work(lane.scorer, deadline.signal);
    });
    lane.idle = running.catch(() => {});
    try {
      return await running;
    } catch (thrown) {
      throw thrown instanceof Error && 'disposition' in thrown ? thrown : asInfrastructureError(partition, thrown);
    } finally {
      clearTimeout(timer);
    }
  }

  async function fillIfSilent(partition: string): Promise<number> {
    return inLane(partition, async (scorer, signal) => {
      const longAgo = clock() - silentAfterMs;
      const [asked, ...ended] = await Promise.all(
        [requests, results, deadLetters].map(hub => hub.range(partition, signal)),
      );
      // Most partitions are told from these alone: at work, or settled as far as they go.
      if (!asked || asked.empty || ended.some(range => (range.lastEnqueuedAtMs ?? 0) > longAgo)) return 0;
      if (asked.last === scorer.settledThrough) return 0;
      const { standing, requests: range } = await scorer.look(signal);
      if (range.last <= standing.settledThrough) return 0;
      const old = ({ enqueuedAtMs }: Event) => enqueuedAtMs <= longAgo;
      return scorer.fill(standing.settledThrough + 1, range.last, range, signal, old);
    });
  }

  return {
    async scoreBatch({ partition, events }) {
      if (events.length > 0) await inLane(partition, (scorer, signal) => scorer.settle(events, signal));
    },
    async fillSilentPartitions() {
      const { partitions } = await requests.describe(AbortSignal.timeout(deadlineMs));
      const filled = await Promise.allSettled(partitions.map(fillIfSilent));
      for (const [i, outcome] of filled.entries()) {
        if (outcome.status === 'rejected')
          log.warn(`looking for holes in partition ${partitions[i]}: ${outcome.reason}`);
      }
      return filled.reduce((sum, outcome) => sum + (outcome.status === 'fulfilled' ? outcome.value : 0), 0);
    },
    async drain() {
      await Promise.all([...lanes.values()].map(lane => lane.idle));
    },
  };
}

function asInfrastructureError(partition: string, thrown: unknown): InfrastructureError {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new InfrastructureError(`partition ${partition}: ${message}`, { cause: thrown });
}
